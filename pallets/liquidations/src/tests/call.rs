//! `liquidate`: who may, when, how often.

use std::collections::BTreeSet;

use frame_support::{
	assert_noop, assert_ok,
	dispatch::{DispatchClass, DispatchResult, GetDispatchInfo, Pays},
	traits::Authorize,
	weights::Weight,
};
use frame_system::RawOrigin;
use keel_primitives::{Group, LiquidationOutcome};
use sp_runtime::{
	traits::{BadOrigin, TransactionExtension},
	transaction_validity::{InvalidTransaction, TransactionPriority, TransactionSource, ValidTransaction},
	DispatchError,
};

use crate::{mock::*, *};

fn authorize(group: impl Into<In>, position: u64) -> Result<ValidTransaction, InvalidTransaction> {
	let In(group) = group.into();
	RuntimeCall::Liquidations(Call::liquidate { group, position })
		.authorize(TransactionSource::External)
		.expect("the call is authorised")
		.map(|(valid, unspent)| {
			assert_eq!(unspent, Default::default());
			valid
		})
		.map_err(|error| match error {
			sp_runtime::transaction_validity::TransactionValidityError::Invalid(invalid) => invalid,
			other => panic!("{other:?}"),
		})
}

mod origin {
	use super::*;

	#[test]
	fn is_neither_signed_nor_root_nor_none() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_and_execute(|| {
				for origin in [
					RuntimeOrigin::signed(1),
					RuntimeOrigin::root(),
					RuntimeOrigin::none(),
				] {
					assert_noop!(Liquidations::liquidate(origin, b(1), 1), BadOrigin);
				}
				assert_ok!(Liquidations::liquidate(RawOrigin::Authorized.into(), b(1), 1));
			});
	}

	#[test]
	fn is_operational_and_not_free_for_who_signs() {
		let info = RuntimeCall::Liquidations(Call::liquidate {
			group: b(1),
			position: 1,
		})
		.get_dispatch_info();
		assert_eq!(
			(info.class, info.pays_fee),
			(DispatchClass::Operational, Pays::Yes)
		);
		assert!(info.call_weight.all_gt(Default::default()));
	}
}

mod dispatch {
	use super::*;

	#[test]
	fn liquidates_and_tells() {
		ExtBuilder::default()
			.positions([(1, 1, 2_500)])
			.build_and_execute(|| {
				assert_ok!(Liquidations::liquidate(RawOrigin::Authorized.into(), b(1), 1));
				assert_eq!(index_of(1), vec![(1_000, 1)]);
				let outcome = LiquidationOutcome {
					debt: 1_500,
					collateral: 1_500,
					absorbed: 1_500,
					..Default::default()
				};
				System::assert_last_event(
					Event::Liquidated {
						group: b(1),
						position: 1,
						by: LiquidatedBy::Worker,
						outcome,
					}
					.into(),
				);
				assert_eq!(LiquidatedInBlock::<Test>::get(), Some((1, 1)));
			});
	}

	/// Without what it weighs.
	fn dispatch(group: Group, position: u64) -> DispatchResult {
		let done = Liquidations::liquidate(RawOrigin::Authorized.into(), group, position);
		done.map(|_| ()).map_err(|error| error.error)
	}

	#[test]
	fn believes_nobody() {
		ExtBuilder::default()
			.positions([(1, 1, 1_000)])
			.build_and_execute(|| {
				// Safe, unknown, unknown group, refused price: the origin alone is not enough.
				let call = |group, position| dispatch(b(group), position);
				assert_noop!(call(1, 1), SAFE_ERROR);
				assert_noop!(call(1, 2), DispatchError::CannotLookup);
				assert_noop!(call(9, 1), DispatchError::CannotLookup);
				set_threshold(1, 10);
				refuse(1);
				assert_noop!(call(1, 1), PRICE_REFUSED_ERROR);
			});
	}

	#[test]
	fn moves_nothing_when_the_ledger_fails_half_way() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_and_execute(|| {
				fail(1, 1);
				assert_noop!(dispatch(b(1), 1), FAILING_ERROR);
				assert_eq!(index_of(1), vec![(2_000, 1)]);
				assert_eq!(Liquidations::liquidated_in(1), 0);
			});
	}

	/// A failure weighs what the liquidation of that account may, not what that of the dearest does.
	#[test]
	fn that_fails_is_charged_its_own_weight() {
		use frame_support::dispatch::PostDispatchInfo;
		ExtBuilder::default().accounts().build_and_execute(|| {
			let own = Weight::from_parts(5_000_000, 1_000);
			AccountWeight::set(Some(own));
			broke(1, [LONG]);
			fail(LONG, 1);
			let error = Liquidations::liquidate(RawOrigin::Authorized.into(), LONG, 1).unwrap_err();
			let around = <() as WeightInfo>::liquidate_in_block();
			let charged = PostDispatchInfo {
				actual_weight: Some(own.saturating_add(around)),
				..Default::default()
			};
			assert_eq!((error.error, error.post_info), (FAILING_ERROR, charged));
			assert!(own.saturating_add(around).all_lt(Liquidations::call_weight(LONG)));
			AccountWeight::set(None);
		});
	}

	#[test]
	fn stops_at_the_limit_of_the_block() {
		ExtBuilder::default()
			.positions((0..5).map(|i| (1, i, 2_000)))
			.build_and_execute(|| {
				set_per_block(2);
				let call = |position| dispatch(b(1), position);
				assert_ok!(call(0));
				assert_ok!(call(1));
				assert_noop!(call(2), Error::<Test>::TooManyThisBlock);
				next_block();
				assert_ok!(call(2));
				assert_eq!(LiquidatedInBlock::<Test>::get(), Some((2, 1)));
			});
	}

	#[test]
	fn does_nothing_at_a_limit_of_zero() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_and_execute(|| {
				set_per_block(0);
				assert_eq!(authorize(1, 1), Err(InvalidTransaction::ExhaustsResources));
				pass(5);
				assert_eq!(index_of(1), vec![(2_000, 1)]);
			});
	}
}

mod weight {
	use super::*;

	/// What the call weighs, and its validation.
	fn of(group: Group) -> (Weight, Weight) {
		let call = RuntimeCall::Liquidations(Call::liquidate { group, position: 1 });
		let authorize = frame_system::AuthorizeCall::<Test>::new();
		(call.get_dispatch_info().call_weight, authorize.weight(&call))
	}

	#[test]
	fn is_that_of_what_is_liquidated() {
		let vault = (
			<() as WeightInfo>::liquidate(),
			<() as WeightInfo>::authorize_liquidate(),
		);
		let account = (
			<() as WeightInfo>::liquidate_account(),
			<() as WeightInfo>::authorize_liquidate_account(),
		);
		for branch in [0, 1, u32::MAX] {
			assert_eq!(of(b(branch)), vault);
		}
		for group in ESTIMATES {
			assert_eq!(of(group), account);
		}
		assert!(account.0.all_gt(vault.0) && account.1.all_gt(vault.1));
	}

	/// The block gets back what was too much for what the account has.
	#[test]
	fn comes_back_where_the_account_has_less() {
		ExtBuilder::default().accounts().build_and_execute(|| {
			Groups::set(vec![LONG]);
			broke(1, [LONG]);
			let own = Weight::from_parts(1_000_000_000, 1_000);
			AccountWeight::set(Some(own));
			let done = Liquidations::liquidate(frame_system::RawOrigin::Authorized.into(), LONG, 1).unwrap();
			let expected = own.saturating_add(<() as WeightInfo>::liquidate_in_block());
			assert_eq!(done.actual_weight, Some(expected));
			AccountWeight::set(None);
		});
	}
}

mod validation {
	use super::*;

	#[test]
	fn admits_the_unsafe_by_deficit() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000), (1, 2, 9_000)])
			.build_and_execute(|| {
				let (one, two) = (authorize(1, 1).unwrap(), authorize(1, 2).unwrap());
				assert_eq!(one.longevity, 5);
				assert!(one.propagate);
				assert_eq!(one.priority, BASE_PRIORITY + 1_000);
				assert!(two.priority > one.priority);
				assert_ne!(one.provides, two.provides);
				assert!(one.requires.is_empty());
			});
	}

	#[test]
	fn bounds_the_priority() {
		ExtBuilder::default()
			.positions([(1, 1, u128::MAX)])
			.build_and_execute(|| {
				assert_eq!(authorize(1, 1).unwrap().priority, TransactionPriority::MAX);
			});
	}

	#[test]
	fn refuses_the_forged() {
		ExtBuilder::default()
			.positions([(1, 1, 1_000)])
			.build_and_execute(|| {
				// Safe, unknown, of another group, of no group.
				for (group, position) in [(1, 1), (1, 2), (2, 1), (9, 1)] {
					assert_eq!(authorize(group, position), Err(InvalidTransaction::Stale));
				}
			});
	}

	#[test]
	fn says_when_it_is_the_price() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000)])
			.build_and_execute(|| {
				refuse(1);
				assert_eq!(authorize(1, 1), Err(InvalidTransaction::Custom(PRICE_REFUSED)));
				assert_eq!(authorize(1, 9), Err(InvalidTransaction::Custom(PRICE_REFUSED)));
				assert_eq!(authorize(9, 1), Err(InvalidTransaction::Stale));
			});
	}

	#[test]
	fn leaves_the_rest_for_the_next_block() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000), (1, 2, 2_000)])
			.build_and_execute(|| {
				set_per_block(1);
				next_block();
				let (one, two) = (transaction(1, 1), transaction(1, 2));
				next_block();
				assert_ok!(apply(&one));
				// The author keeps a transaction that exhausts resources.
				assert_eq!(apply(&two), Err(InvalidTransaction::ExhaustsResources.into()));
				next_block();
				assert_ok!(apply(&two));
			});
	}

	#[test]
	fn replayed_is_stale() {
		ExtBuilder::default()
			.positions([(1, 1, 2_000), (1, 2, 2_000)])
			.build_and_execute(|| {
				let (one, two) = (transaction(1, 1), transaction(1, 2));
				next_block();
				assert_ok!(apply(&one));
				assert_eq!(apply(&one), Err(InvalidTransaction::Stale.into()));
				assert_eq!(validate(&one), Err(InvalidTransaction::Stale.into()));
				// And with nothing left of the position.
				Closing::set(true);
				assert_ok!(apply(&two));
				assert_eq!(validate(&two), Err(InvalidTransaction::Stale.into()));
				assert_eq!(Liquidated::get(), vec![(b(1), 1), (b(1), 2)]);
			});
	}

	#[test]
	fn collapses_a_flood_to_one_per_position() {
		ExtBuilder::default()
			.positions((0..10).map(|i| (1, i, 2_000)))
			.build_and_execute(|| {
				next_block();
				let mut bytes = BTreeSet::new();
				let mut tags = BTreeSet::new();
				for i in 0..1_000u64 {
					// A hundred senders in two blocks.
					if i == 500 {
						next_block();
					}
					let transaction = transaction(1, i % 10);
					// The current block has no hash yet: validate as the next one would.
					let valid = frame_support::hypothetically!({
						next_block();
						validate(&transaction).unwrap()
					});
					bytes.insert(transaction);
					tags.insert(valid.provides);
				}
				assert_eq!(bytes.len(), 20);
				assert_eq!(tags.len(), 10);
			});
	}
}

mod config {
	use super::*;
	use frame_support::traits::{Get, Hooks};

	#[test]
	fn is_sane() {
		ExtBuilder::default()
			.build()
			.execute_with(<Liquidations as Hooks<u64>>::integrity_test);
	}

	/// One look, and then there is no room for a liquidation.
	#[test]
	#[should_panic(expected = "normal transactions and markets leave no room for the fallback")]
	fn refuses_looks_too_heavy_for_the_rest_of_a_block() {
		ExtBuilder::default().build().execute_with(|| {
			let limits: frame_system::limits::BlockWeights =
				<Test as frame_system::Config>::BlockWeights::get();
			let normal = limits.get(DispatchClass::Normal).max_total.unwrap();
			LookWeight::set(limits.max_block.saturating_sub(normal).saturating_div(2));
			<Liquidations as Hooks<u64>>::integrity_test();
		});
	}

	#[test]
	#[should_panic(expected = "create_extension must be mortal")]
	fn refuses_immortal_transactions() {
		ExtBuilder::default().build().execute_with(|| {
			Immortal::set(true);
			<Liquidations as Hooks<u64>>::integrity_test();
		});
	}
}
