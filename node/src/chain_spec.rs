//! The chains one can start by name. What is in their genesis is the runtime's matter: it holds the presets.

use keel_runtime::{Runtime, KEEL, WASM_BINARY};
use sc_service::{ChainType, Properties};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};

pub type ChainSpec = sc_service::GenericChainSpec;

/// One validator, Alice.
pub fn development() -> Result<ChainSpec, String> {
	spec(
		"Keel Development",
		"keel_dev",
		ChainType::Development,
		DEV_RUNTIME_PRESET,
	)
}

/// Several validators on one machine or network.
pub fn local_testnet() -> Result<ChainSpec, String> {
	spec(
		"Keel Local Testnet",
		"keel_local",
		ChainType::Local,
		LOCAL_TESTNET_RUNTIME_PRESET,
	)
}

fn spec(name: &str, id: &str, chain_type: ChainType, preset: &str) -> Result<ChainSpec, String> {
	let wasm = WASM_BINARY.ok_or(
		"this node was built without the runtime's Wasm (SKIP_WASM_BUILD): build it again without that variable, or \
		 start it on a chain specification file with `--chain FILE.json`",
	)?;
	Ok(ChainSpec::builder(wasm, Default::default())
		.with_name(name)
		.with_id(id)
		.with_chain_type(chain_type)
		.with_genesis_config_preset_name(preset)
		.with_properties(properties())
		.build())
}

/// What a wallet needs to show an amount of the native token.
fn properties() -> Properties {
	let mut properties = Properties::new();
	properties.insert("tokenSymbol".into(), "KEEL".into());
	properties.insert("tokenDecimals".into(), KEEL.ilog10().into());
	properties.insert(
		"ss58Format".into(),
		<Runtime as frame_system::Config>::SS58Prefix::get().into(),
	);
	properties
}
