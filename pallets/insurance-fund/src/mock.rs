//! A chain with assets, the fund, and parameters that a test may set.

use frame_support::{
	derive_impl, ensure, parameter_types,
	traits::{AsEnsureOriginWithArg, Contains, Time},
	PalletId,
};
use frame_system::{EnsureRoot, EnsureSigned};
use keel_primitives::{
	Action, AssetId, Balance, BranchId, BranchParameters, BreakerSubject, ChainParameters, FeedId, Level,
	Listing, Moment, RegisteredAsset,
};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult, FixedU128};

pub type AccountId = u64;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
/// Owns the assets, and may block and freeze.
pub const ISSUER: AccountId = 9;
/// An account of the protocol beside the fund's.
pub const POOL: AccountId = 800;

pub const KUSD: AssetId = 1;
pub const BTC: AssetId = 2;
pub const ETH: AssetId = 3;
pub const DOT: AssetId = 4;

/// One kUSD.
pub const USD: Balance = 1_000_000;
/// One bitcoin.
pub const BITCOIN: Balance = 100_000_000;
/// What each user starts with.
pub const ENDOWMENT: Balance = 1_000_000 * USD;
/// When every test starts.
pub const START: Moment = 1_700_000_000_000;
/// An hour.
pub const HOUR: Moment = 3_600_000;

#[frame_support::runtime]
mod test_runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type Assets = pallet_assets;
	#[runtime::pallet_index(3)]
	pub type InsuranceFund = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlock<Test>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type ExistentialDeposit = frame_support::traits::ConstU128<1>;
	type AccountStore = System;
}

#[derive_impl(pallet_assets::config_preludes::TestDefaultConfig)]
impl pallet_assets::Config for Test {
	type Balance = Balance;
	type Currency = Balances;
	type CreateOrigin = AsEnsureOriginWithArg<EnsureSigned<AccountId>>;
	type ForceOrigin = EnsureRoot<AccountId>;
}

parameter_types! {
	pub const FundPalletId: PalletId = PalletId(*b"keelfund");
	pub const Synthetic: AssetId = KUSD;
	pub const MaxCollaterals: u32 = 2;
	pub static FundShare: FixedU128 = FixedU128::from_rational(3, 4);
	pub static TreasuryCap: Balance = 100 * USD;
	/// The share of all kUSD a window lets be minted as fees.
	pub static FeeWindow: FixedU128 = FixedU128::from_rational(1, 100);
	pub static DrawdownFloor: Balance = 1_000 * USD;
	pub static Now: Moment = START;
	/// What can be sold.
	pub static RegisteredAssets: Vec<AssetId> = vec![BTC, ETH, DOT];
	/// What the breaker holds everything to.
	pub static BreakerLevel: Level = Level::Normal;
	/// What the breaker was asked.
	pub static Asked: Vec<(BreakerSubject, Action)> = Vec::new();
}

pub struct Clock;
impl Time for Clock {
	type Moment = Moment;
	fn now() -> Moment {
		Now::get()
	}
}

/// One level for every subject.
pub struct MockBreaker;
impl keel_primitives::CircuitBreaker for MockBreaker {
	fn level(_: BreakerSubject) -> Level {
		BreakerLevel::get()
	}
	fn ensure(subject: BreakerSubject, action: Action) -> DispatchResult {
		Asked::mutate(|asked| asked.push((subject, action)));
		ensure!(
			BreakerLevel::get() <= action.tolerates(),
			DispatchError::Other("breaker raised")
		);
		Ok(())
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn raise(_: BreakerSubject, level: Level) {
		BreakerLevel::set(level);
	}
}

pub struct Parameters;
impl keel_primitives::RiskParameters for Parameters {
	fn branch(_: BranchId) -> Result<BranchParameters, DispatchError> {
		Err(DispatchError::Unavailable)
	}
	fn chain() -> ChainParameters {
		ChainParameters {
			fund_share: FundShare::get(),
			treasury_cap: TreasuryCap::get(),
			drawdown_guarded: FixedU128::from_rational(10, 100),
			drawdown_reduce_only: FixedU128::from_rational(25, 100),
			drawdown_halted: FixedU128::from_rational(50, 100),
			drawdown_floor: DrawdownFloor::get(),
			fee_limit: FeeWindow::get(),
			..Default::default()
		}
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(_: BranchId, _: BranchParameters) {}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_chain(parameters: ChainParameters) {
		FundShare::set(parameters.fund_share);
		TreasuryCap::set(parameters.treasury_cap);
		FeeWindow::set(parameters.fee_limit);
		DrawdownFloor::set(parameters.drawdown_floor);
	}
}

/// The collaterals, each registered with the feed of its own number; and nothing else.
pub struct Registry;
impl keel_primitives::AssetRegistry for Registry {
	fn asset(asset: AssetId) -> Result<RegisteredAsset, DispatchError> {
		ensure!(
			Self::assets().contains(&asset),
			DispatchError::Other("not registered")
		);
		Ok(RegisteredAsset {
			feed: asset,
			decimals: 8,
			branch: None,
			margin: true,
		})
	}
	fn assets() -> Vec<AssetId> {
		RegisteredAssets::get()
	}
	fn list(_: AssetId, _: FeedId, _: u8, _: Listing) -> DispatchResult {
		Err(DispatchError::Unavailable)
	}
	fn end_branch(_: AssetId) {}
	fn capacity() -> u32 {
		MaxCollaterals::get()
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn insert(_: AssetId, _: RegisteredAsset) {}
}

/// The fund's own account, and one more of the protocol's.
pub struct ProtocolAccounts;
impl Contains<AccountId> for ProtocolAccounts {
	fn contains(who: &AccountId) -> bool {
		[InsuranceFund::account(), POOL].contains(who)
	}
}

impl crate::Config for Test {
	type Assets = Assets;
	type ProtocolAccounts = ProtocolAccounts;
	type Registry = Registry;
	type Synthetic = Synthetic;
	type RiskParameters = Parameters;
	type CircuitBreaker = MockBreaker;
	type Time = Clock;
	type PalletId = FundPalletId;
	type AdminOrigin = EnsureRoot<AccountId>;
	type MaxCollaterals = MaxCollaterals;
	type WeightInfo = ();
}

pub fn new_test_ext() -> sp_io::TestExternalities {
	FundShare::set(FixedU128::from_rational(3, 4));
	TreasuryCap::set(100 * USD);
	FeeWindow::set(FixedU128::from_rational(1, 100));
	DrawdownFloor::set(1_000 * USD);
	Now::set(START);
	RegisteredAssets::set(vec![BTC, ETH, DOT]);
	BreakerLevel::set(Level::Normal);
	Asked::set(Vec::new());
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.unwrap();
	let endowed = |asset| [ALICE, BOB].map(|who| (asset, who, ENDOWMENT));
	pallet_assets::GenesisConfig::<Test> {
		assets: [KUSD, BTC, ETH, DOT]
			.map(|asset| (asset, ISSUER, true, 1))
			.to_vec(),
		accounts: [KUSD, BTC, ETH, DOT].into_iter().flat_map(endowed).collect(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	let mut ext = sp_io::TestExternalities::from(storage);
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// Where every test starts, and how it ends.
#[derive(Default)]
pub struct ExtBuilder {
	shared: Balance,
	treasury: Balance,
	bad_debt: Balance,
}

impl ExtBuilder {
	/// With money in the shared tranche.
	pub fn shared(mut self, amount: Balance) -> Self {
		self.shared = amount;
		self
	}

	/// With money in the treasury tranche.
	pub fn treasury(mut self, amount: Balance) -> Self {
		self.treasury = amount;
		self
	}

	/// With bad debt on record.
	pub fn bad_debt(mut self, amount: Balance) -> Self {
		self.bad_debt = amount;
		self
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		use keel_primitives::{IncomeSource, InsuranceFund as _};
		new_test_ext().execute_with(|| {
			let (share, cap, window) = (FundShare::get(), TreasuryCap::get(), FeeWindow::get());
			FeeWindow::set(FixedU128::from_inner(u128::MAX));
			FundShare::set(FixedU128::from_u32(0));
			InsuranceFund::mint(self.treasury, IncomeSource::StabilityFee).unwrap();
			TreasuryCap::set(0);
			InsuranceFund::cover(self.bad_debt, 0).unwrap();
			InsuranceFund::mint(self.shared, IncomeSource::Donation).unwrap();
			FundShare::set(share);
			TreasuryCap::set(cap);
			FeeWindow::set(window);
			// What was set up is not of the last hour.
			crate::Ledger::<Test>::mutate(|accounts| {
				(
					accounts.drawn,
					accounts.backed,
					accounts.fees_minted,
					accounts.treasury_paid,
				) = Default::default();
			});
			Asked::set(Vec::new());
			System::reset_events();
			test();
			InsuranceFund::do_try_state().expect("the state is sound after the test");
		});
	}
}

/// kUSD in circulation.
pub fn supply() -> Balance {
	use frame_support::traits::fungibles::Inspect;
	Assets::total_issuance(KUSD)
}

/// Let time pass, in milliseconds.
pub fn advance(by: Moment) {
	Now::set(Now::get() + by);
}

/// The last event of the fund.
pub fn last_event() -> crate::Event<Test> {
	System::events()
		.into_iter()
		.rev()
		.find_map(|record| match record.event {
			RuntimeEvent::InsuranceFund(event) => Some(event),
			_ => None,
		})
		.expect("an event was deposited")
}
