//! A chain with assets, the fund, and parameters that a test may set.

use frame_support::{derive_impl, parameter_types, traits::AsEnsureOriginWithArg, PalletId};
use frame_system::{EnsureRoot, EnsureSigned};
use keel_primitives::{AssetId, Balance, BranchId, BranchParameters, ChainParameters};
use sp_runtime::{BuildStorage, DispatchError, FixedU128};

pub type AccountId = u64;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
/// Owns the assets, and may block and freeze.
pub const ISSUER: AccountId = 9;

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
			..Default::default()
		}
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn set_branch(_: BranchId, _: BranchParameters) {}
}

impl crate::Config for Test {
	type Assets = Assets;
	type Synthetic = Synthetic;
	type RiskParameters = Parameters;
	type PalletId = FundPalletId;
	type AdminOrigin = EnsureRoot<AccountId>;
	type MaxCollaterals = MaxCollaterals;
	type WeightInfo = ();
}

pub fn new_test_ext() -> sp_io::TestExternalities {
	FundShare::set(FixedU128::from_rational(3, 4));
	TreasuryCap::set(100 * USD);
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
			let (share, cap) = (FundShare::get(), TreasuryCap::get());
			FundShare::set(FixedU128::from_u32(0));
			InsuranceFund::mint(self.treasury, IncomeSource::StabilityFee).unwrap();
			TreasuryCap::set(0);
			InsuranceFund::cover(self.bad_debt).unwrap();
			InsuranceFund::mint(self.shared, IncomeSource::Donation).unwrap();
			FundShare::set(share);
			TreasuryCap::set(cap);
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
