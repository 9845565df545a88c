//! Anything in any order: what is stored is what came in less what went out, after every operation.

use super::*;
use frame_support::traits::fungibles::Inspect;
use keel_math::FixedU128;
use proptest::prelude::*;

const OWNERS: [AccountId; 2] = [ALICE, BOB];
const ASSETS: [u32; 4] = [KUSD, BTC, ETH, DOT];
const MARKETS: [u32; 3] = [BTC_MARKET, ETH_MARKET, DOT_MARKET];

#[derive(Clone, Debug)]
enum Operation {
	Deposit {
		who: usize,
		sub: u8,
		asset: usize,
		value: u128,
	},
	Withdraw {
		who: usize,
		sub: u8,
		asset: usize,
		share: u128,
	},
	Transfer {
		who: usize,
		from: u8,
		to: u8,
		share: u128,
	},
	Supply {
		who: usize,
		amount: u128,
	},
	Redeem {
		who: usize,
		share: u128,
	},
	Measures {
		who: usize,
		sub: u8,
		from: u8,
		most: u128,
		share: u32,
	},
	Close {
		who: usize,
		sub: u8,
	},
	Trade {
		who: usize,
		sub: u8,
		market: usize,
		value: i128,
	},
	Leave {
		who: usize,
		sub: u8,
		market: usize,
		share: i128,
	},
	Order {
		who: usize,
		sub: u8,
		fee: u128,
	},
	Lose {
		who: usize,
		sub: u8,
		amount: i128,
	},
	Price {
		market: usize,
		percent: u128,
	},
	Wait {
		ms: u64,
	},
	Endow {
		amount: u128,
		pool: bool,
	},
	Haircut {
		asset: usize,
		percent: u128,
	},
	/// A share of what clearing has and does not lend is paid out.
	Exit {
		share: u128,
	},
	Collect,
	Ruin {
		who: usize,
		sub: u8,
		percent: u128,
	},
	Buy {
		by: usize,
		which: usize,
		share: u128,
		less: u128,
	},
	Look,
}

fn operation() -> impl Strategy<Value = Operation> {
	use Operation::*;
	let who = 0..OWNERS.len();
	let sub = 0..3u8;
	let share = 0..=110u128;
	prop_oneof![
		6 => (who.clone(), sub.clone(), 0..4usize, 0..20_000u128)
			.prop_map(|(who, sub, asset, value)| Deposit { who, sub, asset, value }),
		4 => (who.clone(), sub.clone(), 0..4usize, share.clone())
			.prop_map(|(who, sub, asset, share)| Withdraw { who, sub, asset, share }),
		2 => (who.clone(), sub.clone(), sub.clone(), share.clone())
			.prop_map(|(who, from, to, share)| Transfer { who, from, to, share }),
		2 => (who.clone(), 0..10_000_000u128).prop_map(|(who, amount)| Supply { who, amount: amount * 1_000 }),
		2 => (who.clone(), share.clone()).prop_map(|(who, share)| Redeem { who, share }),
		1 => (who.clone(), sub.clone(), sub.clone(), 0..5_000u128, 0..1_000_000u32)
			.prop_map(|(who, sub, from, most, share)| Measures { who, sub, from, most, share }),
		1 => (who.clone(), sub.clone()).prop_map(|(who, sub)| Close { who, sub }),
		8 => (who.clone(), sub.clone(), 0..3usize, -200_000..200_000i128)
			.prop_map(|(who, sub, market, value)| Trade { who, sub, market, value }),
		3 => (who.clone(), sub.clone(), 0..3usize, 1..=100i128)
			.prop_map(|(who, sub, market, share)| Leave { who, sub, market, share }),
		1 => (who.clone(), sub.clone(), 0..5_000_000u128).prop_map(|(who, sub, fee)| Order { who, sub, fee }),
		4 => (who.clone(), sub.clone(), 60..140u128).prop_map(|(who, sub, percent)| Ruin { who, sub, percent }),
		10 => (who.clone(), any::<usize>(), share.clone(), 0..10u128)
			.prop_map(|(by, which, share, less)| Buy { by, which, share, less: less / 9 }),
		2 => (who, sub, -3_000_000_000..3_000_000_000i128).prop_map(|(who, sub, amount)| Lose { who, sub, amount }),
		6 => (0..3usize, 80..125u128).prop_map(|(market, percent)| Price { market, percent }),
		4 => (0..3 * HOUR).prop_map(|ms| Wait { ms }),
		2 => (0..20_000u128, any::<bool>()).prop_map(|(amount, pool)| Endow { amount: amount * USD, pool }),
		1 => (1..4usize, 0..60u128).prop_map(|(asset, percent)| Haircut { asset, percent }),
		2 => (90..=100u128).prop_map(|share| Exit { share }),
		2 => Just(Collect),
		8 => Just(Look),
	]
}

fn unit(asset: u32) -> u128 {
	match asset {
		KUSD => USD,
		BTC => ONE_BTC / 50_000,
		ETH => ONE_ETH / 2_500,
		_ => ONE_DOT / 5,
	}
}

/// Whoever is behind a trigger is looked at, as the liquidations pallet would; whether anything was done.
fn look() -> bool {
	let mut done = false;
	let ids: Vec<_> = Accounts::<Test>::iter_keys().collect();
	for id in ids {
		if let Some(group) = crossed(id).into_iter().next() {
			let before = statement(id);
			if before.equity >= before.maintenance as i128 {
				if recall(group, id) {
					done = true;
					continue;
				}
				assert_ok!(<Margin as PositionLedger>::refresh(group, id));
				done = true;
				continue;
			}
			// What the question says is what happens.
			let asked = Margin::deficit(group, id);
			let tried = <Margin as PositionLedger>::liquidate(group, id);
			assert_eq!(asked.is_ok(), tried.is_ok(), "{asked:?} {tried:?}");
			match tried {
				Ok(outcome) => {
					let after = statement(id);
					// No worse than before but for fees, of a hundredth, and rounding.
					let fees = (outcome.closed / 100 + 100) as i128;
					assert!(
						after.equity >= before.equity - fees,
						"{before:?} {after:?} {outcome:?}"
					);
					done = true;
				}
				Err(error) => assert_ne!(error, Error::<Test>::AccountSafe.into()),
			}
		}
	}
	done
}

/// Collateral of a safe account is sold for what it owes, if clearing lends too much and somebody buys;
/// whether it was.
fn recall(group: Group, id: u64) -> bool {
	let (before, lent) = (statement(id), money().overdrawn());
	let too_far = lent as i128 * 10 > Totals::<Test>::get().clearing;
	let Ok(outcome) = <Margin as PositionLedger>::liquidate(group, id) else {
		return false;
	};
	let after = statement(id);
	assert!(too_far && before.debt > 0);
	assert!(outcome.debt <= before.debt.min(lent), "{outcome:?} {lent}");
	assert_eq!((outcome.closed, outcome.shortfall), (0, 0));
	assert_eq!(after.exposures, before.exposures);
	// No worse than before but for rounding.
	assert!(after.equity + 100 >= before.equity, "{before:?} {after:?}");
	true
}

fn perform(operation: &Operation) -> bool {
	let account_of = |who: usize, sub| Margin::account(&OWNERS[who], sub);
	match *operation {
		Operation::Deposit {
			who,
			sub,
			asset,
			value,
		} => {
			let asset = ASSETS[asset];
			Margin::deposit(signed(&OWNERS[who]), sub, asset, value * unit(asset)).is_ok()
		}
		Operation::Withdraw {
			who,
			sub,
			asset,
			share,
		} => {
			let most = Margin::withdrawable(OWNERS[who].clone(), sub, ASSETS[asset]);
			let amount = most * share / 100;
			let done = Margin::withdraw(signed(&OWNERS[who]), sub, ASSETS[asset], amount).is_ok();
			assert_eq!(done, amount > 0 && amount <= most);
			done
		}
		Operation::Transfer { who, from, to, share } => {
			let amount = Margin::withdrawable(OWNERS[who].clone(), from, KUSD) * share / 100;
			Margin::transfer(signed(&OWNERS[who]), from, to, amount).is_ok()
		}
		Operation::Supply { who, amount } => Margin::supply(signed(&OWNERS[who]), amount).is_ok(),
		Operation::Redeem { who, share } => {
			let shares = Lenders::<Test>::get(&OWNERS[who]) * share / 100;
			Margin::redeem(signed(&OWNERS[who]), shares).is_ok()
		}
		Operation::Measures {
			who,
			sub,
			from,
			most,
			share,
		} => {
			let owner = signed(&OWNERS[who]);
			Margin::set_top_up(owner.clone(), sub, Some((from, most * USD))).is_ok()
				| Margin::set_reduce(owner, sub, Some(Permill::from_parts(share))).is_ok()
		}
		Operation::Close { who, sub } => Margin::close_account(signed(&OWNERS[who]), sub).is_ok(),
		Operation::Trade {
			who,
			sub,
			market: at,
			value,
		} => account_of(who, sub).is_some_and(|id| {
			let at = MARKETS[at];
			let old = size_of(id, at);
			let size = value * 1_000_000 * 100_000_000_000_000_000_000 / market(at).mark.into_inner() as i128;
			// The mock does not turn around.
			let fits = old == 0 || (old > 0) == (size > 0) || size.abs() <= old.abs();
			size != 0 && fits && trade(id, at, size).is_ok()
		}),
		Operation::Leave {
			who,
			sub,
			market,
			share,
		} => account_of(who, sub).is_some_and(|id| {
			let size = -size_of(id, MARKETS[market]) * share / 100;
			size != 0 && trade(id, MARKETS[market], size).is_ok()
		}),
		Operation::Order { who, sub, fee } => account_of(who, sub).is_some_and(|id| {
			order(id, fee);
			true
		}),
		Operation::Lose { who, sub, amount } => account_of(who, sub).is_some_and(|id| {
			settle(id, amount).unwrap();
			acted(id, Act::Involuntary).is_ok()
		}),
		Operation::Price { market: at, percent } => {
			let at = MARKETS[at];
			let price = market(at).mark.into_inner() * percent / 100;
			// Within what sizes in this test can be reckoned with.
			let price = price.clamp(dollars(1).into_inner() / 10, dollars(1_000_000).into_inner());
			move_mark(at, FixedU128::from_inner(price));
			set_price(at, FixedU128::from_inner(price));
			true
		}
		Operation::Wait { ms } => {
			pass(ms);
			refresh_prices();
			true
		}
		Operation::Endow { amount, pool } => {
			let to = if pool { POOL } else { FUND };
			send(KUSD, &CHARLIE, &to, amount).is_ok()
		}
		Operation::Haircut {
			asset,
			percent: share,
		} => {
			set_collateral(ASSETS[asset], |p| p.haircut = percent(share));
			true
		}
		Operation::Exit { share } => {
			let clearing = Margin::clearing() - Margin::overdrawn() as i128;
			let amount = u128::try_from(clearing).unwrap_or(0) * share / 100;
			// What clearing has and does not lend is always there.
			assert_ok!(Margin::pay_out(&MAKER, amount));
			amount > 0
		}
		Operation::Collect => {
			let (clearing, earned) = (Margin::clearing(), Totals::<Test>::get().earned);
			assert_eq!(Margin::collect(), Ok(earned));
			assert_eq!(Margin::clearing(), clearing + earned as i128);
			earned > 0
		}
		Operation::Ruin {
			who,
			sub,
			percent: share,
		} => account_of(who, sub).is_some_and(|id| ruin(id, share)),
		Operation::Buy {
			by,
			which,
			share,
			less,
		} => buy(&OWNERS[by], which, share, less).unwrap_or(false),
		Operation::Look => look(),
	}
}

/// An account loses a share of all it is worth, in hundredths, and is looked at.
fn ruin(id: u64, share: u128) -> bool {
	let equity = statement(id).equity.max(0);
	settle(id, -(equity * share as i128 / 100)).unwrap();
	acted(id, Act::Involuntary).unwrap();
	refresh_prices();
	look()
}

/// Buy a share, in hundredths, of what is for sale `which` is taken of, for `less` than it costs; whether it was sold. Nothing if there
/// is nothing.
fn buy(by: &AccountId, which: usize, share: u128, less: u128) -> Option<bool> {
	let mut ids: Vec<_> = Accounts::<Test>::iter_keys().collect();
	ids.sort_unstable();
	let all: Vec<_> = ids
		.into_iter()
		.flat_map(|id| ASSETS.map(|asset| (id, asset)))
		.filter(|(id, asset)| Margin::collateral_offer(*id, *asset).is_some())
		.collect();
	let (id, asset) = *all.get(which.checked_rem(all.len())?)?;
	let custody = Margin::custody();
	let most = Margin::collateral_offer(id, asset)?.amount * share / 100;
	let quoted = offer(id, asset, most).ok()?;
	let look = || {
		(
			kusd(by),
			Assets::balance(asset, by),
			kusd(&custody),
			Assets::balance(asset, &custody),
		)
	};
	let (before, wallet) = (statement(id), look());
	let owed = before.debt;
	let done =
		Margin::buy_collateral(signed(by), id, asset, most, quoted.pays - less.min(quoted.pays)).is_ok();
	assert_eq!(done, less == 0);
	if done {
		let (kusd, held, cash, total) = wallet;
		let moved = (
			kusd - quoted.pays,
			held + quoted.amount,
			cash + quoted.pays,
			total - quoted.amount,
		);
		assert_eq!(look(), moved);
		assert!(quoted.price >= quoted.floor);
		let after = statement(id);
		assert!(after.equity >= before.equity, "{before:?} {after:?}");
		// No more than repays it, to the price of a base unit; and only then is it the account's cash.
		assert!(after.cash == 0 || quoted.pays - owed == after.cash);
	}
	Some(done)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(24))]

	#[test]
	fn when_anything_happens_should_keep_every_invariant(
		operations in prop::collection::vec(operation(), 120..160),
		// With little to lend, clearing lends.
		reserve in prop_oneof![Just(200_000u128), Just(1_000u128)],
	) {
		ExtBuilder::default().reserve(reserve * USD).build_and_execute(|| {
			let issued = ASSETS.map(Assets::total_issuance);
			let mut done = 0;
			for operation in &operations {
				done += u32::from(perform(operation));
				assert_ok!(Margin::do_try_state());
				assert_eq!(ASSETS.map(Assets::total_issuance), issued);
				// Lenders never carry a loss but the last unit of a rounding.
				let money = money();
				let lent = money.lent_value().unwrap() as i128;
				assert!(money.idle + lent >= -1);
			}
			assert!(done > 20, "only {done} operations were carried out");
		});
	}
}
