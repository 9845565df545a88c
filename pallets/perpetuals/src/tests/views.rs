//! What a user sees is what happens.

use keel_primitives::{BreakerSubject, Level};

use crate::{mock::*, Error, Markets, Status};

#[test]
fn a_preview_is_the_fill_at_that_price() {
	ExtBuilder.build_and_execute(|| {
		trade(BOB, BTC, -30 * UNIT);
		for size in [10 * UNIT, -4 * UNIT, -26 * UNIT, 20 * UNIT] {
			let before = (Markets::<Test>::get(), cash(ALICE), PoolCash::get());
			let preview = crate::mock::preview(ALICE, BTC, size, Terms::default()).unwrap();
			// It leaves no trace.
			assert_eq!((Markets::<Test>::get(), cash(ALICE), PoolCash::get()), before);
			let fill = fill_now(ALICE, BTC, size).unwrap();
			assert_eq!(preview.fill, fill);
			assert_eq!(preview.risk, risk(account(ALICE)).into());
		}
	});
}

#[test]
fn a_preview_names_what_would_be_refused() {
	ExtBuilder.build_and_execute(|| {
		let preview = |size, limit, reduce_only| {
			crate::mock::preview(
				ALICE,
				BTC,
				size,
				Terms {
					limit,
					reduce_only,
					..Default::default()
				},
			)
			.unwrap_err()
		};
		assert_eq!(preview(0, None, false), Error::<Test>::ZeroSize.into());
		assert_eq!(preview(i128::MAX, None, false), Error::<Test>::OutOfRange.into());
		assert_eq!(preview(UNIT, None, true), Error::<Test>::NothingToReduce.into());
		assert_eq!(
			preview(UNIT, Some(dollars(50_000)), false),
			Error::<Test>::LimitNotMet.into()
		);
		assert_eq!(
			preview(51 * UNIT, Some(dollars(60_000)), false),
			Error::<Test>::OrderTooLarge.into()
		);
		leave(ALICE, 1_000 * USD);
		assert_eq!(preview(UNIT, None, false), Error::<Test>::NotEnoughMargin.into());
		assert_eq!(
			crate::mock::preview(9, BTC, UNIT, Terms::default()),
			Err(Error::<Test>::UnknownAccount.into())
		);
	});
}

#[test]
fn a_preview_of_what_is_worked_off_says_what_is_left_and_what_leverage_it_makes() {
	ExtBuilder.build_and_execute(|| {
		let preview = |size, terms| crate::mock::preview(ALICE, BTC, size, terms).unwrap();
		let all = preview(51 * UNIT, Terms::default());
		assert_eq!((all.fill.size, all.fill.left), (50 * UNIT, UNIT));
		// 50 BTC at a mark of 50,250 over what is left of a million.
		let leverage = all.leverage.unwrap().to_float();
		assert!((2.50..2.52).contains(&leverage), "{leverage}");
		let limit = Some(dollars(50_050));
		let resting = Terms {
			limit,
			resting: true,
			..Default::default()
		};
		let part = preview(51 * UNIT, resting);
		assert_eq!((part.fill.size, part.fill.left), (10 * UNIT, 41 * UNIT));
		let market = Perpetuals::market(BTC).unwrap();
		assert_eq!(market.max_leverage, dollars(20));
	});
}

#[test]
fn a_preview_is_not_in_the_way_of_the_block_it_is_made_in() {
	ExtBuilder.build_and_execute(|| {
		fill_now(BOB, BTC, 50 * UNIT).unwrap();
		assert_eq!(
			fill_now(ALICE, BTC, UNIT),
			Err(Error::<Test>::PremiumStepReached.into())
		);
		assert!(preview(ALICE, BTC, UNIT, Terms::default()).is_ok());
	});
}

#[test]
fn the_largest_size_fits_and_a_larger_does_not() {
	ExtBuilder.build_and_execute(|| {
		leave(ALICE, 30_000 * USD);
		for buy in [true, false] {
			let most = Perpetuals::max_size(ALICE, 0, BTC, buy);
			let sign = if buy { 1 } else { -1 };
			let preview =
				|size: u128| crate::mock::preview(ALICE, BTC, sign * size as i128, Terms::default());
			assert!(most > 11 * UNIT as u128 && most < 12 * UNIT as u128, "{most}");
			assert!(preview(most).is_ok());
			assert_eq!(
				preview(most + 1).unwrap_err(),
				Error::<Test>::NotEnoughMargin.into()
			);
			// And so it can be ordered.
			let ordered = |size: u128| try_commit(ALICE, BTC, sign * size as i128, Terms::default());
			frame_support::hypothetically!({
				assert!(ordered(most).is_ok());
			});
			assert_eq!(ordered(most + 1), Err(Error::<Test>::NotEnoughMargin.into()));
		}
		// By the premium step.
		assert_eq!(Perpetuals::max_size(BOB, 0, ETH, true), 1_000 * UNIT as u128);
		// To close, when nothing may be opened.
		trade(ALICE, BTC, 10 * UNIT);
		raise(BreakerSubject::Market(BTC), Level::Halted);
		assert_eq!(Perpetuals::max_size(ALICE, 0, BTC, false), 10 * UNIT as u128);
		assert_eq!(Perpetuals::max_size(ALICE, 0, BTC, true), 0);
		assert_eq!(Perpetuals::max_size(ALICE, 1, BTC, true), 0);
		assert_eq!(Perpetuals::max_size(ALICE, 0, 9, true), 0);
	});
}

#[test]
fn a_market_shows_its_numbers() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, 40 * UNIT);
		trade(BOB, BTC, -10 * UNIT);
		set_price(BTC, dollars(50_000));
		block_after(HOUR);
		tick();
		let view = Perpetuals::market(BTC).unwrap();
		let there = market(BTC);
		assert_eq!((view.index, view.mark), (dollars(50_000), dollars(50_150)));
		assert_eq!(view.premium, ratio(3, 1_000).into_inner() as i128);
		assert_eq!(
			(view.funding_per_day, view.funding_per_hour),
			(there.rate, there.rate / 24)
		);
		assert!(view.funding_per_hour > 0);
		assert_eq!((view.long, view.short), (there.long, there.short));
		assert_eq!(
			(view.long_value, view.short_value),
			(2_000_000 * USD, 500_000 * USD)
		);
		assert_eq!(
			(view.long_room, view.short_room),
			(48_000_000 * USD, 49_500_000 * USD)
		);
		assert_eq!(
			(view.rates, view.status, view.positions),
			(there.rates, Status::Open, 2)
		);
		assert_eq!((view.rebates, view.tranche), (there.rebates, there.tranche));
		assert_eq!((view.owed, view.worst_case), (there.owed(), there.worst_case()));
		assert_eq!(view.max_premium, ratio(5, 100));
		raise(BreakerSubject::Market(BTC), Level::Guarded);
		tick();
		let view = Perpetuals::market(BTC).unwrap();
		assert_eq!(
			(view.level, view.max_open_interest),
			(Level::Guarded, 25_000_000 * USD)
		);
		assert_eq!(Perpetuals::market(9), None);
		assert_eq!(Perpetuals::markets(), MARKETS);
	});
}

#[test]
fn a_position_shows_its_numbers() {
	ExtBuilder.build_and_execute(|| {
		trade(ALICE, BTC, -10 * UNIT);
		let view = Perpetuals::position(account(ALICE), BTC).unwrap();
		assert_eq!((view.size, view.entry_price), (-10 * UNIT, dollars(49_975)));
		assert_eq!((view.mark, view.notional), (dollars(49_950), 499_500 * USD));
		let exposure = exposures(account(ALICE))[0];
		assert_eq!(view.unrealised, exposure.unrealised);
		assert_eq!(
			(view.initial, view.maintenance),
			(exposure.initial, exposure.maintenance)
		);
		// Buying back may cost all the account has on top of what it is worth.
		let quote = view.bankruptcy_quote.unwrap();
		assert!((quote + 499_500 * USD as i128 + risk(account(ALICE)).net).abs() <= 1);
		assert_eq!(Perpetuals::position(account(ALICE), ETH), None);
	});
}

#[test]
fn an_order_shows_while_it_is_open() {
	ExtBuilder.build_and_execute(|| {
		let id = commit(ALICE, BTC, UNIT);
		let shown = || Perpetuals::order(account(ALICE), id);
		assert_eq!(shown(), order(id));
		assert!(shown().is_some());
		ticks();
		assert_eq!((shown(), Perpetuals::orders(account(ALICE)).len()), (None, 0));
	});
}
