//! What every transaction is checked for beyond the SDK's own checks.

use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_support::{dispatch::DispatchClass, ensure, weights::Weight};
use scale_info::TypeInfo;
use sp_runtime::{
	impl_tx_ext_default,
	traits::{
		AsSystemOriginSigner, BlakeTwo256, DispatchInfoOf, DispatchOriginOf, Hash as _, Implication,
		TransactionExtension, ValidateResult,
	},
	transaction_validity::{InvalidTransaction, TransactionSource, ValidTransaction},
	Perbill,
};

use crate::{
	configs::{BlockWeights, SubmissionDeposit},
	fees::state,
	governance::enactment::{enactable, Unenactable},
	AccountId, Address, Balances, Proxy, Runtime, RuntimeCall, System, TechnicalCollective,
};

/// Keeps operational weight for the chain's own transactions: liquidations and operators' feeds.
///
/// The class of a batch, a proxy's or a multisig's call is that of what is inside, so a signer could buy the
/// weight that is reserved for those and for the block's own fallback. A signed transaction of that class is
/// refused unless it brings the very code an upgrade was authorised for (which must fit into a full block),
/// or is a small motion or vote of a member of the technical committee (who must be heard when blocks are
/// full), also in a batch or through a proxy of that member.
///
/// A referendum whose proposal could not be enacted for its weight is refused at the door, without a fee.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ProtocolFirst;

/// The longest transaction of the committee's members, in bytes.
const MOTION_LENGTH: usize = 16 * 1024;
/// The largest share of a block one of them may weigh.
pub const MOTION_WEIGHT: Perbill = Perbill::from_percent(10);

/// Returns `true` if `call` is nothing but motions and votes of members of the technical committee, signed by
/// `who`. Looks into batches and through proxies of a member.
fn is_motion(who: &AccountId, call: &RuntimeCall) -> bool {
	use pallet_collective::Call as Committee;
	use pallet_utility::Call as Utility;

	match call {
		RuntimeCall::TechnicalCommittee(
			Committee::propose { .. } | Committee::vote { .. } | Committee::close { .. },
		) => pallet_collective::Members::<Runtime, TechnicalCollective>::get().contains(who),
		RuntimeCall::Utility(
			Utility::batch { calls } | Utility::batch_all { calls } | Utility::force_batch { calls },
		) => !calls.is_empty() && calls.iter().all(|call| is_motion(who, call)),
		RuntimeCall::Proxy(pallet_proxy::Call::proxy {
			real: Address::Id(real),
			force_proxy_type,
			call,
		}) => {
			!matches!(**call, RuntimeCall::Proxy(_))
				&& Proxy::find_proxy(real, who, *force_proxy_type).is_ok()
				&& is_motion(real, call)
		}
		_ => false,
	}
}

/// Returns `true` if `who` may sign `call` although it uses operational weight.
fn may_be_operational(who: &AccountId, call: &RuntimeCall, weight: Weight, len: usize) -> bool {
	match call {
		RuntimeCall::System(frame_system::Call::apply_authorized_upgrade { code }) => {
			// The hash is its first field, which the type shows to nobody.
			System::authorized_upgrade()
				.is_some_and(|upgrade| upgrade.encode().starts_with(BlakeTwo256::hash(code).as_ref()))
		}
		call => {
			len <= MOTION_LENGTH
				&& weight.all_lte(MOTION_WEIGHT * BlockWeights::get().max_block)
				&& is_motion(who, call)
		}
	}
}

impl TransactionExtension<RuntimeCall> for ProtocolFirst {
	const IDENTIFIER: &'static str = "ProtocolFirst";
	type Implicit = ();
	type Val = ();
	type Pre = ();

	fn weight(&self, call: &RuntimeCall) -> Weight {
		// The committee's members, for its own calls, and a member's proxies; who submits a referendum. And
		// what the fee asks of a call's targets.
		<Runtime as frame_system::Config>::DbWeight::get()
			.reads(3)
			.saturating_add(state::weigh(call))
	}

	fn validate(
		&self,
		origin: DispatchOriginOf<RuntimeCall>,
		call: &RuntimeCall,
		info: &DispatchInfoOf<RuntimeCall>,
		len: usize,
		_implicit: Self::Implicit,
		_implication: &impl Implication,
		_source: TransactionSource,
	) -> ValidateResult<Self::Val, RuntimeCall> {
		if let Some(who) = origin.as_system_origin_signer() {
			if let RuntimeCall::Referenda(pallet_referenda::Call::submit { proposal, .. }) = call {
				// In a batch or a proxy the call filter refuses it. An account without the deposit fails at
				// dispatch: no node decodes a proposal for it.
				let may_submit = Balances::free_balance(who) >= SubmissionDeposit::get();
				ensure!(
					!may_submit || enactable(proposal) != Err(Unenactable::Overweight),
					InvalidTransaction::ExhaustsResources
				);
			}
			if info.class == DispatchClass::Operational {
				ensure!(
					may_be_operational(who, call, info.call_weight, len),
					InvalidTransaction::Call
				);
			}
		}
		Ok((ValidTransaction::default(), (), origin))
	}

	impl_tx_ext_default!(RuntimeCall; prepare);
}
