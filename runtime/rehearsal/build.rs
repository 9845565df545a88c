fn main() {
	// The same project in the same place as the runtime's own build, so that all but the runtime itself is there already;
	// under another name, so that neither overwrites the other.
	let runtime = std::fs::canonicalize("../Cargo.toml").expect("the runtime is around this crate");
	substrate_wasm_builder::WasmBuilder::new()
		.with_project(runtime)
		.expect("a manifest is a project")
		.enable_feature("rehearsal")
		.import_memory()
		.export_heap_base()
		.set_file_name("keel_rehearsal.rs")
		.build()
}
