//! `docs/powers.md`, row by row: who stops what, how soon, how it ends by itself, for how much of the time,
//! and that exits stay open.

use super::*;
use frame_support::traits::{Get, SortedMembers};
use keel_primitives::{BreakerSubject, Level, MintPath, PriceFor, PriceProvider};
use keel_runtime::{
	governance::{
		powers::{End, Stopped, LARGEST_SHARE},
		tracks::{self, LongSpell, SafeModeDuration, ShortSpell},
	},
	CircuitBreaker, Emergency, Moment, Prices, TechnicalMembership,
};
use pallet_emergency::{Power, Subject, REST};

/// Blocks of the spells at this preset's pace.
const SHORT: BlockNumber = 30;
const LONG: BlockNumber = 60;
const SAFE_MODE: BlockNumber = 30;
const ONE_ETH: u128 = 1_000_000_000_000_000_000;

type Vaults = pallet_vaults::Call<Runtime>;
type Pool = pallet_stability_pool::Call<Runtime>;
type Margin = pallet_margin::Call<Runtime>;
type Calls = pallet_emergency::Call<Runtime>;

fn prices() -> Vec<(u32, f64)> {
	vec![
		(1, 1.0),
		(BTC, 60_000.0),
		(ETH, 3_000.0),
		(DOT, 6.0),
		(5, 1.0),
		(6, 150.0),
	]
}

fn with_eth(price: f64) -> Vec<(u32, f64)> {
	let mut all = prices();
	all[2].1 = price;
	all
}

/// Everybody feeds what it always did; those who may not feed nothing.
fn feed_on(prices: &[(u32, f64)]) {
	for operator in OPERATORS {
		let _ = feed(operator, prices);
	}
}

/// A block two seconds on in which everybody feeds `prices`.
fn fed(chain: &mut Chain, prices: &[(u32, f64)]) {
	next(chain, || feed_on(prices));
}

/// Ten calm minutes; Bob has a vault of 10 ETH and 10,000 kUSD and one of 1 BTC, a deposit in the stability
/// pool, and kUSD in a margin account.
fn calm() -> Chain {
	let mut chain = Chain::new();
	chain.try_state = false;
	let mut now = BEGIN;
	for _ in 0..20 {
		now += 30_000;
		chain.fed_block(now, &prices());
	}
	next(&mut chain, || {
		for (branch, collateral, debt) in [(ETH, 10 * ONE_ETH, 10_000), (BTC, 100_000_000, 20_000)] {
			assert_ok!(call(
				Bob,
				Vaults::open {
					branch,
					collateral,
					debt: kusd(debt)
				}
			));
		}
		assert_ok!(call(Bob, Pool::deposit { amount: kusd(2_000) }));
		assert_ok!(call(
			Bob,
			Margin::deposit {
				sub: 0,
				asset: KUSD,
				amount: kusd(2_000)
			}
		));
	});
	for _ in 0..3 {
		fed(&mut chain, &prices());
	}
	chain
}

fn vault(branch: u32) -> u64 {
	let mine = pallet_vaults::Pallet::<Runtime>::vaults_of(who(Bob));
	let of_branch = |id: &u64| pallet_vaults::Vaults::<Runtime>::get(id).is_some_and(|v| v.branch == branch);
	mine.into_iter().find(of_branch).unwrap()
}

/// What must always be possible.
fn exits_are_open() {
	let vault = vault(ETH);
	let exits: [RuntimeCall; 6] = [
		Vaults::repay {
			vault,
			amount: kusd(10),
		}
		.into(),
		Vaults::top_up { vault, amount: 1 }.into(),
		Vaults::close { vault }.into(),
		Pool::withdraw { amount: kusd(100) }.into(),
		Margin::withdraw {
			sub: 0,
			asset: KUSD,
			amount: kusd(100),
		}
		.into(),
		pallet_auctions::Call::<Runtime>::claim { asset: ETH }.into(),
	];
	for exit in exits {
		// Nothing to claim is no closed door.
		let outcome = could(|| call(Bob, exit.clone()));
		let closed = outcome == Err(frame_system::Error::<Runtime>::CallFiltered.into());
		let nothing = matches!(exit, RuntimeCall::Auctions(_)) && !closed;
		assert!(outcome.is_ok() || nothing, "{exit:?}: {outcome:?}");
	}
}

fn open(branch: u32) -> DispatchResult {
	let collateral = if branch == BTC { 100_000_000 } else { 10 * ONE_ETH };
	could(|| {
		call(
			Eve,
			Vaults::open {
				branch,
				collateral,
				debt: kusd(1_000),
			},
		)
	})
}

fn fit(feed: u32, purpose: PriceFor) -> bool {
	<Prices as PriceProvider>::price(feed, purpose).is_ok()
}

fn suspend(origin: RuntimeOrigin, subject: Subject<AccountId>) -> DispatchResult {
	dispatch(origin, Calls::suspend { subject })
}

fn resume(origin: RuntimeOrigin, subject: Subject<AccountId>) -> DispatchResult {
	dispatch(origin, Calls::resume { subject })
}

fn resting() -> DispatchResult {
	Err(pallet_emergency::Error::<Runtime>::PowerResting.into())
}

fn bad_origin() -> DispatchResult {
	Err(sp_runtime::DispatchError::BadOrigin)
}

fn filtered() -> DispatchResult {
	Err(frame_system::Error::<Runtime>::CallFiltered.into())
}

fn transfer() -> DispatchResult {
	could(|| {
		call(
			Alice,
			pallet_balances::Call::<Runtime>::transfer_keep_alive {
				dest: who(Bob).into(),
				value: KEEL,
			},
		)
	})
}

/// Every row has a scenario: the match names each.
#[test]
fn every_row_holds() {
	for stopped in Stopped::ALL {
		println!("{stopped:?}");
		match stopped {
			Stopped::Feed => prices_of_one_feed(),
			Stopped::Liquidations => liquidations_of_one_branch(),
			Stopped::Operator => an_operator(),
			Stopped::Minting => minting(),
			Stopped::NewRisk => new_risk(),
			Stopped::Call => a_call(),
			Stopped::Transfers => transfers(),
			Stopped::Guardian => a_guardian(),
		}
		if let End::Spell { short, long } = stopped.row().ends {
			assert!(short <= long && long <= tracks::LONG_SPELL);
		}
	}
	chain().state(|| {
		let paced = [ShortSpell::get(), LongSpell::get(), SafeModeDuration::get()];
		assert_eq!(paced, [SHORT, LONG, SAFE_MODE]);
	});
	assert_eq!(LARGEST_SHARE, 25);
	assert_eq!(
		[tracks::SAFE_MODE, tracks::SHORT_SPELL, tracks::LONG_SPELL].map(|n| n / 1_800),
		[4, 6, 24]
	);
}

fn prices_of_one_feed() {
	let mut chain = calm();
	let feed = Subject::Feed(ETH);
	let until = next(&mut chain, || {
		feed_on(&prices());
		assert_eq!(suspend(committee(1, 4), feed.clone()), bad_origin());
		assert_eq!(suspend(committee(2, 5), feed.clone()), bad_origin());
		assert_ok!(suspend(committee(2, 4), feed.clone()));
		// At once, in the same block.
		assert!(!fit(ETH, PriceFor::AddRisk) && !fit(ETH, PriceFor::Liquidate));
		assert!(fit(ETH, PriceFor::ReduceRisk), "exits use the last price");
		System::block_number() + SHORT
	});
	let last = chain.state(|| <Prices as PriceProvider>::last(ETH).unwrap());
	while height(&mut chain) < until - 1 {
		fed(&mut chain, &with_eth(2_900.0));
		chain.state(|| {
			assert!(!fit(ETH, PriceFor::AddRisk) && !fit(ETH, PriceFor::Liquidate));
			assert!(
				fit(BTC, PriceFor::AddRisk) && fit(BTC, PriceFor::Liquidate),
				"the others go on"
			);
			assert_eq!(
				<Prices as PriceProvider>::last(ETH).unwrap().value,
				last.value,
				"no new price"
			);
			assert!(open(ETH).is_err());
			exits_are_open();
		});
	}
	// By itself, after the prices that every outage takes.
	for _ in 0..3 {
		chain.state(|| assert!(!fit(ETH, PriceFor::AddRisk)));
		fed(&mut chain, &with_eth(2_900.0));
	}
	chain.state(|| {
		assert!(fit(ETH, PriceFor::AddRisk));
		assert_ne!(<Prices as PriceProvider>::last(ETH).unwrap().value, last.value);
		assert_eq!(suspend(committee(4, 4), feed.clone()), resting());
		assert_eq!(suspend(RuntimeOrigin::root(), feed.clone()), resting());
	});
	let ready = until + REST * SHORT;
	run_to(&mut chain, ready - 1);
	chain.state(|| assert_eq!(suspend(committee(2, 4), feed.clone()), resting()));
	next(&mut chain, || {
		assert_ok!(suspend(committee(2, 4), feed.clone()));
		// Half of it may not undo what the other half did; two thirds may, and a referendum.
		assert_eq!(resume(committee(2, 4), feed.clone()), bad_origin());
		assert_ok!(could(|| resume(committee(3, 4), feed.clone())));
		assert_ok!(as_referendum(
			Origin::RiskAdjust,
			Calls::resume {
				subject: feed.clone()
			}
		));
		assert!(suspend(committee(2, 4), Subject::Feed(999)).is_err());
	});
}

fn liquidations_of_one_branch() {
	let mut chain = calm();
	let risky = next(&mut chain, || {
		feed_on(&prices());
		let debt = kusd(17_000);
		assert_ok!(call(
			Alice,
			Vaults::open {
				branch: ETH,
				collateral: 10 * ONE_ETH,
				debt
			}
		));
		pallet_vaults::Pallet::<Runtime>::vaults_of(who(Alice))[0]
	});
	let debt =
		|chain: &mut Chain| chain.state(|| pallet_vaults::Pallet::<Runtime>::health(risky).unwrap().debt);
	for _ in 0..3 {
		fed(&mut chain, &prices());
	}
	next(&mut chain, || {
		assert_ok!(suspend(committee(2, 4), Subject::Feed(ETH)));
	});
	let owed = debt(&mut chain);
	for _ in 0..SHORT - 1 {
		fed(&mut chain, &with_eth(2_300.0));
		assert!(debt(&mut chain) >= owed, "nobody is liquidated");
	}
	for _ in 0..10 {
		fed(&mut chain, &with_eth(2_300.0));
	}
	assert!(debt(&mut chain) < owed, "and then the unsafe are, by themselves");
}

/// Kind: bad operators that nobody can stop. Three bad ones of five made the price for 18.5 hours at least;
/// half of the committee suspends them within a block, and what they fed already counts no more.
fn an_operator() {
	// One of five: the others make the price.
	let mut chain = calm();
	next(&mut chain, || {
		feed_on(&prices());
		assert_eq!(
			suspend(committee(1, 3), Subject::Operator(who(Alice))),
			bad_origin()
		);
		assert_ok!(suspend(committee(2, 4), Subject::Operator(who(Alice))));
		assert!(
			suspend(committee(2, 4), Subject::Operator(who(Ferdie))).is_err(),
			"is none"
		);
	});
	fed(&mut chain, &prices());
	chain.state(|| {
		assert!(fit(ETH, PriceFor::AddRisk) && fit(ETH, PriceFor::Liquidate));
		exits_are_open();
	});
	// Removed and added again it is what it was.
	chain.state(|| {
		assert_ok!(as_root(pallet_prices::Call::<Runtime>::remove_operator {
			operator: who(Alice)
		}));
		assert_ok!(as_root(pallet_prices::Call::<Runtime>::add_operator {
			operator: who(Alice)
		}));
		assert!(pallet_prices::Operators::<Runtime>::get()[&who(Alice)].suspended);
	});
	// Two honest of five: the rest is no majority of liars, but no price.
	next(&mut chain, || {
		assert_ok!(suspend(committee(2, 4), Subject::Operator(who(Bob))));
	});
	for _ in 0..5 {
		fed(&mut chain, &with_eth(9_000.0));
		chain.state(|| {
			assert!(!fit(ETH, PriceFor::AddRisk) && !fit(ETH, PriceFor::Liquidate));
			exits_are_open();
		});
	}

	// Three bad ones of five.
	let mut chain = calm();
	let bad = [Alice, Bob, Charlie];
	let feed_bad = || {
		for operator in bad {
			let _ = feed(operator, &with_eth(9_000.0));
		}
		for operator in [Dave, Eve] {
			let _ = feed(operator, &prices());
		}
	};
	next(&mut chain, feed_bad);
	next(&mut chain, feed_bad);
	let until = next(&mut chain, || {
		for operator in bad {
			assert_ok!(suspend(committee(2, 4), Subject::Operator(who(operator))));
		}
		// What they made is no price to add risk or be liquidated on, in this very block.
		assert!(!fit(ETH, PriceFor::AddRisk) && !fit(ETH, PriceFor::Liquidate));
		System::block_number() + SHORT
	});
	while height(&mut chain) < until - 1 {
		next(&mut chain, feed_bad);
		chain.state(|| {
			assert!(!fit(ETH, PriceFor::AddRisk) && !fit(ETH, PriceFor::Liquidate));
			assert!(open(ETH).is_err());
			exits_are_open();
		});
	}
	// Two thirds of the committee reach as far as the vote about them takes.
	const { assert!(tracks::LONG_SPELL > 1_110 * 30) };
	for _ in 0..3 {
		fed(&mut chain, &prices());
	}
	chain.state(|| assert!(fit(ETH, PriceFor::AddRisk), "they feed again"));
}

fn trip(subject: BreakerSubject, level: Level) -> DispatchResult {
	as_guardian(pallet_circuit_breaker::Call::<Runtime>::trip { subject, level })
}

/// Half an hour between two prices is an outage; so every ten seconds, for `minutes`.
fn wait(chain: &mut Chain, minutes: u64, mut each: impl FnMut(&mut Chain)) {
	let end = chain.now() + minutes * 60_000;
	while chain.now() < end {
		let now: Moment = chain.now() + 30_000;
		chain.block(now, || feed_on(&prices()));
		each(chain);
	}
}

fn minting() {
	let mut chain = calm();
	let subject = BreakerSubject::Mint(MintPath::Vaults(ETH));
	next(&mut chain, || {
		feed_on(&prices());
		assert_ok!(open(ETH));
		assert_ok!(trip(subject, Level::ReduceOnly));
		assert!(open(ETH).is_err());
		exits_are_open();
	});
	wait(&mut chain, 180, |chain| chain.state(exits_are_open));
	next(&mut chain, || {
		feed_on(&prices());
		assert_ok!(open(ETH));
	});
}

fn new_risk() {
	let mut chain = calm();
	next(&mut chain, || {
		feed_on(&prices());
		assert_ok!(trip(BreakerSubject::Chain, Level::Halted));
		assert!(open(ETH).is_err() && open(BTC).is_err());
		assert!(fit(ETH, PriceFor::Liquidate), "liquidations go on");
		let vault = vault(ETH);
		assert_ok!(could(|| call(
			Bob,
			Vaults::repay {
				vault,
				amount: kusd(10)
			}
		)));
		assert_ok!(could(|| call(Bob, Vaults::top_up { vault, amount: 1 })));
		assert_ok!(could(|| call(Bob, Vaults::close { vault })));
	});
	wait(&mut chain, 240, |_| ());
	chain.state(|| {
		assert_eq!(
			<CircuitBreaker as keel_primitives::CircuitBreaker>::level(BreakerSubject::Chain),
			Level::Normal
		)
	});
}

fn name(pallet: &str, call: &str) -> pallet_tx_pause::RuntimeCallNameOf<Runtime> {
	let bytes = |text: &str| text.as_bytes().to_vec().try_into().unwrap();
	(bytes(pallet), bytes(call))
}

fn pause(origin: RuntimeOrigin, pallet: &str, call: &str) -> DispatchResult {
	dispatch(
		origin,
		pallet_tx_pause::Call::<Runtime>::pause {
			full_name: name(pallet, call),
		},
	)
}

/// Kind: a pause for ever. It ends after its spell, cannot be renewed at once, and no exit can be paused.
fn a_call() {
	let mut chain = calm();
	let until = next(&mut chain, || {
		feed_on(&prices());
		assert_eq!(pause(committee(1, 4), "Vaults", "open"), bad_origin());
		for (pallet, call) in [
			("Vaults", "repay"),
			("StabilityPool", "withdraw"),
			("Emergency", "resume"),
		] {
			assert!(pause(committee(4, 4), pallet, call).is_err());
		}
		assert_ok!(pause(committee(2, 4), "Vaults", "open"));
		assert_eq!(open(ETH), filtered());
		System::block_number() + SHORT
	});
	fed(&mut chain, &prices());
	// Others join the spell, and end with it.
	next(&mut chain, || {
		assert_ok!(pause(committee(2, 4), "Balances", "transfer_keep_alive"));
	});
	while height(&mut chain) < until - 1 {
		fed(&mut chain, &prices());
		chain.state(|| {
			assert_eq!(open(ETH), filtered());
			assert_eq!(transfer(), filtered());
			exits_are_open();
		});
	}
	fed(&mut chain, &prices());
	chain.state(|| {
		assert_ok!(open(ETH));
		assert_ok!(transfer());
		assert_eq!(pause(committee(4, 4), "Vaults", "open"), bad_origin());
		assert_eq!(pause(RuntimeOrigin::root(), "Vaults", "open"), bad_origin());
	});
	run_to(&mut chain, until + REST * SHORT - 1);
	chain.state(|| assert_eq!(pause(committee(2, 4), "Vaults", "open"), bad_origin()));
	next(&mut chain, || {
		assert_ok!(pause(committee(3, 4), "Vaults", "open"));
		let unpause = pallet_tx_pause::Call::<Runtime>::unpause {
			ident: name("Vaults", "open"),
		};
		assert_eq!(dispatch(committee(2, 4), unpause.clone()), bad_origin());
		assert_ok!(dispatch(committee(3, 4), unpause));
	});
}

/// Kind: safe mode renewed at once, for ever. It lasts its time, and then rests, whoever asks, after an exit
/// too.
fn transfers() {
	type SafeMode = pallet_safe_mode::Call<Runtime>;
	let enter = |origin: RuntimeOrigin| dispatch(origin, SafeMode::force_enter {});

	let mut chain = calm();
	let until = next(&mut chain, || {
		feed_on(&prices());
		assert_ok!(transfer());
		assert_eq!(enter(committee(1, 4)), bad_origin());
		assert_ok!(enter(committee(2, 4)));
		assert_eq!(transfer(), filtered());
		assert_eq!(open(ETH), filtered());
		System::block_number() + SAFE_MODE
	});
	while height(&mut chain) < until - 1 {
		fed(&mut chain, &prices());
		chain.state(|| {
			assert_eq!(transfer(), filtered());
			exits_are_open();
			for origin in [committee(4, 4), RuntimeOrigin::root()] {
				assert!(enter(origin.clone()).is_err());
				assert_eq!(dispatch(origin, SafeMode::force_extend {}), bad_origin());
			}
		});
	}
	fed(&mut chain, &prices());
	let ready = until + REST * SAFE_MODE;
	while height(&mut chain) < ready - 1 {
		next(&mut chain, || ());
		chain.state(|| {
			assert_ok!(transfer());
			assert_eq!(enter(committee(4, 4)), bad_origin());
			assert_eq!(enter(RuntimeOrigin::root()), bad_origin());
		});
	}
	let again = next(&mut chain, || {
		assert_ok!(enter(committee(2, 4)));
		System::block_number()
	});
	// Left after ten blocks: it rests for thirty.
	run_to(&mut chain, again + 9);
	next(&mut chain, || {
		assert_eq!(dispatch(committee(2, 4), SafeMode::force_exit {}), bad_origin());
		assert_ok!(dispatch(committee(3, 4), SafeMode::force_exit {}));
		assert_ok!(transfer());
		assert_eq!(enter(committee(4, 4)), bad_origin());
	});
	run_to(&mut chain, again + 10 + 29);
	chain.state(|| assert_eq!(enter(committee(4, 4)), bad_origin()));
	next(&mut chain, || {
		assert_ok!(enter(committee(2, 4)));
	});
}

/// Kind: a guardian gone rogue that only a referendum of 18.5 hours removes. Two of the three suspend it with
/// their votes.
fn a_guardian() {
	type Committee = pallet_collective::Call<Runtime, TechnicalCollective>;
	use codec::Encode;
	use sp_runtime::traits::{BlakeTwo256, Hash};

	let mut chain = calm();
	let eve = Subject::Member(who(Eve));
	let bad: RuntimeCall = pallet_whitelist::Call::<Runtime>::whitelist_call {
		call_hash: sp_core::H256::repeat_byte(6),
	}
	.into();
	let length_bound = bad.encoded_size() as u32;
	let proposal = BlakeTwo256::hash_of(&bad);
	let propose = |threshold: u32, what: RuntimeCall| Committee::propose {
		threshold,
		length_bound: what.encoded_size() as u32,
		proposal: Box::new(what),
	};
	let vote = |index: u32, proposal| Committee::vote {
		proposal,
		index,
		approve: true,
	};
	let weight = frame_support::weights::Weight::from_parts(50_000_000_000, 1_000_000);
	// Eve has voted for something.
	next(&mut chain, || {
		assert_ok!(call(Eve, propose(2, bad.clone())));
		assert_ok!(call(Eve, vote(0, proposal)));
	});
	// The other two suspend her, with a motion like any other, within a block.
	let until = next(&mut chain, || {
		let what: RuntimeCall = Calls::suspend { subject: eve.clone() }.into();
		let hash = BlakeTwo256::hash_of(&what);
		let length_bound = what.encoded_size() as u32;
		// Alone nobody does.
		assert_eq!(suspend(committee(1, 3), eve.clone()), bad_origin());
		assert_ok!(call(Dave, propose(2, what)));
		assert_ok!(call(Dave, vote(1, hash)));
		assert_ok!(call(Ferdie, vote(1, hash)));
		assert_ok!(call(
			Dave,
			Committee::close {
				proposal_hash: hash,
				index: 1,
				proposal_weight_bound: weight,
				length_bound,
			}
		));
		assert!(Emergency::is_suspended(&eve));
		System::block_number() + LONG
	});
	let is_seated = || pallet_collective::Members::<Runtime, TechnicalCollective>::get().contains(&who(Eve));
	while height(&mut chain) < until - 1 {
		next(&mut chain, || {
			feed_on(&prices());
			assert!(!is_seated());
			assert!(call(Eve, propose(1, bad.clone())).is_err());
			assert!(call(Eve, vote(0, proposal)).is_err());
			assert_eq!(
				pallet_collective::Members::<Runtime, TechnicalCollective>::get().len(),
				3,
				"every threshold is where it was"
			);
			exits_are_open();
		});
	}
	next(&mut chain, || {
		// Her aye was dropped: with Dave's it is one of two.
		assert!(is_seated(), "by itself");
		assert_ok!(call(Dave, vote(0, proposal)));
		let close = Committee::close {
			proposal_hash: proposal,
			index: 0,
			proposal_weight_bound: weight,
			length_bound,
		};
		assert!(call(Dave, close).is_err());
		assert_eq!(suspend(committee(3, 3), eve.clone()), resting());
	});
	let ready = until + REST * LONG;
	run_to(&mut chain, ready - 1);
	next(&mut chain, || {
		assert_ok!(suspend(committee(2, 3), eve.clone()));
		// Changes of the committee keep the seat empty.
		assert_ok!(as_root(pallet_membership::Call::<
			Runtime,
			pallet_membership::Instance2,
		>::add_member {
			who: who(Alice).into(),
		}));
		assert!(!is_seated());
		assert!(TechnicalMembership::contains(&who(Eve)));
		assert_eq!(
			pallet_collective::Members::<Runtime, TechnicalCollective>::get().len(),
			4
		);
		// A referendum gives it back.
		assert_ok!(as_referendum(
			Origin::RiskAdjust,
			Calls::resume { subject: eve.clone() }
		));
		assert!(is_seated());
	});
	chain.state(check_state);
}

/// Kind: an emergency power used all the time. Half of the committee does all it can in every block, naming
/// another subject each time: prices of ETH are stopped for at most a quarter of the time, and as long as it
/// takes to recover.
#[test]
fn rogue_guardians_hold_prices_for_a_quarter_of_the_time() {
	let mut chain = calm();
	let (mut stopped, mut blocks) = (0u32, 0u32);
	for n in 0..480u32 {
		next(&mut chain, || {
			feed_on(&prices());
			let _ = suspend(committee(2, 4), Subject::Operator(who(OPERATORS[n as usize % 5])));
			let _ = suspend(committee(2, 4), Subject::Feed(1 + n % 6));
			for feed in 1..=6 {
				let _ = suspend(committee(2, 4), Subject::Feed(feed));
			}
			let _ = resume(committee(2, 4), Subject::Feed(ETH));
		});
		blocks += 1;
		stopped += u32::from(!chain.state(|| fit(ETH, PriceFor::AddRisk)));
		if n % 60 == 0 {
			chain.state(exits_are_open);
		}
	}
	let spells = blocks.div_ceil((1 + REST) * SHORT);
	println!("rogue guardians: no price in {stopped} of {blocks} blocks");
	// Three blocks each until enough prices are made again.
	assert!(stopped <= spells * (SHORT + 3), "{stopped} of {blocks}");
	assert!(stopped >= SHORT, "the power works");
	chain.state(|| {
		let views = Emergency::powers();
		let prices = views.iter().find(|view| view.power == Power::Prices).unwrap();
		assert!(prices.ready_at > 0);
	});
}

/// What the weights of suspending are measured with: as many subjects as there is room for, the same each
/// time.
#[test]
#[cfg(feature = "runtime-benchmarks")]
fn weights_are_measured_with_every_subject_there_may_be() {
	use keel_runtime::governance::powers::Effects;
	use pallet_emergency::{Config, Stops};
	Chain::new().state(|| {
		let subjects = <Effects as Stops<_>>::subjects();
		assert_eq!(
			subjects.len() as u32,
			<<Runtime as Config>::MaxSubjects as Get<u32>>::get()
		);
		assert_eq!(subjects, <Effects as Stops<_>>::subjects());
	});
}
