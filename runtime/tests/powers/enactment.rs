//! An approved referendum is dispatched, or an event says that it was not.

use super::*;
use codec::Encode;
use frame_support::{
	dispatch::GetDispatchInfo,
	traits::{fungible::Mutate, Bounded},
	weights::Weight,
};
use keel_runtime::{
	configs::{BlockWeights, SubmissionDeposit},
	extensions::ProtocolFirst,
	governance::{
		enactment::{
			MaxEnactmentWeight, MaximumSchedulerWeight, MAX_ALARMS, MAX_PROPOSAL_LENGTH, MAX_SCHEDULED,
		},
		tracks::UndecidingTimeout,
	},
	Balances, Scheduler,
};
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_scheduler::WeightInfo as _;
use sp_runtime::{
	traits::{BlakeTwo256, Get, Hash, TransactionExtension, TxBaseImplication},
	transaction_validity::{InvalidTransaction, TransactionSource},
	DispatchError,
};

type Referenda = pallet_referenda::Call<Runtime>;
type Utility = pallet_utility::Call<Runtime>;
type Proposal = Bounded<RuntimeCall, BlakeTwo256>;

/// Note `call` if it is long; the proposal.
fn proposal(call: &RuntimeCall) -> Proposal {
	let bytes = call.encode();
	match bytes.clone().try_into() {
		Ok(inline) => Bounded::Inline(inline),
		Err(_) => {
			assert_ok!(super::call(
				Alice,
				pallet_preimage::Call::<Runtime>::note_preimage { bytes: bytes.clone() }
			));
			Bounded::Lookup {
				hash: BlakeTwo256::hash(&bytes),
				len: bytes.len() as u32,
			}
		}
	}
}

fn submission(origin: OriginCaller, proposal: Proposal, when: DispatchTime<BlockNumber>) -> Referenda {
	Referenda::submit {
		proposal_origin: Box::new(origin),
		proposal,
		enactment_moment: when,
	}
}

/// Submit, with the decision deposit and three ayes, enough for every track; the index.
fn referendum(
	chain: &mut Chain,
	origin: OriginCaller,
	call: &RuntimeCall,
	when: DispatchTime<BlockNumber>,
) -> u32 {
	next(chain, || {
		let index = pallet_referenda::ReferendumCount::<Runtime>::get();
		let proposal = proposal(call);
		assert_ok!(super::call(Alice, submission(origin, proposal, when)));
		assert_ok!(super::call(Alice, Referenda::place_decision_deposit { index }));
		for who in [Alice, Bob, Charlie] {
			let vote = AccountVote::Standard {
				vote: Vote {
					aye: true,
					conviction: Conviction::Locked1x,
				},
				balance: 900_000 * KEEL,
			};
			assert_ok!(super::call(
				who,
				pallet_conviction_voting::Call::<Runtime>::vote {
					poll_index: index,
					vote
				}
			));
		}
		index
	})
}

fn mark(name: &str) -> RuntimeCall {
	frame_system::Call::<Runtime>::set_storage {
		items: vec![(name.as_bytes().to_vec(), b"done".to_vec())],
	}
	.into()
}

fn is_marked(name: &str) -> bool {
	sp_io::storage::get(name.as_bytes()).is_some()
}

fn confirmed(events: &[(BlockNumber, RuntimeEvent)], index: u32) -> Option<BlockNumber> {
	events.iter().find_map(|(at, event)| match event {
		RuntimeEvent::Referenda(pallet_referenda::Event::Confirmed { index: one, .. }) if *one == index => {
			Some(*at)
		}
		_ => None,
	})
}

/// Tasks that were dispatched, with the block and what became of them: those with a name, and of the others
/// (alarms, which succeed) those that failed.
fn dispatched(events: &[(BlockNumber, RuntimeEvent)]) -> Vec<(BlockNumber, DispatchResult)> {
	events
		.iter()
		.filter_map(|(at, event)| match event {
			RuntimeEvent::Scheduler(pallet_scheduler::Event::Dispatched { id, result, .. })
				if id.is_some() || result.is_err() =>
			{
				Some((*at, *result))
			}
			_ => None,
		})
		.collect()
}

/// Kind: what was approved does not happen, and nobody is told. Fifty junk submissions fill the agenda of the
/// block a Root referendum asks for: `Approved` and undone before, dispatched in that very block now.
#[test]
fn junk_submissions_take_no_room_from_what_was_approved() {
	let mut chain = chain();
	let junk = |chain: &mut Chain, many: u32| {
		next(chain, || {
			for n in 0..many {
				let call = mark(&format!("junk {n}"));
				assert_ok!(super::call(
					Eve,
					submission(root(), proposal(&call), DispatchTime::After(0))
				));
			}
			System::block_number() + UndecidingTimeout::get()
		})
	};
	let full = junk(&mut chain, 50);
	let index = referendum(&mut chain, root(), &mark("approved"), DispatchTime::At(full));
	// And more alarms than two blocks' agendas hold.
	let fuller = junk(&mut chain, MAX_SCHEDULED + 100);
	let seen = run_to(&mut chain, fuller + 5);
	assert!(confirmed(&seen, index).is_some());
	assert_eq!(dispatched(&seen), [(full, Ok(()))]);
	chain.state(|| assert!(is_marked("approved")));
	// No alarm was lost either: every submission is over, and its deposit free.
	let timed_out = |(_, event): &&(BlockNumber, RuntimeEvent)| {
		matches!(
			event,
			RuntimeEvent::Referenda(pallet_referenda::Event::TimedOut { .. })
		)
	};
	assert_eq!(
		seen.iter().filter(timed_out).count() as u32,
		50 + MAX_SCHEDULED + 100
	);
	chain.state(|| {
		assert_eq!(SubmissionDeposit::get(), 100 * KEEL);
		// What it costs to fill the alarms' half of one block's agenda: 500 KEEL for all of it before.
		assert_eq!(SubmissionDeposit::get() * u128::from(MAX_ALARMS), 25_600 * KEEL);
	});
}

/// Kind: as above, where the agenda of the block is full of other enactments: the next block has room, and an
/// event says so.
#[test]
fn a_full_agenda_puts_an_enactment_off_by_a_block() {
	let mut chain = chain();
	let at = height(&mut chain) + 60;
	next(&mut chain, || {
		for n in 0..MAX_SCHEDULED {
			assert_ok!(Scheduler::schedule(
				RuntimeOrigin::root(),
				at,
				None,
				200,
				Box::new(mark(&format!("task {n}")))
			));
		}
	});
	let index = referendum(&mut chain, root(), &mark("approved"), DispatchTime::At(at));
	let seen = run_to(&mut chain, at + 10);
	assert!(confirmed(&seen, index).is_some());
	assert_eq!(dispatched(&seen), [(at + 1, Ok(()))]);
	let postponed = seen.iter().any(|(_, event)| {
		matches!(
			event,
			RuntimeEvent::Origins(keel_runtime::governance::origins::pallet_origins::Event::Postponed {
				desired,
				at: put_off,
				..
			}) if *desired == at && *put_off == at + 1
		)
	});
	assert!(postponed);
}

fn values(n: usize) -> RuntimeCall {
	use keel_primitives::BranchKey;
	use pallet_risk_parameters::{Change, Key, Subject};

	let call: RuntimeCall = pallet_risk_parameters::Call::<Runtime>::set_values {
		subject: Subject::Branch(ETH),
		changes: vec![Change {
			key: Key::Branch(BranchKey::StabilityFee),
			value: 21_000_000_000_000_000,
		}]
		.try_into()
		.unwrap(),
	}
	.into();
	Utility::force_batch { calls: vec![call; n] }.into()
}

/// Kind: a vote about what can never be done. 33 `setValues` in one batch were `PermanentlyOverweight` after
/// `Confirmed`: they are refused at submission, and the largest batch that is not refused is dispatched.
#[test]
fn what_was_submitted_can_be_enacted() {
	let mut chain = chain();
	let fits = |call: &RuntimeCall| {
		call.get_dispatch_info()
			.call_weight
			.all_lte(MaxEnactmentWeight::get())
	};
	let most = chain.state(|| (1..).take_while(|n| fits(&values(*n))).last().unwrap());
	assert!(most < 33, "{most} fit");
	next(&mut chain, || {
		for n in [33, most + 1] {
			let heavy = proposal(&values(n));
			let submit = submission(Origin::RiskAdjust.into(), heavy, DispatchTime::After(0));
			for what in [
				RuntimeCall::from(submit.clone()),
				Utility::batch_all {
					calls: vec![submit.clone().into()],
				}
				.into(),
			] {
				assert_eq!(
					super::call(Alice, what),
					Err(frame_system::Error::<Runtime>::CallFiltered.into())
				);
			}
			// At the door it is said in words, and costs nothing.
			let call: RuntimeCall = submit.into();
			let refused = ProtocolFirst.validate(
				RuntimeOrigin::signed(who(Alice)),
				&call,
				&call.get_dispatch_info(),
				100,
				(),
				&TxBaseImplication(()),
				TransactionSource::External,
			);
			assert_eq!(refused.err(), Some(InvalidTransaction::ExhaustsResources.into()));
		}
	});
	let index = referendum(
		&mut chain,
		Origin::RiskAdjust.into(),
		&values(most),
		DispatchTime::After(0),
	);
	let begin = height(&mut chain);
	let seen = run_to(&mut chain, begin + 40);
	assert!(confirmed(&seen, index).is_some());
	assert_eq!(dispatched(&seen).len(), 1);
	assert_eq!(dispatched(&seen)[0].1, Ok(()));
}

/// The heaviest proposal fits beside finding it, decoding it, and the hooks before the scheduler's at their
/// largest.
#[test]
fn the_heaviest_proposal_fits_beside_the_hooks() {
	let mut chain = chain();
	chain.fed_block(BEGIN + 2 * SLOT_DURATION, &[(ETH, 3_000.0)]);
	let hooks = chain.block(BEGIN + 3 * SLOT_DURATION, || System::block_weight().total());
	type Weights = <Runtime as pallet_scheduler::Config>::WeightInfo;
	let finding = Weights::service_agendas_base()
		.saturating_add(Weights::service_agenda_base(MAX_SCHEDULED))
		.saturating_add(Weights::service_task_fetched(MAX_PROPOSAL_LENGTH))
		.saturating_add(Weights::service_task_named())
		.saturating_add(Weights::execute_dispatch_unsigned());
	let needed = MaxEnactmentWeight::get().saturating_add(finding);
	assert!(needed.all_lte(MaximumSchedulerWeight::get()));
	// The preset has three branches of sixteen, six feeds of sixteen, four markets of sixteen.
	let largest = hooks.saturating_mul(16) / 3;
	let block: Weight = BlockWeights::get().max_block;
	assert!(
		largest.saturating_add(needed).all_lte(block),
		"hooks {hooks:?}, needed {needed:?}"
	);
}

/// Kind: as above, for what the scheduler could not find or decode.
#[test]
fn what_has_no_preimage_or_does_not_decode_is_not_submitted() {
	let mut chain = chain();
	next(&mut chain, || {
		let submit =
			|proposal: Proposal| super::call(Alice, submission(root(), proposal, DispatchTime::After(0)));
		let refused = Err(frame_system::Error::<Runtime>::CallFiltered.into());
		let bytes = values(5).encode();
		let lookup = |hash, len: usize| -> Proposal {
			Bounded::Lookup {
				hash,
				len: len as u32,
			}
		};
		let hash = BlakeTwo256::hash(&bytes);
		assert_eq!(submit(lookup(hash, bytes.len())), refused, "it is not noted");
		let noted = proposal(&values(5));
		assert_eq!(
			submit(lookup(hash, bytes.len() + 1)),
			refused,
			"of another length"
		);
		assert_ok!(submit(noted));
		assert_eq!(submit(Bounded::Inline(vec![255; 8].try_into().unwrap())), refused);
		// Deeper than a transaction may be.
		let mut deep = mark("deep");
		for _ in 0..300 {
			deep = Utility::batch { calls: vec![deep] }.into();
		}
		assert_eq!(submit(proposal(&deep)), refused);
		let long = frame_system::Call::<Runtime>::remark {
			remark: vec![0; MAX_PROPOSAL_LENGTH as usize],
		};
		assert_eq!(submit(proposal(&long.into())), refused);
	});
}

/// Kind: what a rule refuses takes effect later, in circumstances nobody voted for. A dispatch that fails is
/// said, and done at no later time, whatever changes.
#[test]
fn a_dispatch_that_failed_is_never_done_later() {
	let mut chain = chain();
	let poor = Sr25519Keyring::One;
	let amount = 5_000 * KEEL;
	let pay: RuntimeCall = pallet_balances::Call::<Runtime>::force_transfer {
		source: who(poor).into(),
		dest: who(Ferdie).into(),
		value: amount,
	}
	.into();
	let before = chain.state(|| Balances::free_balance(who(Ferdie)));
	let index = referendum(&mut chain, root(), &pay, DispatchTime::After(0));
	let begin = height(&mut chain);
	let seen = run_to(&mut chain, begin + 40);
	assert!(confirmed(&seen, index).is_some());
	let (_, result) = dispatched(&seen)[0];
	assert!(result.is_err());
	chain.state(|| {
		assert_ok!(Balances::mint_into(&who(poor), 3 * amount));
	});
	let now = height(&mut chain);
	let later = run_to(&mut chain, now + 120);
	assert_eq!(dispatched(&later), []);
	chain.state(|| assert_eq!(Balances::free_balance(who(Ferdie)), before));
}

/// Kind: the moment that was voted for. `At` and `After` are kept, and never earlier than the track allows.
#[test]
fn a_referendum_is_enacted_at_the_block_it_asked_for() {
	// Track `root` of this preset enacts after ten blocks.
	for when in [
		DispatchTime::At(1),
		DispatchTime::After(0),
		DispatchTime::After(40),
		DispatchTime::At(90),
	] {
		let mut chain = chain();
		let index = referendum(&mut chain, root(), &mark("done"), when);
		let seen = run_to(&mut chain, 100);
		let approved = confirmed(&seen, index).unwrap();
		let earliest = approved + 10;
		let expected = match when {
			DispatchTime::At(block) => block,
			DispatchTime::After(blocks) => approved + blocks,
		};
		assert_eq!(dispatched(&seen), [(expected.max(earliest), Ok(()))], "{when:?}");
	}
}

/// Kind: a motion that passes and can never be closed. Members' transactions weigh at most a tenth of a
/// block, so a motion may weigh what is left of that after closing it.
#[test]
fn a_motion_that_may_be_proposed_can_be_closed() {
	use keel_runtime::{configs::MaxProposalWeight, extensions::MOTION_WEIGHT};

	chain().state(|| {
		let close: RuntimeCall = pallet_collective::Call::<Runtime, TechnicalCollective>::close {
			proposal_hash: Default::default(),
			index: 0,
			proposal_weight_bound: MaxProposalWeight::get(),
			length_bound: 16 * 1024,
		}
		.into();
		let most: Weight = MOTION_WEIGHT * BlockWeights::get().max_block;
		assert!(close.get_dispatch_info().call_weight.all_lte(most));
	});
}

/// A preimage that its owner takes back after the submission is said to be missing, and may be noted again
/// for nothing once the referendum is approved.
#[test]
fn a_preimage_taken_back_is_said_to_be_missing() {
	let mut chain = chain();
	let call = values(8);
	let hash = BlakeTwo256::hash(&call.encode());
	let index = referendum(
		&mut chain,
		Origin::RiskAdjust.into(),
		&call,
		DispatchTime::After(20),
	);
	next(&mut chain, || {
		assert_ok!(super::call(
			Alice,
			pallet_preimage::Call::<Runtime>::unnote_preimage { hash }
		));
	});
	let begin = height(&mut chain);
	let mut seen = Vec::new();
	while confirmed(&seen, index).is_none() {
		let to = height(&mut chain) + 1;
		seen.extend(run_to(&mut chain, to));
		assert!(to < begin + 60);
	}
	assert_eq!(
		chain.state(|| {
			let before = Balances::free_balance(who(Eve));
			could(|| {
				super::call(
					Eve,
					pallet_preimage::Call::<Runtime>::note_preimage { bytes: call.encode() },
				)?;
				assert_eq!(Balances::free_balance(who(Eve)), before);
				Ok(())
			})
		}),
		Ok::<(), DispatchError>(())
	);
	let to = height(&mut chain) + 25;
	seen.extend(run_to(&mut chain, to));
	let missing = seen.iter().any(|(_, event)| {
		matches!(
			event,
			RuntimeEvent::Scheduler(pallet_scheduler::Event::CallUnavailable { .. })
		)
	});
	assert!(missing);
}
