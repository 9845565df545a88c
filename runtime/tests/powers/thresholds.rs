//! Thresholds of the technical committee count the ayes that were given.

use super::*;
use codec::Encode;
use frame_support::{
	dispatch::GetDispatchInfo,
	traits::{ChangeMembers, Contains, EnsureOrigin, Get},
	weights::Weight,
	BoundedVec,
};
use keel_runtime::{
	extensions::ProtocolFirst,
	governance::{
		powers::OtherMembers, tracks::MotionDuration, Guardians, HalfOfCommittee, TwoThirdsOfCommittee,
	},
	RiskParameters, TechnicalCommittee, TechnicalMembership,
};
use sp_core::H256;
use sp_runtime::{
	traits::{BlakeTwo256, Hash, TransactionExtension, TxBaseImplication},
	transaction_validity::{InvalidTransaction, TransactionSource},
};

type Committee = pallet_collective::Call<Runtime, TechnicalCollective>;

fn member(n: u32) -> AccountId {
	AccountId::new([n as u8 + 1; 32])
}

/// Makes the committee one of `seats` members, of fewer than any call lets it have too.
fn seat(seats: u32) {
	let members: Vec<_> = (0..seats).map(member).collect();
	let before = pallet_membership::Members::<Runtime, pallet_membership::Instance2>::get();
	pallet_membership::Members::<Runtime, pallet_membership::Instance2>::put(BoundedVec::truncate_from(
		members.clone(),
	));
	<TechnicalCommittee as ChangeMembers<AccountId>>::set_members_sorted(&members, &before);
}

fn by(n: u32, call: impl Into<RuntimeCall>) -> DispatchResult {
	dispatch(RuntimeOrigin::signed(member(n)), call)
}

fn whitelist(hash: H256) -> RuntimeCall {
	pallet_whitelist::Call::<Runtime>::whitelist_call { call_hash: hash }.into()
}

fn is_whitelisted(hash: H256) -> bool {
	pallet_whitelist::WhitelistedCall::<Runtime>::contains_key(hash)
}

/// Kind: one member silences the others. Each may have three open motions, so that nobody's fill the agenda.
#[test]
fn one_member_does_not_fill_the_committees_agenda() {
	Chain::new().state(|| {
		seat(5);
		let propose = |n: u32, seed: u8| {
			let proposal = whitelist(H256::repeat_byte(seed));
			by(
				n,
				Committee::propose {
					threshold: 2,
					length_bound: proposal.encoded_size() as u32,
					proposal: Box::new(proposal),
				},
			)
		};
		for seed in 0..3 {
			assert_ok!(propose(0, seed));
		}
		assert!(could(|| propose(0, 3)).is_err());
		// The others go on, each with as many.
		for n in 1..5u32 {
			for seed in 0..3 {
				assert_ok!(propose(n, 10 * n as u8 + seed));
			}
		}
	});
}

/// Kind: a suspension that is outrun. A member keeps its key, whatever it is wrapped in.
#[test]
fn a_member_does_not_change_its_key() {
	Chain::new().state(|| {
		seat(3);
		let change = pallet_membership::Call::<Runtime, pallet_membership::Instance2>::change_key {
			new: member(9).into(),
		};
		let filtered = || Err(frame_system::Error::<Runtime>::CallFiltered.into());
		assert_eq!(by(0, change.clone()), filtered());
		let calls = vec![change.into()];
		let _ = by(0, pallet_utility::Call::<Runtime>::batch { calls });
		assert!(TechnicalMembership::contains(&member(0)) && !TechnicalMembership::contains(&member(9)));
	});
}

/// A motion to whitelist with `threshold`, ayes of the first `ayes` members, closed after its time. Nobody
/// else says anything.
fn motion(hash: H256, threshold: u32, ayes: u32) {
	let proposal = whitelist(hash);
	let index = pallet_collective::ProposalCount::<Runtime, TechnicalCollective>::get();
	let length_bound = proposal.encoded_size() as u32;
	let proposal_hash = BlakeTwo256::hash_of(&proposal);
	assert_ok!(by(
		0,
		Committee::propose {
			threshold,
			proposal: Box::new(proposal),
			length_bound,
		}
	));
	if threshold < 2 {
		// Done already.
		return;
	}
	for n in 0..ayes {
		assert_ok!(by(
			n,
			Committee::vote {
				proposal: proposal_hash,
				index,
				approve: true,
			}
		));
	}
	System::set_block_number(System::block_number() + MotionDuration::get());
	assert_ok!(by(
		0,
		Committee::close {
			proposal_hash,
			index,
			proposal_weight_bound: Weight::from_parts(50_000_000_000, 1_000_000),
			length_bound,
		}
	));
}

/// Kind: silence that counts as an aye. Three of five passed "two thirds", and a prime alone whitelisted: for
/// every size of the committee, every number of ayes, with and without a prime among them, the ayes given
/// decide.
#[test]
fn silent_members_of_the_committee_are_no_ayes() {
	let mut chain = chain();
	chain.state(|| {
		let mut n = 0;
		for seats in 1..=16 {
			seat(seats);
			for prime in [false, true] {
				if prime {
					assert_ok!(as_root(pallet_membership::Call::<
						Runtime,
						pallet_membership::Instance2,
					>::set_prime {
						who: member(0).into(),
					}));
				}
				for ayes in 1..=seats {
					for threshold in [ayes, seats] {
						n += 1;
						let hash = H256::from_low_u64_be(n);
						motion(hash, threshold, ayes);
						let enough = ayes >= threshold && ayes * 3 >= seats * 2;
						assert_eq!(
							is_whitelisted(hash),
							enough,
							"{ayes} of {seats}, threshold {threshold}"
						);
					}
				}
			}
		}
	});
}

/// The shares `docs/governance.md` names, for every size of the committee, rounded up.
#[test]
fn every_share_is_what_its_name_says() {
	chain().state(|| {
		for seats in 1..=16u32 {
			for ayes in 0..=seats {
				let origin = || committee(ayes, seats);
				assert_eq!(Guardians::try_origin(origin()).is_ok(), ayes >= seats.div_ceil(3));
				assert_eq!(
					HalfOfCommittee::try_origin(origin()).is_ok(),
					ayes >= seats.div_ceil(2)
				);
				assert_eq!(
					TwoThirdsOfCommittee::try_origin(origin()).is_ok(),
					ayes >= (2 * seats).div_ceil(3)
				);
				let others = (2 * (seats - 1)).div_ceil(3).max(seats / 2 + 1);
				assert_eq!(OtherMembers::try_origin(origin()).is_ok(), ayes >= others);
			}
		}
		assert_eq!([2, 3, 5, 7, 16].map(OtherMembers::ayes), [2, 2, 3, 4, 10]);
	});
}

/// Real blocks: three of five wait for the end of the motion, and it is disapproved.
#[test]
fn three_of_five_do_not_whitelist_by_waiting() {
	let mut chain = chain();
	let hash = H256::repeat_byte(7);
	let proposal = whitelist(hash);
	let length_bound = proposal.encoded_size() as u32;
	let proposal_hash = BlakeTwo256::hash_of(&proposal);
	next(&mut chain, || {
		seat(5);
		assert_ok!(by(
			0,
			Committee::propose {
				threshold: 4,
				proposal: Box::new(proposal),
				length_bound
			}
		));
		for n in 0..3 {
			assert_ok!(by(
				n,
				Committee::vote {
					proposal: proposal_hash,
					index: 0,
					approve: true
				}
			));
		}
	});
	let end = height(&mut chain) + chain.state(MotionDuration::get);
	run_to(&mut chain, end);
	next(&mut chain, || {
		assert_ok!(by(
			4,
			Committee::close {
				proposal_hash,
				index: 0,
				proposal_weight_bound: Weight::from_parts(50_000_000_000, 1_000_000),
				length_bound,
			}
		));
	});
	chain.state(|| {
		assert!(!is_whitelisted(hash));
		let disapproved = events().into_iter().any(|event| {
			matches!(
				event,
				RuntimeEvent::TechnicalCommittee(pallet_collective::Event::Disapproved { .. })
			)
		});
		assert!(disapproved);
	});
}

fn admits(key: Sr25519Keyring, call: &RuntimeCall) -> Result<(), ()> {
	let validity = ProtocolFirst.validate(
		RuntimeOrigin::signed(who(key)),
		call,
		&call.get_dispatch_info(),
		100,
		(),
		&TxBaseImplication(()),
		TransactionSource::External,
	);
	match validity {
		Ok(_) => Ok(()),
		Err(error) => {
			assert_eq!(error, InvalidTransaction::Call.into());
			Err(())
		}
	}
}

/// Kind: a vote that is somebody else's, or is not let in. A member's vote counts once, in a batch and
/// through a proxy too; a stranger's wrapping of it is refused at the door, for it is operational weight.
#[test]
fn a_members_vote_counts_once_however_it_is_wrapped() {
	let mut chain = chain();
	let hash = H256::repeat_byte(9);
	let proposal = whitelist(hash);
	let length_bound = proposal.encoded_size() as u32;
	let proposal_hash = BlakeTwo256::hash_of(&proposal);
	let vote = || -> RuntimeCall {
		Committee::vote {
			proposal: proposal_hash,
			index: 0,
			approve: true,
		}
		.into()
	};
	let batch = |calls: Vec<RuntimeCall>| -> RuntimeCall {
		pallet_utility::Call::<Runtime>::batch_all { calls }.into()
	};
	let proxied = |call: RuntimeCall| -> RuntimeCall {
		pallet_proxy::Call::<Runtime>::proxy {
			real: who(Eve).into(),
			force_proxy_type: None,
			call: Box::new(call),
		}
		.into()
	};
	next(&mut chain, || {
		// Dave, Eve and Ferdie are the committee; Bob is Eve's proxy.
		assert_ok!(call(
			Eve,
			pallet_proxy::Call::<Runtime>::add_proxy {
				delegate: who(Bob).into(),
				proxy_type: Default::default(),
				delay: 0,
			}
		));
		assert_ok!(call(
			Dave,
			Committee::propose {
				threshold: 2,
				proposal: Box::new(proposal),
				length_bound
			}
		));
	});
	next(&mut chain, || {
		assert_ok!(admits(Dave, &batch(vec![vote()])));
		assert_ok!(admits(Bob, &proxied(vote())));
		assert_ok!(admits(Bob, &proxied(batch(vec![vote()]))));
		assert!(admits(Bob, &vote()).is_err());
		assert!(admits(Alice, &proxied(vote())).is_err());
		assert!(admits(Alice, &batch(vec![vote()])).is_err());
		assert!(admits(Bob, &proxied(proxied(vote()))).is_err());

		assert_ok!(call(Bob, proxied(vote())));
		// A vote through the proxy is Eve's: hers, and theirs, is not another one.
		assert!(call(Eve, vote()).is_err());
		assert_ok!(call(Bob, proxied(batch(vec![vote()]))));
		let voting = pallet_collective::Voting::<Runtime, TechnicalCollective>::get(proposal_hash);
		assert!(voting.is_some());
	});
	next(&mut chain, || {
		let close = || Committee::close {
			proposal_hash,
			index: 0,
			proposal_weight_bound: Weight::from_parts(50_000_000_000, 1_000_000),
			length_bound,
		};
		assert!(call(Dave, close()).is_err(), "one aye");
		assert_ok!(call(Dave, batch(vec![vote()])));
		assert_ok!(call(Ferdie, close()));
		assert!(is_whitelisted(hash));
	});
}

/// Kind: a limit that holds only at the door. Root's `system.setStorage` sets a liquidation ratio of 2,000 %;
/// it reads as the limit, 1,000 %.
#[test]
fn what_root_writes_past_the_rules_is_read_inside_the_limits() {
	use keel_primitives::RiskParameters as _;
	use pallet_risk_parameters::Branches;
	use sp_runtime::FixedU128;

	let mut chain = chain();
	next(&mut chain, || {
		let mut numbers = Branches::<Runtime>::get(ETH).unwrap();
		numbers.liquidation_ratio = FixedU128::from_u32(20);
		assert_ok!(as_root(frame_system::Call::<Runtime>::set_storage {
			items: vec![(Branches::<Runtime>::hashed_key_for(ETH), numbers.encode())],
		}));
		assert_eq!(
			Branches::<Runtime>::get(ETH).unwrap().liquidation_ratio,
			FixedU128::from_u32(20)
		);
		assert_eq!(
			RiskParameters::branch(ETH).unwrap().liquidation_ratio,
			FixedU128::from_u32(10)
		);
	});
}
