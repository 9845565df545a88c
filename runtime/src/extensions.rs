//! What every transaction is checked for beyond the SDK's own checks.

use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_support::dispatch::DispatchClass;
use scale_info::TypeInfo;
use sp_runtime::{
	impl_tx_ext_default,
	traits::{
		AsSystemOriginSigner, DispatchInfoOf, DispatchOriginOf, Implication, TransactionExtension,
		ValidateResult,
	},
	transaction_validity::{InvalidTransaction, TransactionSource, ValidTransaction},
};

use crate::RuntimeCall;

/// Operational weight is for the chain's own transactions.
///
/// The class of a batch, a proxy's or a multisig's call is that of what is inside, so a signer could buy the weight
/// that is reserved for liquidations and for the block's own fallback. A signed transaction of that class is refused
/// unless it is one of System's (an authorised upgrade must fit into a full block).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ReservedWeight;

impl TransactionExtension<RuntimeCall> for ReservedWeight {
	const IDENTIFIER: &'static str = "ReservedWeight";
	type Implicit = ();
	type Val = ();
	type Pre = ();

	fn validate(
		&self,
		origin: DispatchOriginOf<RuntimeCall>,
		call: &RuntimeCall,
		info: &DispatchInfoOf<RuntimeCall>,
		_len: usize,
		_implicit: Self::Implicit,
		_implication: &impl Implication,
		_source: TransactionSource,
	) -> ValidateResult<Self::Val, RuntimeCall> {
		let signed = origin.as_system_origin_signer().is_some();
		if signed && info.class == DispatchClass::Operational && !matches!(call, RuntimeCall::System(_)) {
			return Err(InvalidTransaction::Call.into());
		}
		Ok((ValidTransaction::default(), (), origin))
	}

	impl_tx_ext_default!(RuntimeCall; weight prepare);
}
