//! What the money paths cost in storage on the whole runtime: distinct keys read and written, counted on a real trie. To look for
//! the next key of a map reads no value and is not counted: a filled order adds two such searches of its market's queue.

mod common;

use codec::Encode;
use common::*;
use frame_support::{assert_ok, traits::Hooks, weights::WeightMeter};
use keel_primitives::{
	BranchParameters, Group, LiquidityPool as _, MarginAccountId, MarginAccounts as _, MarketId,
	PositionLedger as _, RiskParameters as _, Size, VaultId,
};
use keel_runtime::{
	Liquidations, LiquidityPool, Margin, Moment, Perpetuals, RiskParameters, Runtime, RuntimeCall,
	RuntimeEvent, RuntimeOrigin, System, SLOT_DURATION,
};
use pallet_vaults::Change;
use sp_consensus_aura::{Slot, AURA_ENGINE_ID};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob};
use sp_runtime::{Digest, DigestItem};

const ONE_ETH: u128 = 1_000_000_000_000_000_000;
const USDC: u32 = 5;
const SOL: u32 = 6;

fn prices(eth: f64) -> Vec<(u32, f64)> {
	vec![(1, 1.0), (BTC, 60_000.0), (ETH, eth), (DOT, 6.0)]
}

/// Bob's vault of 10 ETH against 15,000 kUSD, and Alice's `deposit` kUSD in the pool; then ETH falls to `price`.
fn fallen(deposit: u128, price: f64) -> (Chain, VaultId) {
	let mut chain = Chain::new();
	chain.workers = false;
	let mut time: Moment = BEGIN;
	let mut tick = || {
		time += SLOT_DURATION;
		time
	};
	for _ in 0..4 {
		chain.fed_block(tick(), &prices(3_000.0));
	}
	let vault = chain.block(tick(), || {
		feed_all(&prices(3_000.0));
		let open = |branch, collateral, debt| pallet_vaults::Call::<Runtime>::open {
			branch,
			collateral,
			debt,
		};
		assert_ok!(call(Bob, open(ETH, 10 * ONE_ETH, kusd(15_000))));
		assert_ok!(call(Alice, open(ETH, 100 * ONE_ETH, kusd(60_000))));
		assert_ok!(call(Alice, open(BTC, 100_000_000, kusd(10_000))));
		if deposit > 0 {
			assert_ok!(call(
				Alice,
				pallet_stability_pool::Call::<Runtime>::deposit { amount: deposit }
			));
		}
		pallet_vaults::Pallet::<Runtime>::vaults_of(who(Bob))[0]
	});
	// Long enough for interest, so that the fund exists; then the fall.
	let now = chain.let_deposits_join(&prices(3_000.0));
	for i in 1..4 {
		chain.fed_block(now + i * SLOT_DURATION, &prices(price));
	}
	(chain, vault)
}

fn liquidate(vault: VaultId) {
	assert_ok!(Liquidations::liquidate(
		RuntimeOrigin::from(frame_system::RawOrigin::Authorized),
		Group::Branch(ETH),
		vault
	));
}

fn within(what: &str, (reads, writes): (usize, usize), most: (usize, usize)) {
	println!(
		"{what}: {reads} reads, {writes} writes (at most {} and {})",
		most.0, most.1
	);
	assert!(
		reads <= most.0 && writes <= most.1,
		"{what}: {reads} reads, {writes} writes"
	);
}

#[test]
fn adjust() {
	let (mut chain, vault) = fallen(0, 3_000.0);
	let cost = chain.tally(|| {
		assert_ok!(call(
			Bob,
			pallet_vaults::Call::<Runtime>::adjust {
				vault,
				collateral: Change::Increase(ONE_ETH),
				debt: Change::Increase(kusd(100)),
			},
		));
	});
	within("adjust", cost, (16, 10));
}

#[test]
fn liquidation_by_the_pool() {
	let (mut chain, vault) = fallen(kusd(50_000), 2_000.0);
	let cost = chain.tally(|| liquidate(vault));
	within("liquidation by the pool", cost, (22, 15));
}

#[test]
fn whole_liquidation_by_the_pool() {
	// 114 %: everything goes to the pool, the vault stays behind empty or nearly so.
	let (mut chain, vault) = fallen(kusd(50_000), 1_720.0);
	let cost = chain.tally(|| liquidate(vault));
	within("whole liquidation by the pool", cost, (22, 15));
}

#[test]
fn liquidation_by_auction() {
	let (mut chain, vault) = fallen(0, 2_000.0);
	let cost = chain.tally(|| liquidate(vault));
	// Acala's published weight for the same work: 29 and 15.
	within("liquidation by auction", cost, (29, 15));
}

#[test]
fn liquidation_with_a_shortfall() {
	// 93 %: the pool pays what the collateral is worth to it, the fund carries the rest, the vault is empty.
	let (mut chain, vault) = fallen(kusd(50_000), 1_400.0);
	let cost = chain.tally(|| liquidate(vault));
	within("liquidation by the pool with a shortfall", cost, (22, 15));
}

/// Alice with a liquidity pool, a stability pool and a lending reserve behind Bob, who has two margin accounts: a plain one
/// of kUSD alone and a mixed one that holds ETH and DOT too.
struct Derivatives {
	chain: Chain,
	time: Moment,
	eth: f64,
}

/// What Bob's plain account begins with.
const PLAIN: u8 = 0;
/// What Bob's mixed one has: two collaterals beside kUSD.
const MIXED: u8 = 1;
/// A whole unit of a size.
const UNIT: Size = 100_000_000;

impl Derivatives {
	fn new() -> Self {
		let mut this = Self {
			chain: Chain::new(),
			time: BEGIN,
			eth: 3_000.0,
		};
		this.chain.workers = false;
		for _ in 0..4 {
			this.act(|| ());
		}
		this.chain.state(|| {
			let numbers = RiskParameters::branch(BTC).unwrap();
			let debt_ceiling = kusd(90_000_000);
			RiskParameters::set_branch(
				BTC,
				BranchParameters {
					debt_ceiling,
					..numbers
				},
			);
		});
		this.act(|| {
			for owner in [Alice, Bob] {
				assert_ok!(call(
					owner,
					pallet_vaults::Call::<Runtime>::open {
						branch: BTC,
						collateral: 200 * 100_000_000,
						debt: kusd(4_000_000),
					}
				));
			}
			assert_ok!(call(Alice, provide(kusd(2_000_000))));
			assert_ok!(call(
				Alice,
				pallet_stability_pool::Call::<Runtime>::deposit {
					amount: kusd(500_000)
				}
			));
			assert_ok!(call(
				Alice,
				pallet_margin::Call::<Runtime>::supply {
					amount: kusd(500_000)
				}
			));
			assert_ok!(call(Alice, deposit(0, KUSD, kusd(300_000))));
			assert_ok!(call(Bob, deposit(PLAIN, KUSD, kusd(10_000))));
			assert_ok!(call(Bob, deposit(MIXED, KUSD, kusd(2_000))));
			assert_ok!(call(Bob, deposit(MIXED, ETH, 10 * ONE_ETH)));
			assert_ok!(call(Bob, deposit(MIXED, DOT, 2_000 * 10_000_000_000)));
		});
		this.time = this.chain.let_deposits_join(&this.prices());
		// So that Bob's are not the only positions: what an hour may liquidate is a share of them.
		for size in [40 * UNIT, 41 * UNIT] {
			this.trade_for(Alice, 0, ETH, size);
		}
		this.trade_for(Alice, 0, BTC, -2 * UNIT);
		this
	}

	fn prices(&self) -> Vec<(u32, f64)> {
		let mut all = prices(self.eth);
		all.extend([(USDC, 1.0), (SOL, 150.0)]);
		all
	}

	/// The next block, with prices fed.
	fn act<R>(&mut self, body: impl FnOnce() -> R) -> R {
		let prices = self.prices();
		self.time += SLOT_DURATION;
		self.chain.block(self.time, || {
			feed_all(&prices);
			body()
		})
	}

	/// Bob's order of `size`, filled.
	fn trade(&mut self, sub: u8, market: MarketId, size: Size) {
		self.trade_for(Bob, sub, market, size);
	}

	fn trade_for(&mut self, by: Sr25519Keyring, sub: u8, market: MarketId, size: Size) {
		self.act(|| does(by, order(sub, market, size)));
		self.act(|| ());
		self.act(|| assert!(filled(size)));
	}

	/// What the mixed account has in two markets.
	fn trade_in_two(&mut self) {
		self.trade(MIXED, ETH, 20 * UNIT);
		self.trade(MIXED, BTC, -UNIT);
	}

	/// ETH at another price, in the second block that knows it.
	fn fall(&mut self, eth: f64) {
		self.eth = eth;
		self.act(|| ());
		self.act(|| ());
	}

	/// The beginning of the next block: its number and its time.
	fn dawn(&mut self) {
		self.time += SLOT_DURATION;
		let now = self.time;
		self.chain.state(|| {
			let slot = Slot::from(now / SLOT_DURATION);
			let digest = Digest {
				logs: vec![DigestItem::PreRuntime(AURA_ENGINE_ID, slot.encode())],
			};
			let last = System::block_number();
			System::initialize(&(last + 1), &System::block_hash(last), &digest);
			pallet_aura::CurrentSlot::<Runtime>::put(slot);
			pallet_timestamp::Now::<Runtime>::put(now);
		});
	}

	/// The markets' part of the next block.
	fn poll(&mut self) -> (usize, usize) {
		self.dawn();
		self.chain.tally(poll_markets)
	}
}

fn does(key: Sr25519Keyring, what: impl Into<RuntimeCall>) {
	assert_ok!(call(key, what));
}

fn bobs(sub: u8) -> MarginAccountId {
	Margin::account(&who(Bob), sub).unwrap()
}

fn provide(amount: u128) -> pallet_liquidity_pool::Call<Runtime> {
	pallet_liquidity_pool::Call::provide {
		amount,
		least_shares: 0,
	}
}

fn deposit(sub: u8, asset: u32, amount: u128) -> pallet_margin::Call<Runtime> {
	pallet_margin::Call::deposit { sub, asset, amount }
}

fn withdraw(sub: u8, asset: u32, amount: u128) -> pallet_margin::Call<Runtime> {
	pallet_margin::Call::withdraw { sub, asset, amount }
}

fn order(sub: u8, market: MarketId, size: Size) -> pallet_perpetuals::Call<Runtime> {
	pallet_perpetuals::Call::commit_order {
		sub,
		order: pallet_perpetuals::NewOrder {
			market,
			size,
			expires_in: 600_000,
			..Default::default()
		},
	}
}

fn poll_markets() {
	Perpetuals::on_poll(System::block_number(), &mut WeightMeter::new());
}

/// Was an order of `wanted` filled in this block?
fn filled(wanted: Size) -> bool {
	events().iter().any(|event| {
		matches!(event, RuntimeEvent::Perpetuals(pallet_perpetuals::Event::OrderFilled { size, .. }) if *size == wanted)
	})
}

/// What an order adds to the markets' part of a block: the same chain with and without it. `before` makes the positions.
fn fill(
	what: &str,
	sub: u8,
	market: MarketId,
	size: Size,
	before: impl Fn(&mut Derivatives),
	most: (usize, usize),
) {
	let mut costs = [true, false].map(|ordered| {
		let mut there = Derivatives::new();
		before(&mut there);
		there.act(|| {
			if ordered {
				assert_ok!(call(Bob, order(sub, market, size)));
			}
		});
		there.act(|| ());
		let cost = there.poll();
		assert_eq!(there.chain.state(|| filled(size)), ordered);
		cost
	});
	let [with, without] = &mut costs;
	println!(
		"{what}: poll {} reads, {} writes; without it {} and {}",
		with.0, with.1, without.0, without.1
	);
	within(what, (with.0 - without.0, with.1 - without.1), most);
}

mod plain_order {
	use super::*;

	const MOST: (usize, usize) = (8, 12);

	#[test]
	fn opens() {
		fill("opening, kUSD alone", PLAIN, ETH, 10 * UNIT, |_| (), MOST);
	}

	#[test]
	fn increases() {
		let before = |there: &mut Derivatives| there.trade(PLAIN, ETH, 10 * UNIT);
		fill("increasing, kUSD alone", PLAIN, ETH, 5 * UNIT, before, MOST);
	}

	#[test]
	fn closes() {
		let before = |there: &mut Derivatives| there.trade(PLAIN, ETH, 10 * UNIT);
		fill("closing, kUSD alone", PLAIN, ETH, -10 * UNIT, before, MOST);
	}
}

mod mixed_order {
	use super::*;

	const MOST: (usize, usize) = (10, 10);

	#[test]
	fn opens_a_second() {
		let before = |there: &mut Derivatives| there.trade(MIXED, ETH, 20 * UNIT);
		fill(
			"opening a second, two collaterals",
			MIXED,
			BTC,
			-UNIT,
			before,
			MOST,
		);
	}

	#[test]
	fn increases() {
		fill(
			"increasing, two and two",
			MIXED,
			ETH,
			UNIT,
			Derivatives::trade_in_two,
			MOST,
		);
	}

	#[test]
	fn closes_one() {
		fill(
			"closing one, two and two",
			MIXED,
			BTC,
			UNIT,
			Derivatives::trade_in_two,
			MOST,
		);
	}
}

/// What a fill costs does not grow with what its account has: four positions and four collaterals here.
#[test]
fn an_order_of_an_account_that_has_everything() {
	let before = |there: &mut Derivatives| {
		there.act(|| {
			does(Bob, deposit(MIXED, KUSD, kusd(5_000)));
			does(Bob, deposit(MIXED, BTC, 10_000_000));
			does(Bob, deposit(MIXED, USDC, 1_000_000_000));
		});
		there.trade_in_two();
		there.trade(MIXED, DOT, 1_000 * UNIT);
		there.trade(MIXED, SOL, -20 * UNIT);
		let statement = there.chain.state(|| Margin::statement(bobs(MIXED)).unwrap());
		assert_eq!((statement.exposures.len(), statement.collateral.len()), (4, 4));
	};
	fill("increasing, four and four", MIXED, ETH, UNIT, before, (13, 10));
}

#[test]
fn commit_order() {
	let mut there = Derivatives::new();
	there.trade(PLAIN, ETH, 10 * UNIT);
	there.trade_in_two();
	let cost = there.chain.tally(|| does(Bob, order(PLAIN, ETH, UNIT)));
	within("committing, kUSD alone", cost, (15, 12));
	let cost = there.chain.tally(|| does(Bob, order(MIXED, ETH, UNIT)));
	within("committing, two and two", cost, (18, 10));
}

#[test]
fn margin_deposit_and_withdrawal() {
	let mut there = Derivatives::new();
	there.trade(PLAIN, ETH, 10 * UNIT);
	there.trade_in_two();
	let cases = [
		(deposit(PLAIN, KUSD, kusd(100)), "depositing kUSD", (14, 10)),
		(withdraw(PLAIN, KUSD, kusd(100)), "withdrawing kUSD", (16, 10)),
		(
			deposit(MIXED, ETH, ONE_ETH),
			"depositing ETH, two and two",
			(18, 16),
		),
		(
			withdraw(MIXED, ETH, ONE_ETH),
			"withdrawing ETH, two and two",
			(20, 16),
		),
	];
	for (what, name, most) in cases {
		let cost = there.chain.tally(|| does(Bob, what));
		within(name, cost, most);
	}
}

fn liquidate_margin(group: Group, account: MarginAccountId) {
	assert_ok!(Liquidations::liquidate(
		RuntimeOrigin::from(frame_system::RawOrigin::Authorized),
		group,
		account
	));
}

/// What the liquidation did: what it closed, how many collaterals it sold, what was missing, and the positions left.
fn liquidated() -> (u128, usize, u128, usize) {
	use pallet_margin::Event;
	let sales = events()
		.iter()
		.filter(|event| matches!(event, RuntimeEvent::Margin(Event::CollateralSold { .. })))
		.count();
	events()
		.iter()
		.find_map(|event| match event {
			RuntimeEvent::Margin(Event::AccountLiquidated {
				account,
				closed,
				shortfall,
				..
			}) => {
				let left = trader(*account).positions.len();
				Some((*closed, sales, *shortfall, left))
			}
			_ => None,
		})
		.unwrap()
}

#[test]
fn partial_liquidation_of_an_account() {
	let mut there = Derivatives::new();
	there.trade(PLAIN, ETH, 30 * UNIT);
	there.fall(2_730.0);
	let account = there.chain.state(|| bobs(PLAIN));
	let cost = there
		.chain
		.tally(|| liquidate_margin(Group::SoleLong(ETH), account));
	let (closed, sales, missing, left) = there.chain.state(liquidated);
	assert!(closed > 0);
	assert_eq!((sales, missing, left), (0, 0, 1));
	within("liquidating a part", cost, (14, 13));
}

/// What Bob's mixed account owes beside its positions.
fn owes(there: &mut Derivatives, amount: u128) {
	there.act(|| {
		let amount = amount as i128;
		assert_ok!(settle(bobs(MIXED), -amount));
		assert_ok!(LiquidityPool::settle(amount));
	});
}

#[test]
fn liquidation_of_an_account_with_sales() {
	let mut there = Derivatives::new();
	there.trade(MIXED, ETH, 20 * UNIT);
	owes(&mut there, kusd(30_000));
	there.fall(2_650.0);
	let account = there.chain.state(|| bobs(MIXED));
	let cost = there.chain.tally(|| liquidate_margin(Group::Long(ETH), account));
	let (closed, sales, missing, left) = there.chain.state(liquidated);
	assert!(closed > 0);
	assert_eq!((sales, missing, left), (2, 0, 0));
	within("liquidating all, with two sales", cost, (31, 26));
}

#[test]
fn liquidation_of_an_account_with_a_deficit() {
	let mut there = Derivatives::new();
	there.trade_in_two();
	owes(&mut there, kusd(20_000));
	there.fall(1_500.0);
	let account = there.chain.state(|| bobs(MIXED));
	let cost = there.chain.tally(|| liquidate_margin(Group::Long(ETH), account));
	let (closed, sales, missing, left) = there.chain.state(liquidated);
	assert!(closed > 0 && missing > 0);
	assert_eq!((sales, left), (2, 0));
	within("liquidating all, with two sales and a deficit", cost, (35, 30));
}

#[test]
fn refresh() {
	let mut there = Derivatives::new();
	there.trade(PLAIN, ETH, 10 * UNIT);
	there.trade_in_two();
	there.dawn();
	there.chain.state(poll_markets);
	// The one is looked at because it acts, the other because it comes near.
	there.chain.state(|| settle(bobs(PLAIN), 0).unwrap());
	for (sub, group, name, most) in [
		(
			PLAIN,
			Group::Due,
			"looking after a fill, kUSD and one position",
			(9, 5),
		),
		(MIXED, Group::Long(ETH), "looking again, two and two", (12, 12)),
	] {
		let account = there.chain.state(|| bobs(sub));
		let cost = there.chain.tally(|| Margin::refresh(group, account).unwrap());
		within(name, cost, most);
	}
}

#[test]
fn providing_and_asking_to_withdraw() {
	let mut there = Derivatives::new();
	let cost = there.chain.tally(|| does(Bob, provide(kusd(1_000))));
	within("providing", cost, (10, 7));
	let cost = there.chain.tally(|| does(Alice, leave()));
	within("asking to withdraw", cost, (10, 7));
}

fn leave() -> pallet_liquidity_pool::Call<Runtime> {
	pallet_liquidity_pool::Call::request_withdrawal { shares: kusd(1_000) }
}

fn poll_pool() {
	LiquidityPool::on_poll(System::block_number(), &mut WeightMeter::new());
}

/// What a request adds to the pool's part of a block once its prices are there.
fn served(
	what: &str,
	by: Sr25519Keyring,
	request: impl Fn() -> pallet_liquidity_pool::Call<Runtime>,
	wait: Moment,
	most: (usize, usize),
) {
	let costs = [true, false].map(|asked| {
		let mut there = Derivatives::new();
		there.trade(PLAIN, ETH, 10 * UNIT);
		let before = there.chain.state(LiquidityPool::cash);
		there.act(|| {
			if asked {
				assert_ok!(call(by, request()));
			}
		});
		there.time += wait;
		// After a time without blocks risk is added from the third price on; else from the first that is new.
		for _ in 0..if wait > 0 { 3 } else { 1 } {
			there.act(|| ());
		}
		there.dawn();
		there.chain.state(poll_markets);
		let cost = there.chain.tally(poll_pool);
		assert_eq!(there.chain.state(LiquidityPool::cash) != before, asked, "{what}");
		cost
	});
	let [with, without] = costs;
	assert!(with.1 > without.1, "{what}: it was served in this block");
	within(what, (with.0 - without.0, with.1 - without.1), most);
}

#[test]
fn serving_the_pool() {
	served("making shares", Bob, || provide(kusd(1_000)), 0, (9, 6));
	served("paying a provider", Alice, leave, 86_400_000, (13, 10));
}

#[test]
fn an_idle_block() {
	let mut there = Derivatives::new();
	there.trade(PLAIN, ETH, 10 * UNIT);
	there.act(|| ());
	let markets = there.poll();
	assert_eq!(
		there
			.chain
			.state(|| pallet_perpetuals::Markets::<Runtime>::get().markets.len()),
		4
	);
	within("the markets' part of an idle block, 4 markets", markets, (17, 2));
	let margin = there.chain.tally(|| {
		Margin::on_poll(System::block_number(), &mut WeightMeter::new());
	});
	within("margin's part of an idle block", margin, (15, 1));
	let pool = there.chain.tally(poll_pool);
	within("the pool's part of an idle block", pool, (2, 0));
}
