//! Writes the runtime after this one (the runtime's feature `rehearsal`) where it is told, compressed as an upgrade is
//! submitted: `cargo run -p keel-rehearsal -- FILE`.

use sp_maybe_compressed_blob::{compress_strongly, CODE_BLOB_BOMB_LIMIT};

include!(concat!(env!("OUT_DIR"), "/keel_rehearsal.rs"));

fn main() -> Result<(), Box<dyn std::error::Error>> {
	let file = std::env::args().nth(1).ok_or("which file to write?")?;
	let code = WASM_BINARY_BLOATY.ok_or("built with SKIP_WASM_BUILD: unset it and build again")?;
	let compressed = compress_strongly(code, CODE_BLOB_BOMB_LIMIT).ok_or("the code is too large")?;
	std::fs::write(&file, &compressed)?;
	println!("{file}: {} bytes, {} uncompressed", compressed.len(), code.len());
	Ok(())
}
