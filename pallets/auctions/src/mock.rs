//! A chain with assets, the auctions, a small fund that keeps its word, and prices, parameters and a clock that a test may
//! set.

use frame_support::{
	derive_impl, ensure, parameter_types,
	storage::with_storage_layer,
	traits::{
		fungibles::{self, Inspect, Mutate},
		tokens::{Fortitude, Precision, Preservation::Expendable},
		AsEnsureOriginWithArg, Time,
	},
	PalletId,
};
use frame_system::{EnsureRoot, EnsureSigned};
use keel_primitives::{
	Action, AssetId, AuctionId, Auctions as _, Balance, BranchId, BranchParameters, BreakerSubject,
	ChainParameters, Coverage, FeedId, Fuse, IncomeSource, Level, Listing, Lot, Moment, Price, PriceFor,
	RegisteredAsset,
};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult, FixedU128};

pub type AccountId = u64;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CHARLIE: AccountId = 3;
/// Whose vaults are liquidated.
pub const OWNER: AccountId = 4;
/// Where the liquidated collateral comes from.
pub const VAULTS: AccountId = 800;
/// The fund's account.
pub const FUND: AccountId = 900;
/// Owns the assets, and may block and freeze.
pub const ISSUER: AccountId = 9;

pub const KUSD: AssetId = 1;
pub const BTC: AssetId = 2;
pub const ETH: AssetId = 3;
pub const DOT: AssetId = 4;
pub const COLLATERALS: [AssetId; 3] = [BTC, ETH, DOT];

/// One kUSD.
pub const USD: Balance = 1_000_000;
/// One bitcoin.
pub const BITCOIN: Balance = 100_000_000;
/// What everybody starts with, of everything.
pub const ENDOWMENT: Balance = 1_000_000_000_000_000_000_000;
/// When every test starts.
pub const START: Moment = 1_700_000_000_000;

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
	pub type Auctions = crate;
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
	pub const AuctionsPalletId: PalletId = PalletId(*b"auctions");
	pub const Synthetic: AssetId = KUSD;
	pub static MaxSettlePerBlock: u32 = 10;
	/// Active time.
	pub static Now: Moment = START;
	pub static Spot: Option<FixedU128> = None;
	/// The average of every feed; spot where none is set.
	pub static Average: Option<FixedU128> = None;
	/// What the fund was told the collateral beside the last shortfall is worth.
	pub static Beside: Balance = 0;
	/// The branch that takes the collaterals.
	pub static LiveBranch: Option<BranchId> = Some(1);
	/// The fuse that holds everything to the breaker's level, if it is one.
	pub static HeldBy: Option<Fuse> = None;
	pub static Branch: BranchParameters = parameters();
	/// What the breaker holds everything to.
	pub static BreakerLevel: Level = Level::Normal;
	/// What is registered.
	pub static RegisteredAssets: Vec<AssetId> = COLLATERALS.to_vec();
	/// What the breaker was asked.
	pub static Asked: Vec<(BreakerSubject, Action)> = Vec::new();
	/// The fund refuses everything.
	pub static FundBroken: bool = false;
	/// In storage, so that a failure takes it back.
	pub storage BadDebt: Balance = 0;
}

/// The development chain's auction: from 110 % of spot, 1 % less every 20 s, never below 60 %, two hours.
pub fn parameters() -> BranchParameters {
	BranchParameters {
		minimum_debt: 100 * USD,
		auction_start: FixedU128::from_rational(11, 10),
		auction_cut: FixedU128::from_rational(99, 100),
		auction_step: 20,
		auction_reserve: FixedU128::from_rational(6, 10),
		auction_duration: 7_200,
		deviation_guarded: FixedU128::from_rational(2, 100),
		..Default::default()
	}
}

/// The collaterals, each priced by the feed of its number.
pub struct Registry;
impl keel_primitives::AssetRegistry for Registry {
	fn asset(asset: AssetId) -> Result<RegisteredAsset, DispatchError> {
		ensure!(
			Self::assets().contains(&asset),
			DispatchError::Other("not registered")
		);
		Ok(RegisteredAsset {
			feed: asset,
			decimals: <Assets as fungibles::metadata::Inspect<AccountId>>::decimals(asset),
			branch: LiveBranch::get(),
			margin: false,
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
		16
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn insert(asset: AssetId, _: RegisteredAsset) {
		RegisteredAssets::mutate(|all| {
			if !all.contains(&asset) {
				all.push(asset)
			}
		});
	}
}

pub struct Clock;
impl Time for Clock {
	type Moment = Moment;
	fn now() -> Moment {
		Now::get()
	}
}

pub struct Prices;
impl keel_primitives::PriceProvider for Prices {
	fn price(_: FeedId, purpose: PriceFor) -> Result<Price, DispatchError> {
		assert_ne!(purpose, PriceFor::AddRisk, "auctions add no risk");
		let value = Spot::get().ok_or(DispatchError::Other("price too old"))?;
		Ok(Price {
			value,
			at: Now::get(),
			twap: Average::get().unwrap_or(value),
			..Default::default()
		})
	}
	fn last(_: FeedId) -> Option<Price> {
		let value = Spot::get()?;
		Some(Price {
			value,
			..Default::default()
		})
	}
	fn fit_at(_: FeedId) -> Option<Moment> {
		None
	}
	fn volatility(_: FeedId) -> Option<FixedU128> {
		None
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_price(_: FeedId, value: FixedU128) {
		Spot::set(Some(value));
	}
}

pub struct Parameters;
impl keel_primitives::RiskParameters for Parameters {
	fn branch(branch: BranchId) -> Result<BranchParameters, DispatchError> {
		ensure!(branch < 10, DispatchError::Other("unknown branch"));
		Ok(Branch::get())
	}
	fn chain() -> ChainParameters {
		ChainParameters::default()
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(_: BranchId, parameters: BranchParameters) {
		Branch::set(parameters);
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_chain(_: ChainParameters) {}
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
	fn ensure_despite(subject: BreakerSubject, action: Action, fuse: Fuse) -> DispatchResult {
		match HeldBy::get() {
			Some(held_by) if held_by == fuse => Ok(()),
			_ => Self::ensure(subject, action),
		}
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn raise(_: BreakerSubject, level: Level) {
		BreakerLevel::set(level);
	}
}

/// One tranche and the record of bad debt. Its kUSD and its collateral are what its account holds.
pub struct Fund;
impl Fund {
	fn income(amount: Balance) -> DispatchResult {
		let paid = amount.min(BadDebt::get());
		BadDebt::set(&(BadDebt::get() - paid));
		burn(FUND, paid)
	}
	fn works() -> DispatchResult {
		ensure!(!FundBroken::get(), DispatchError::Other("fund broken"));
		Ok(())
	}
}
impl keel_primitives::InsuranceFund<AccountId> for Fund {
	fn receive(from: &AccountId, amount: Balance, _: IncomeSource) -> DispatchResult {
		Self::works()?;
		send(KUSD, from, &FUND, amount)?;
		Self::income(amount)
	}
	fn mint_room() -> Balance {
		Balance::MAX
	}
	fn mint(amount: Balance, _: IncomeSource) -> DispatchResult {
		Self::works()?;
		Assets::mint_into(KUSD, &FUND, amount)?;
		Self::income(amount)
	}
	fn cover(shortfall: Balance, worth: Balance) -> Result<Coverage, DispatchError> {
		Self::works()?;
		Beside::set(worth);
		let covered = shortfall.min(Assets::balance(KUSD, FUND));
		burn(FUND, covered)?;
		BadDebt::set(&(BadDebt::get() + shortfall - covered));
		Ok(Coverage {
			covered,
			bad_debt: shortfall - covered,
		})
	}
	fn pay(_: &AccountId, _: Balance) -> Result<Balance, DispatchError> {
		Err(DispatchError::Unavailable)
	}
	fn shared() -> Balance {
		Assets::balance(KUSD, FUND)
	}
	fn buy(seller: &AccountId, asset: AssetId, amount: Balance, price: Balance) -> DispatchResult {
		Self::works()?;
		send(asset, seller, &FUND, amount)?;
		send(KUSD, &FUND, seller, price)
	}
	fn take_collateral(from: &AccountId, asset: AssetId, amount: Balance) -> DispatchResult {
		Self::works()?;
		send(asset, from, &FUND, amount)
	}
	fn release_collateral(to: &AccountId, asset: AssetId, amount: Balance) -> DispatchResult {
		Self::works()?;
		send(asset, &FUND, to, amount)
	}
	fn collateral(asset: AssetId) -> Balance {
		Assets::balance(asset, FUND)
	}
	fn collaterals() -> Vec<AssetId> {
		RegisteredAssets::get()
			.into_iter()
			.filter(|asset| Self::collateral(*asset) > 0)
			.collect()
	}
	fn bad_debt() -> Balance {
		BadDebt::get()
	}
}

fn send(asset: AssetId, from: &AccountId, to: &AccountId, amount: Balance) -> DispatchResult {
	<Assets as Mutate<AccountId>>::transfer(asset, from, to, amount, Expendable).map(|_| ())
}

fn burn(who: AccountId, amount: Balance) -> DispatchResult {
	if amount > 0 {
		Assets::burn_from(KUSD, &who, amount, Expendable, Precision::Exact, Fortitude::Force)?;
	}
	Ok(())
}

impl crate::Config for Test {
	type Assets = Assets;
	type Synthetic = Synthetic;
	type Prices = Prices;
	type RiskParameters = Parameters;
	type InsuranceFund = Fund;
	type NamedPriceOrigin = EnsureRoot<AccountId>;
	type Registry = Registry;
	type CircuitBreaker = MockBreaker;
	type ActiveTime = Clock;
	type PalletId = AuctionsPalletId;
	type MaxSettlePerBlock = MaxSettlePerBlock;
	type WeightInfo = ();
}

pub fn new_test_ext() -> sp_io::TestExternalities {
	MaxSettlePerBlock::set(10);
	Now::set(START);
	Spot::set(None);
	Average::set(None);
	Beside::set(0);
	LiveBranch::set(Some(1));
	HeldBy::set(None);
	RegisteredAssets::set(COLLATERALS.to_vec());
	Branch::set(parameters());
	FundBroken::set(false);
	BreakerLevel::set(Level::Normal);
	Asked::set(Vec::new());
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.unwrap();
	let decimals = [(KUSD, 6), (BTC, 8), (ETH, 18), (DOT, 10)];
	let endowed = |asset| [ALICE, BOB, CHARLIE, OWNER, VAULTS].map(|who| (asset, who, ENDOWMENT));
	pallet_assets::GenesisConfig::<Test> {
		assets: decimals.map(|(asset, _)| (asset, ISSUER, true, 1)).to_vec(),
		metadata: decimals
			.map(|(asset, d)| (asset, b"Asset".to_vec(), b"A".to_vec(), d))
			.to_vec(),
		accounts: decimals
			.into_iter()
			.flat_map(|(asset, _)| endowed(asset))
			.collect(),
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
	fund: Balance,
	parameters: Option<BranchParameters>,
}

impl ExtBuilder {
	/// With kUSD in the fund.
	pub fn fund(mut self, amount: Balance) -> Self {
		self.fund = amount;
		self
	}

	/// With the branch's parameters changed.
	pub fn parameters(mut self, change: impl FnOnce(&mut BranchParameters)) -> Self {
		let mut parameters = self.parameters.unwrap_or_else(parameters);
		change(&mut parameters);
		self.parameters = Some(parameters);
		self
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		new_test_ext().execute_with(|| {
			Assets::mint_into(KUSD, &FUND, self.fund).unwrap();
			if let Some(parameters) = self.parameters {
				Branch::set(parameters);
			}
			test();
			Auctions::do_try_state().expect("the state is sound after the test");
		});
	}
}

/// USD per whole unit.
pub fn usd(price: u32) -> FixedU128 {
	FixedU128::from_u32(price)
}

/// No limit on the price.
pub const ANY: FixedU128 = FixedU128::from_inner(u128::MAX);

/// A lot of bitcoin.
pub fn lot(collateral: Balance, debt: Balance, penalty: Balance) -> Lot<AccountId> {
	Lot {
		branch: 1,
		asset: BTC,
		feed: 2,
		divisor: 10u128.pow(20),
		collateral,
		debt,
		penalty,
		owner: OWNER,
	}
}

/// Start an auction of bitcoin at 100 USD.
pub fn start(collateral: Balance, debt: Balance, penalty: Balance) -> AuctionId {
	Auctions::start(&VAULTS, lot(collateral, debt, penalty), usd(100)).unwrap()
}

/// A call as a block makes it: a failure changes nothing.
pub fn take(who: AccountId, auction: AuctionId, amount: Balance, limit: FixedU128) -> DispatchResult {
	with_storage_layer(|| Auctions::take(RuntimeOrigin::signed(who), auction, amount, limit))
}

/// As above.
pub fn settle(auction: AuctionId) -> DispatchResult {
	with_storage_layer(|| Auctions::settle(RuntimeOrigin::signed(ALICE), auction))
}

/// As above.
pub fn sell(asset: AssetId) -> DispatchResult {
	with_storage_layer(|| Auctions::sell_fund_collateral(RuntimeOrigin::signed(ALICE), asset))
}

/// As above.
pub fn claim(who: AccountId, asset: AssetId) -> DispatchResult {
	with_storage_layer(|| Auctions::claim(RuntimeOrigin::signed(who), asset))
}

/// Let time pass.
pub fn advance(seconds: u64) {
	Now::set(Now::get() + seconds * 1000);
}

/// Let the block use its spare weight, for settlements alone.
pub fn idle() {
	crate::NextSales::<Test>::put(Moment::MAX);
	idle_and_sell();
	crate::NextSales::<Test>::kill();
}

/// Let the block use its spare weight.
pub fn idle_and_sell() {
	use frame_support::{traits::Hooks, weights::Weight};
	Auctions::on_idle(System::block_number(), Weight::MAX);
}

/// kUSD in circulation.
pub fn supply() -> Balance {
	Assets::total_issuance(KUSD)
}

/// What `who` gained of `asset` since the start; it must not have lost any.
pub fn gained(asset: AssetId, who: AccountId) -> Balance {
	Assets::balance(asset, who)
		.checked_sub(ENDOWMENT)
		.expect("nothing was lost")
}

/// What `who` spent of `asset` since the start; it must not have gained any.
pub fn spent(asset: AssetId, who: AccountId) -> Balance {
	ENDOWMENT
		.checked_sub(Assets::balance(asset, who))
		.expect("nothing was gained")
}

/// The events of the pallet, in order.
pub fn events() -> Vec<crate::Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Auctions(event) => Some(event),
			_ => None,
		})
		.collect()
}
