//! Operators, their feeds as transactions, and the quorum they have to make.

mod common;

use common::*;
use frame_support::{
	assert_noop, assert_ok,
	dispatch::{DispatchClass, GetDispatchInfo},
};
use keel_primitives::{ChainKey, FeedId, PriceProvider as _};
use keel_runtime::{
	governance::pallet_origins::Origin, AccountId, Balances, Executive, Moment, Prices, Runtime, RuntimeCall,
	System, UncheckedExtrinsic, KEEL, SLOT_DURATION,
};
use pallet_prices::Error;
use pallet_risk_parameters::{Change, Error as RiskError, Key, Subject};
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{
	traits::BadOrigin,
	transaction_validity::{
		InvalidTransaction, TransactionSource, TransactionValidityError, ValidTransaction,
	},
	DispatchError, MultiAddress,
};

const ONE_ETH: u128 = 1_000_000_000_000_000_000;

fn prices(eth: f64) -> Vec<(FeedId, f64)> {
	vec![
		(1, 1.0),
		(BTC, 60_000.0),
		(ETH, eth),
		(DOT, 6.0),
		(5, 1.0),
		(6, 150.0),
	]
}

/// A chain with prices everybody may act on, and the time of its last block.
fn calm() -> (Chain, Moment) {
	let mut chain = Chain::new();
	let mut now = BEGIN;
	for _ in 0..20 {
		now += 30_000;
		chain.fed_block(now, &prices(3_000.0));
	}
	(chain, now)
}

/// A feed of an operator by its own key.
fn own_feed(operator: Sr25519Keyring, at: Moment, prices: &[(FeedId, f64)]) -> UncheckedExtrinsic {
	signed_feed(&who(operator), operator, at, prices)
}

/// In a block: valid and done, or refused at the door.
fn include(extrinsic: UncheckedExtrinsic) -> Result<(), InvalidTransaction> {
	match Executive::apply_extrinsic(extrinsic) {
		Ok(outcome) => {
			assert_ok!(outcome);
			Ok(())
		}
		Err(TransactionValidityError::Invalid(invalid)) => Err(invalid),
		Err(other) => panic!("{other:?}"),
	}
}

/// What the pool says on the state of the last block.
fn submit(extrinsic: UncheckedExtrinsic) -> Result<ValidTransaction, InvalidTransaction> {
	Executive::validate_transaction(TransactionSource::External, extrinsic, System::block_hash(0)).map_err(
		|error| match error {
			TransactionValidityError::Invalid(invalid) => invalid,
			other => panic!("{other:?}"),
		},
	)
}

fn last(feed: FeedId) -> keel_primitives::Price {
	Prices::last(feed).unwrap()
}

fn remark() -> RuntimeCall {
	frame_system::Call::<Runtime>::remark { remark: vec![] }.into()
}

fn remove(operator: Sr25519Keyring) -> RuntimeCall {
	pallet_prices::Call::<Runtime>::remove_operator {
		operator: who(operator),
	}
	.into()
}

mod feeds {
	use super::*;

	/// The kind: one part that is refused takes the whole with it. A feed that nobody uses is removed; the
	/// calls of all operators that still name it go on, and prices with them.
	#[test]
	fn go_on_when_one_of_them_is_removed() {
		const UNUSED: FeedId = 7;
		let (mut chain, mut now) = calm();
		let seven = |eth| [prices(eth), vec![(UNUSED, 1.0)]].concat();
		chain.state(|| {
			let addition = pallet_prices::Call::<Runtime>::add_feed {
				feed: UNUSED,
				symbol: b"UNUSED".to_vec().try_into().unwrap(),
				initial_volatility: usd(1.0),
			};
			assert_ok!(as_referendum(Origin::RiskBounds, addition));
		});
		for removed in [false, true, true] {
			now += SLOT_DURATION;
			chain.block(now, || {
				for operator in OPERATORS {
					assert_eq!(include(own_feed(operator, now, &seven(2_990.0))), Ok(()));
				}
			});
			chain.state(|| {
				for feed in 1..=6 {
					assert_eq!(last(feed).since, now);
				}
				assert_eq!(Prices::last(UNUSED).is_some(), !removed);
				let removal = pallet_prices::Call::<Runtime>::remove_feed { feed: UNUSED };
				assert_eq!(as_referendum(Origin::RiskBounds, removal).is_ok(), !removed);
			});
		}
	}

	/// The kind: a privilege without a bound keeps all others out. One operator queues 410 feeds: the pool
	/// keeps the newest, a block takes one, and signed users get in.
	#[test]
	fn leave_room_for_signed_users() {
		let (mut chain, now) = calm();
		let waiting: Vec<_> = chain.state(|| {
			(1..=410)
				.map(|n| own_feed(Alice, now + n, &prices(3_000.0)))
				.collect()
		});
		chain.state(|| {
			let valid: Vec<_> = waiting.iter().map(|feed| submit(feed.clone()).unwrap()).collect();
			// All provide the same: of two the pool keeps the one with the higher priority.
			assert!(valid.iter().all(|one| one.provides == valid[0].provides));
			assert!(valid.windows(2).all(|pair| pair[0].priority < pair[1].priority));
		});
		chain.block(now + SLOT_DURATION, || {
			assert_eq!(include(waiting[0].clone()), Ok(()));
			for feed in &waiting[1..] {
				assert_eq!(include(feed.clone()), Err(InvalidTransaction::ExhaustsResources));
			}
			assert_eq!(include(signed(Bob, remark(), 0, None)), Ok(()));
		});
	}

	/// An operator without KEEL, without any account: its key alone feeds, for nothing.
	#[test]
	fn cost_nothing_and_need_no_account() {
		let (mut chain, now) = calm();
		let broke: [Sr25519Keyring; 3] = [One, Two, AliceStash];
		chain.state(|| {
			for operator in broke {
				let add = pallet_prices::Call::<Runtime>::add_operator {
					operator: who(operator),
				};
				assert_ok!(as_root(add));
			}
			for operator in [Alice, Bob, Charlie] {
				assert_ok!(as_root(remove(operator)));
			}
		});
		let issuance = chain.state(Balances::total_issuance);
		chain.block(now + 62_000, || {
			for operator in broke {
				assert_eq!(
					include(own_feed(operator, now + 61_000, &prices(2_900.0))),
					Ok(())
				);
				assert_eq!(System::account(who(operator)), Default::default());
			}
		});
		chain.state(|| {
			assert_eq!(Balances::total_issuance(), issuance);
			assert_eq!((last(ETH).value, last(ETH).since), (usd(2_900.0), now + 61_000));
		});
	}

	/// A hot key in place of the operator's own account. What the old key signed is void.
	#[test]
	fn are_signed_by_the_key_on_record() {
		let (mut chain, now) = calm();
		chain.block(now + SLOT_DURATION, || {
			let at = now + SLOT_DURATION;
			let by = |key| signed_feed(&who(Alice), key, at, &prices(3_000.0));
			let old = by(Alice);
			assert_eq!(include(by(One)), Err(InvalidTransaction::BadProof));
			let name = pallet_prices::Call::<Runtime>::set_feeder {
				feeder: Some(who(One)),
			};
			assert_ok!(call(Alice, name));
			assert_eq!(include(old), Err(InvalidTransaction::BadProof));
			assert_eq!(include(by(One)), Ok(()));
			assert_eq!(
				include(own_feed(One, at, &prices(3_000.0))),
				Err(InvalidTransaction::BadSigner)
			);
		});
	}

	/// Replayed, changed, from another chain, from a stranger, from the future.
	#[test]
	fn cannot_be_forged() {
		let (mut chain, now) = calm();
		let at = now + SLOT_DURATION;
		let genesis = chain.state(|| System::block_hash(0));
		let elsewhere = chain.state(|| {
			frame_system::BlockHash::<Runtime>::insert(0, sp_core::H256::repeat_byte(7));
			let feed = own_feed(Alice, at, &prices(1.0));
			frame_system::BlockHash::<Runtime>::insert(0, genesis);
			feed
		});
		chain.block(at, || {
			assert_eq!(include(elsewhere), Err(InvalidTransaction::BadProof));
			assert_eq!(
				include(own_feed(Ferdie, at, &prices(1.0))),
				Err(InvalidTransaction::BadSigner)
			);
			for future in [at + 3_001, Moment::MAX] {
				assert_eq!(
					include(own_feed(Alice, future, &prices(1.0))),
					Err(InvalidTransaction::Custom(pallet_prices::FROM_THE_FUTURE))
				);
			}
			let good = own_feed(Alice, at, &prices(3_000.0));
			assert_eq!(include(good.clone()), Ok(()));
			assert_eq!(include(good), Err(InvalidTransaction::Stale));
		});
		chain.block(at + SLOT_DURATION, || {
			assert_eq!(
				include(own_feed(Alice, at, &prices(1.0))),
				Err(InvalidTransaction::Stale)
			);
			assert_eq!(include(own_feed(Alice, at + 1, &prices(3_000.0))), Ok(()));
		});
	}

	/// Normal transactions fill their share of the block, and no tip buys the feeds' place.
	#[test]
	fn fit_into_a_full_block() {
		let (mut chain, now) = calm();
		let at = now + SLOT_DURATION;
		chain.block(at, || {
			let limits = <Runtime as frame_system::Config>::BlockWeights::get();
			let normal = limits.get(DispatchClass::Normal).max_total.unwrap();
			System::register_extra_weight_unchecked(normal, DispatchClass::Normal);
			assert_eq!(
				include(signed(Bob, remark(), 100 * KEEL, None)),
				Err(InvalidTransaction::ExhaustsResources)
			);
			for operator in OPERATORS {
				let feed = own_feed(operator, at, &prices(3_000.0));
				assert_eq!(feed.get_dispatch_info().class, DispatchClass::Operational);
				assert_eq!(include(feed), Ok(()));
			}
		});
		chain.state(|| {
			assert_eq!(last(ETH).since, at);
			// Before liquidations in the pool's order, and those before ordinary transactions.
			let feed = submit(own_feed(Alice, at + 1, &prices(3_000.0))).unwrap();
			assert!(feed.priority > pallet_liquidations::BASE_PRIORITY);
			let tipped = submit(signed(Bob, remark(), KEEL, None)).unwrap();
			assert!(feed.priority > tipped.priority);
		});
	}

	/// The weight that is the feeds' cannot be bought: neither signed, nor in a batch, nor through a proxy.
	#[test]
	fn are_no_door_for_others() {
		let (mut chain, now) = calm();
		chain.block(now + SLOT_DURATION, || {
			let feed = RuntimeCall::Prices(pallet_prices::Call::feed {
				operator: who(Alice),
				observed_at: now + 1,
				values: vec![(ETH, usd(1.0))].try_into().unwrap(),
				signature: Alice.sign(b"").into(),
			});
			assert_noop!(call(Alice, feed.clone()), BadOrigin);
			assert_noop!(as_root(feed.clone()), BadOrigin);
			let batch = pallet_utility::Call::<Runtime>::batch_all {
				calls: vec![feed.clone()],
			};
			assert_noop!(call(Alice, batch.clone()), BadOrigin);
			for operational in [feed, batch.into()] {
				assert_eq!(
					include(signed(Alice, operational, 0, None)),
					Err(InvalidTransaction::Call)
				);
			}
			// The oracle's own call is closed to all but Root.
			let raw = pallet_oracle::Call::<Runtime>::feed_values {
				values: vec![(ETH, usd(1.0))].try_into().unwrap(),
			};
			let filtered: DispatchError = frame_system::Error::<Runtime>::CallFiltered.into();
			assert_noop!(call(Alice, raw.clone()), filtered);
			let batch = pallet_utility::Call::<Runtime>::batch_all {
				calls: vec![raw.clone().into()],
			};
			assert_noop!(call(Alice, batch), filtered);
			assert_ok!(could(|| as_root(raw)));
		});
	}
}

/// The kind: what waited is taken for fresh. Operators feed 3000, 2500 and 1800 in an hour without a block.
/// The pool keeps each operator's last; an author who includes the others is refused. The first block's price
/// is 1800, and on 100 ETH worth 180,000 no 187,000 kUSD are minted.
#[test]
fn a_feed_that_waited_through_a_stop_is_as_old_as_its_observation() {
	let (mut chain, now) = calm();
	let hour = now + 3_600_000;
	let at = |minutes: u64| now + minutes * 60_000;
	chain.state(|| {
		for operator in OPERATORS {
			let mut before = None;
			for (minutes, eth) in [(1, 3_000.0), (30, 2_500.0), (59, 1_800.0)] {
				let valid = submit(own_feed(operator, at(minutes), &prices(eth))).unwrap();
				assert!(before < Some(valid.priority), "the newer one replaces the older");
				before = Some(valid.priority);
			}
		}
	});
	chain.block(hour, || {
		for operator in OPERATORS {
			for (minutes, eth) in [(1, 3_000.0), (30, 2_500.0)] {
				assert_eq!(
					include(own_feed(operator, at(minutes), &prices(eth))),
					Err(InvalidTransaction::Stale)
				);
			}
			assert_eq!(include(own_feed(operator, at(59), &prices(1_800.0))), Ok(()));
		}
	});
	chain.state(|| {
		let price = last(ETH);
		assert_eq!((price.value, price.at, price.since), (usd(1_800.0), hour, at(59)));
	});
	let open = || pallet_vaults::Call::<Runtime>::open {
		branch: ETH,
		collateral: 100 * ONE_ETH,
		debt: kusd(187_000),
	};
	chain.block(hour + SLOT_DURATION, || {
		assert!(call(Eve, open()).is_err());
		for operator in OPERATORS {
			assert_eq!(
				include(own_feed(operator, hour + SLOT_DURATION, &prices(1_800.0))),
				Ok(())
			);
		}
	});
	chain.block(hour + 2 * SLOT_DURATION, || assert!(call(Eve, open()).is_err()));
	chain.state(|| assert_eq!(balance(KUSD, Eve), 0));
}

/// The same for a stop that is shorter than values count: they count, and nobody adds risk on them.
#[test]
fn a_feed_that_waited_half_a_minute_adds_no_risk() {
	let (mut chain, now) = calm();
	chain.block(now + 45_000, || {
		for operator in OPERATORS {
			assert_eq!(
				include(own_feed(operator, now + 10_000, &prices(3_000.0))),
				Ok(())
			);
		}
	});
	chain.block(now + 47_000, || {
		let open = pallet_vaults::Call::<Runtime>::open {
			branch: ETH,
			collateral: 100 * ONE_ETH,
			debt: kusd(180_000),
		};
		assert_noop!(call(Eve, open), Error::<Runtime>::PriceTooOld);
	});
}

mod quorum {
	use super::*;

	fn quorum(value: u128) -> RuntimeCall {
		pallet_risk_parameters::Call::<Runtime>::set_values {
			subject: Subject::Chain,
			changes: vec![Change {
				key: Key::Chain(ChainKey::OracleQuorum),
				value,
			}]
			.try_into()
			.unwrap(),
		}
		.into()
	}

	/// The kind: a threshold nobody can reach. A quorum above the operators is not voted, by whatever power.
	#[test]
	fn is_never_above_the_operators() {
		let (mut chain, _) = calm();
		chain.state(|| {
			for value in [4, 5] {
				assert_ok!(as_referendum(Origin::RiskAdjust, quorum(value)));
			}
			let above: DispatchError = RiskError::<Runtime>::QuorumAboveOperators.into();
			assert_noop!(as_referendum(Origin::RiskAdjust, quorum(6)), above);
			assert_noop!(as_root(quorum(6)), above);
			let batch = pallet_utility::Call::<Runtime>::batch_all {
				calls: vec![quorum(6)],
			};
			assert_noop!(as_root(batch), above);
			let add = pallet_prices::Call::<Runtime>::add_operator {
				operator: who(Ferdie),
			};
			assert_ok!(as_root(add));
			assert_ok!(as_root(quorum(6)));
		});
	}

	/// Operators are not removed below it, whatever the path: Root, a batch of Root, a call dispatched as
	/// Root.
	#[test]
	fn is_left_whoever_removes_operators() {
		let (mut chain, now) = calm();
		chain.state(|| {
			for operator in [Alice, Bob] {
				assert_ok!(as_root(remove(operator)));
			}
			let few: DispatchError = Error::<Runtime>::TooFewOperators.into();
			assert_noop!(as_root(remove(Charlie)), few);
			let batch = |calls| pallet_utility::Call::<Runtime>::batch_all { calls };
			assert_noop!(as_root(batch(vec![remove(Charlie)])), few);
			let as_root_again = pallet_utility::Call::<Runtime>::dispatch_as_fallible {
				as_origin: Box::new(frame_system::RawOrigin::Root.into()),
				call: Box::new(remove(Charlie)),
			};
			assert_noop!(as_root(as_root_again), few);
			// One for one, in one batch.
			let add = pallet_prices::Call::<Runtime>::add_operator {
				operator: who(Ferdie),
			};
			assert_ok!(as_root(batch(vec![add.into(), remove(Charlie)])));
		});
		// The three that are left make prices.
		chain.block(now + 61_000, || {
			for operator in [Dave, Eve, Ferdie] {
				assert_ok!(feed(operator, &prices(3_100.0)));
			}
		});
		chain.state(|| assert_eq!(last(ETH).value, usd(3_100.0)));
	}

	/// The committee likewise: with fewer than three a member alone would be half of it.
	#[test]
	fn of_the_committee_takes_three_members() {
		use keel_runtime::{TechnicalCollective, TechnicalMembership};
		use pallet_membership::{Call, Instance2};
		let (mut chain, _) = calm();
		chain.state(|| {
			let id = |key| MultiAddress::Id(who(key));
			let remove = |key| Call::<Runtime, Instance2>::remove_member { who: id(key) };
			assert_noop!(as_root(remove(Ferdie)), BadOrigin);
			assert_ok!(as_root(Call::<Runtime, Instance2>::add_member { who: id(Alice) }));
			assert_ok!(as_root(remove(Ferdie)));
			assert_noop!(as_root(remove(Eve)), BadOrigin);
			assert_ok!(as_root(Call::<Runtime, Instance2>::swap_member {
				remove: id(Eve),
				add: id(Ferdie)
			}));
			// Past the count there is no door.
			let few: Vec<AccountId> = vec![who(Alice)];
			assert_noop!(
				as_root(Call::<Runtime, Instance2>::reset_members { members: few.clone() }),
				BadOrigin
			);
			let set = pallet_collective::Call::<Runtime, TechnicalCollective>::set_members {
				new_members: few,
				prime: None,
				old_count: 3,
			};
			assert_noop!(as_root(set), BadOrigin);
			assert_eq!(TechnicalMembership::members().len(), 3);
		});
	}
}

/// Feeds of all operators with all feeds weigh little: at most a twenty-fifth of a block.
#[test]
fn the_feeds_of_a_block_weigh_little() {
	use pallet_prices::WeightInfo;
	type Weights = <Runtime as pallet_prices::Config>::WeightInfo;
	let one = Weights::feed(16).saturating_add(Weights::authorize_feed(16));
	let block = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
	assert!(
		one.saturating_mul(16).saturating_mul(25).all_lte(block),
		"{one:?}"
	);
}
