//! A whole chain in memory: the development preset, real blocks, the real offchain worker, and `try_state` after
//! every block.
#![allow(dead_code)]

pub mod bars;

use std::{
	collections::{BTreeSet, VecDeque},
	sync::Arc,
};

use codec::Decode;
use frame_support::{
	assert_ok,
	storage::{with_transaction, TransactionOutcome},
	traits::{fungibles::Inspect, PalletsInfoAccess, TryState, TryStateSelect},
};
use frame_system::offchain::CreateAuthorizedTransaction;
use keel_runtime::{
	governance::pallet_origins::Origin, AccountId, AllPalletsWithSystem, Assets, Auctions, Balance,
	Executive, Header, InsuranceFund, Moment, Runtime, RuntimeCall, RuntimeEvent, RuntimeGenesisConfig,
	RuntimeOrigin, System, TechnicalCollective, UncheckedExtrinsic, SLOT_DURATION,
};
use sp_core::offchain::{
	testing::{PoolState, TestOffchainExt, TestTransactionPoolExt},
	OffchainDbExt, OffchainWorkerExt, TransactionPoolExt,
};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
	traits::{Dispatchable, Header as _},
	BoundedVec, Digest, DigestItem, DispatchError, DispatchResult, FixedU128,
};

pub const KUSD: u32 = 1;
pub const BTC: u32 = 2;
pub const ETH: u32 = 3;
pub const DOT: u32 = 4;

/// 12 March 2020, 00:00 UTC.
pub const BEGIN: Moment = 1_583_971_200_000;

pub fn kusd(whole: u128) -> Balance {
	whole * 1_000_000
}

pub fn who(key: Sr25519Keyring) -> AccountId {
	key.to_account_id()
}

pub const OPERATORS: [Sr25519Keyring; 5] = [
	Sr25519Keyring::Alice,
	Sr25519Keyring::Bob,
	Sr25519Keyring::Charlie,
	Sr25519Keyring::Dave,
	Sr25519Keyring::Eve,
];

fn merge(base: &mut serde_json::Value, patch: serde_json::Value) {
	match (base, patch) {
		(serde_json::Value::Object(base), serde_json::Value::Object(patch)) => {
			for (key, value) in patch {
				merge(base.entry(key).or_insert(serde_json::Value::Null), value);
			}
		}
		(base, patch) => *base = patch,
	}
}

/// The genesis of a preset, as a node builds it.
pub fn genesis(preset: &str) -> Vec<u8> {
	let default =
		frame_support::genesis_builder_helper::get_preset::<RuntimeGenesisConfig>(&None, |_| None).unwrap();
	let mut whole: serde_json::Value = serde_json::from_slice(&default).unwrap();
	let patch = keel_runtime::genesis_presets::get(&preset.into()).unwrap();
	merge(&mut whole, serde_json::from_slice(&patch).unwrap());
	serde_json::to_vec(&whole).unwrap()
}

/// A chain and what surrounds it.
pub struct Chain {
	ext: sp_io::TestExternalities,
	pool: Arc<parking_lot::RwLock<PoolState>>,
	/// Does the node run its liquidation worker?
	pub workers: bool,
	/// Is `try_state` of every pallet checked after every block?
	pub try_state: bool,
	waiting: VecDeque<UncheckedExtrinsic>,
}

impl Chain {
	/// The development chain before its first block.
	pub fn new() -> Self {
		let mut ext = sp_io::TestExternalities::new_empty();
		let (offchain, _) = TestOffchainExt::new();
		let (pool, state) = TestTransactionPoolExt::new();
		ext.register_extension(OffchainDbExt::new(offchain.clone()));
		ext.register_extension(OffchainWorkerExt::new(offchain));
		ext.register_extension(TransactionPoolExt::new(pool));
		ext.execute_with(|| {
			frame_support::genesis_builder_helper::build_state::<RuntimeGenesisConfig>(genesis(
				"development",
			))
			.unwrap();
		});
		Self {
			ext,
			pool: state,
			workers: true,
			try_state: true,
			waiting: VecDeque::new(),
		}
	}

	/// Look at or change the state between blocks.
	pub fn state<R>(&mut self, look: impl FnOnce() -> R) -> R {
		self.ext.execute_with(look)
	}

	/// Make a block at `time`: the waiting worker transactions first, then `body`; afterwards the checks and the worker.
	pub fn block<R>(&mut self, time: Moment, body: impl FnOnce() -> R) -> R {
		let mut waiting = std::mem::take(&mut self.waiting);
		let (try_state, workers) = (self.try_state, self.workers);
		let result = self.ext.execute_with(|| {
			let number = System::block_number() + 1;
			let slot = sp_consensus_aura::Slot::from(time / SLOT_DURATION);
			let digest = Digest {
				logs: vec![DigestItem::PreRuntime(
					sp_consensus_aura::AURA_ENGINE_ID,
					codec::Encode::encode(&slot),
				)],
			};
			let parent = System::block_hash(number - 1);
			let header = Header::new(number, Default::default(), Default::default(), parent, digest);
			Executive::initialize_block(&header);
			Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(RuntimeCall::Timestamp(
				pallet_timestamp::Call::set { now: time },
			)))
			.unwrap()
			.unwrap();
			// As the first transaction, or the end of a block without any, does.
			Executive::inherents_applied();
			for extrinsic in waiting.drain(..) {
				// What is stale by now is refused at the door, as a pool would.
				let _ = Executive::apply_extrinsic(extrinsic);
			}
			let result = body();
			let header = Executive::finalize_block();
			if try_state {
				check_state();
			}
			if workers {
				Executive::offchain_worker(&header);
			}
			result
		});
		let sent = std::mem::take(&mut self.pool.write().transactions);
		self.waiting = sent
			.into_iter()
			.map(|bytes| UncheckedExtrinsic::decode(&mut &bytes[..]).expect("the worker's bytes decode"))
			.collect();
		result
	}

	/// Five operators feed the same prices in a block at `time`.
	pub fn fed_block(&mut self, time: Moment, prices: &[(u32, f64)]) {
		self.block(time, || feed_all(prices));
	}

	/// Five minutes of the same prices, a block every half minute: what was deposited joins the stability pool. Returns the
	/// time.
	pub fn let_deposits_join(&mut self, prices: &[(u32, f64)]) -> Moment {
		for _ in 0..10 {
			let now = self.now();
			self.fed_block(now + 30_000, prices);
		}
		self.now()
	}

	/// The chain's time.
	pub fn now(&mut self) -> Moment {
		self.state(keel_runtime::Timestamp::get)
	}

	/// Write what is pending into the trie, as the end of a block does.
	pub fn commit(&mut self) {
		self.ext.commit_all().unwrap();
	}

	/// Distinct keys `work` reads and writes, System's bookkeeping aside but accounts included.
	pub fn tally(&mut self, work: impl FnOnce()) -> (usize, usize) {
		fn two<R: Default + Clone>() -> (R, R) {
			let one = R::default();
			(one.clone(), one)
		}
		let system = sp_io::hashing::twox_128(b"System");
		let account = sp_io::hashing::twox_128(b"Account");
		let counts = |key: &[u8]| {
			!key.starts_with(b":") && (!key.starts_with(&system) || key[16..].starts_with(&account))
		};
		self.commit();
		let (recorder, seen) = two();
		self.ext.execute_with_recorder(recorder, work);
		let reads: BTreeSet<Vec<u8>> = seen
			.recorded_keys()
			.into_values()
			.flat_map(|keys| keys.into_keys())
			.map(|key| key.to_vec())
			.filter(|key| counts(key))
			.collect();
		let writes = self
			.ext
			.overlayed_changes()
			.changes()
			.filter(|(key, _)| counts(key))
			.count();
		self.ext.execute_with(check_state);
		(reads.len(), writes)
	}

	/// Lose what the worker has sent.
	pub fn drop_pending(&mut self) {
		self.waiting.clear();
	}

	/// Transactions the worker has sent and no block has taken yet.
	pub fn pending(&self) -> usize {
		self.waiting.len()
	}
}

/// Every pallet's invariants, and the supply of kUSD to the unit.
pub fn check_state() {
	let now = System::block_number();
	if AllPalletsWithSystem::try_state(now, TryStateSelect::All).is_err() {
		// Which one, and what: all of them together only say that something is wrong.
		for pallet in AllPalletsWithSystem::infos() {
			let one = TryStateSelect::Only(vec![pallet.name.as_bytes().to_vec()]);
			AllPalletsWithSystem::try_state(now, one).unwrap_or_else(|e| panic!("{}: {e:?}", pallet.name));
		}
	}
	check_supply();
}

/// The supply of kUSD to the unit.
pub fn check_supply() {
	let issued: i128 = pallet_vaults::Branches::<Runtime>::iter()
		.map(|(_, b)| b.issued)
		.sum();
	assert_eq!(
		i128::try_from(<Assets as Inspect<AccountId>>::total_issuance(KUSD)).unwrap(),
		issued + i128::try_from(auction_debt() + fund_bad_debt()).unwrap(),
		"kUSD in existence is what the branches issued, what auctions carry and what is recorded as bad",
	);
}

/// kUSD the running auctions still have to raise and burn.
pub fn auction_debt() -> Balance {
	<Auctions as keel_primitives::Auctions<AccountId>>::debt()
}

/// Recorded bad debt.
pub fn fund_bad_debt() -> Balance {
	<InsuranceFund as keel_primitives::InsuranceFund<AccountId>>::bad_debt()
}

pub fn usd(price: f64) -> FixedU128 {
	FixedU128::from_inner((price * 1e9).round() as u128 * 1_000_000_000)
}

fn values(prices: &[(u32, f64)]) -> pallet_prices::FeedValues<Runtime> {
	BoundedVec::truncate_from(prices.iter().map(|(f, p)| (*f, usd(*p))).collect())
}

/// One operator feeds what it observes now. The dispatch alone: the signature is not looked at.
pub fn feed(operator: Sr25519Keyring, prices: &[(u32, f64)]) -> DispatchResult {
	let last = pallet_prices::Operators::<Runtime>::get()
		.get(&who(operator))
		.map_or(0, |record| record.observed_at);
	let feed = pallet_prices::Call::<Runtime>::feed {
		operator: who(operator),
		// A second feed of one moment would not be newer.
		observed_at: keel_runtime::Timestamp::get().max(last + 1),
		values: values(prices),
		signature: sp_core::sr25519::Signature::from_raw([0; 64]).into(),
	};
	as_origin(frame_system::RawOrigin::Authorized.into(), feed)
}

/// A feed as it travels: of `operator`, signed by `key`.
pub fn signed_feed(
	operator: &AccountId,
	key: Sr25519Keyring,
	observed_at: Moment,
	prices: &[(u32, f64)],
) -> UncheckedExtrinsic {
	let values = values(prices);
	let payload = pallet_prices::Pallet::<Runtime>::feed_payload(operator, observed_at, &values);
	let feed = pallet_prices::Call::<Runtime>::feed {
		operator: operator.clone(),
		observed_at,
		values,
		signature: key.sign(&payload).into(),
	};
	type Worker = pallet_liquidations::Call<Runtime>;
	let mut extension = <Runtime as CreateAuthorizedTransaction<Worker>>::create_extension();
	extension.6 = frame_system::CheckEra::from(sp_runtime::generic::Era::Immortal);
	UncheckedExtrinsic::new_transaction(feed.into(), extension)
}

/// All operators feed the same.
pub fn feed_all(prices: &[(u32, f64)]) {
	for operator in OPERATORS {
		assert_ok!(feed(operator, prices));
	}
}

/// `what` signed by `key`: immortal, with its next nonce, a tip in KEEL, and the asset of its fee if not
/// KEEL.
pub fn signed(
	key: Sr25519Keyring,
	what: impl Into<RuntimeCall>,
	tip: Balance,
	asset: Option<u32>,
) -> UncheckedExtrinsic {
	let what = what.into();
	let mut extension =
		<Runtime as CreateAuthorizedTransaction<pallet_liquidations::Call<Runtime>>>::create_extension();
	extension.6 = frame_system::CheckEra::from(sp_runtime::generic::Era::Immortal);
	extension.7 = frame_system::CheckNonce::from(System::account_nonce(who(key)));
	extension.9 = pallet_asset_tx_payment::ChargeAssetTxPayment::from(tip, asset);
	let payload = keel_runtime::SignedPayload::new(what.clone(), extension.clone()).unwrap();
	let signature = codec::Encode::using_encoded(&payload, |bytes| key.sign(bytes));
	UncheckedExtrinsic::new_signed(what, who(key).into(), signature.into(), extension)
}

/// Dispatch as a signed transaction would, filters included.
pub fn call(key: Sr25519Keyring, call: impl Into<RuntimeCall>) -> DispatchResult {
	call.into()
		.dispatch(RuntimeOrigin::signed(who(key)))
		.map(|_| ())
		.map_err(|e| e.error)
}

fn as_origin(origin: RuntimeOrigin, what: impl Into<RuntimeCall>) -> DispatchResult {
	what.into().dispatch(origin).map(|_| ()).map_err(|e| e.error)
}

/// Dispatch as an enacted referendum would.
pub fn as_referendum(origin: Origin, what: impl Into<RuntimeCall>) -> DispatchResult {
	as_origin(origin.into(), what)
}

/// Dispatch as a referendum of track `root` would.
pub fn as_root(what: impl Into<RuntimeCall>) -> DispatchResult {
	as_origin(RuntimeOrigin::root(), what)
}

/// Dispatch as a third of the technical committee would.
pub fn as_guardian(what: impl Into<RuntimeCall>) -> DispatchResult {
	let origin = pallet_collective::RawOrigin::<AccountId, TechnicalCollective>::Members(1, 3);
	as_origin(origin.into(), what)
}

/// Do it and take it back.
pub fn could(attempt: impl FnOnce() -> DispatchResult) -> DispatchResult {
	with_transaction(|| TransactionOutcome::Rollback(Ok::<_, DispatchError>(attempt()))).unwrap()
}

/// The events of the last block.
pub fn events() -> Vec<RuntimeEvent> {
	System::events().into_iter().map(|record| record.event).collect()
}

/// What an account holds of an asset.
pub fn balance(asset: u32, key: Sr25519Keyring) -> Balance {
	Assets::balance(asset, who(key))
}

/// A small reproducible generator of uniform numbers in [0, 1).
pub struct Random(pub u64);

impl Random {
	/// The next one.
	pub fn next(&mut self) -> f64 {
		self.0 = self
			.0
			.wrapping_mul(6_364_136_223_846_793_005)
			.wrapping_add(1_442_695_040_888_963_407);
		((self.0 >> 11) as f64) / (1u64 << 53) as f64
	}
}

/// What an account has in the markets: nothing for one there is not.
pub fn trader(account: u64) -> pallet_perpetuals::TraderOf<Runtime> {
	pallet_margin::Accounts::<Runtime>::get(account)
		.map(|account| account.trader)
		.unwrap_or_default()
}

/// What every account has in the markets that has anything there, by number.
pub fn traders() -> Vec<(u64, pallet_perpetuals::TraderOf<Runtime>)> {
	let mut all: Vec<_> = pallet_margin::Accounts::<Runtime>::iter()
		.map(|(id, account)| (id, account.trader))
		.filter(|(_, trader)| *trader != Default::default())
		.collect();
	all.sort_by_key(|(id, _)| *id);
	all
}

/// Move `credit` from clearing to an account, as the markets do.
pub fn settle(account: u64, credit: i128) -> DispatchResult {
	use keel_primitives::{Act, MarginAccounts};
	let loaded = keel_runtime::Margin::load(account)?;
	keel_runtime::Margin::commit(account, loaded, credit, Act::Involuntary, &[])
}
