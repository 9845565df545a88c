//! Fees that rise with load: one multiplier, of weight and of bytes.
//!
//! `multiplier' = multiplier × (1 + v × (fullness − target))`, between blocks. *Fullness* is the larger of
//! two shares of what normal transactions may use of a block: weight and bytes. With `v = 0.0005`, the target
//! at a quarter and a block every two seconds, full blocks double the multiplier within about an hour (×1.96)
//! and empty ones halve it within three.
//!
//! A fee is `base + length × multiplier + weight × multiplier`. For bytes the multiplier counts as at least
//! 1, so that an idle chain does not sell them below [`BYTE_FEE`]. The bounds that follow are in
//! `docs/decisions/spam.md`.

use frame_support::{
	dispatch::DispatchClass,
	weights::{Weight, WeightToFee},
};
use pallet_transaction_payment::{Multiplier, MultiplierUpdate};
use sp_runtime::{
	traits::{Bounded, Convert, One, Saturating},
	FixedPointNumber, Perquintill,
};

use crate::{
	configs::{BlockLength, BlockWeights},
	Balance, System, TransactionPayment, MILLI_KEEL,
};

/// Base units of KEEL for a byte of a transaction, at a multiplier of 1 or less.
pub const BYTE_FEE: Balance = MILLI_KEEL / 100;
/// Fees stay put while a quarter of what normal transactions may use is used.
pub const TARGET: Perquintill = Perquintill::from_percent(25);

/// Moves the multiplier of the next block's fees.
pub struct Load;

impl Load {
	/// How full this block is of normal transactions: weight or bytes, whichever is scarcer.
	fn fullness() -> Multiplier {
		let used = System::block_weight();
		let most = BlockWeights::get()
			.get(DispatchClass::Normal)
			.max_total
			.unwrap_or(BlockWeights::get().max_block);
		let share = |part: u64, whole: u64| Multiplier::saturating_from_rational(part, whole.max(1));
		let normal = used.get(DispatchClass::Normal);
		let bytes = *BlockLength::get().max.get(DispatchClass::Normal);
		share(normal.ref_time(), most.ref_time())
			.max(share(normal.proof_size(), most.proof_size()))
			.max(share(System::block_size().into(), bytes.into()))
			.min(One::one())
	}
}

impl Convert<Multiplier, Multiplier> for Load {
	fn convert(previous: Multiplier) -> Multiplier {
		let previous = previous.max(Self::min());
		let (fullness, target) = (Self::fullness(), TARGET.into());
		// At most `v × ¾` of it.
		let change = |gap: Multiplier| previous.saturating_mul(Self::variability()).saturating_mul(gap);
		match fullness >= target {
			true => previous.saturating_add(change(fullness.saturating_sub(target))),
			false => previous.saturating_sub(change(target.saturating_sub(fullness))),
		}
		.max(Self::min())
	}
}

impl MultiplierUpdate for Load {
	fn min() -> Multiplier {
		Multiplier::saturating_from_rational(1, 10)
	}

	fn max() -> Multiplier {
		Bounded::max_value()
	}

	fn target() -> Perquintill {
		TARGET
	}

	fn variability() -> Multiplier {
		Multiplier::saturating_from_rational(5, 10_000)
	}
}

/// What the bytes of a transaction cost now.
pub struct BytesToFee;

impl WeightToFee for BytesToFee {
	type Balance = Balance;

	/// The length stands in `ref_time`, as the payment pallet hands it over.
	fn weight_to_fee(length: &Weight) -> Balance {
		TransactionPayment::next_fee_multiplier()
			.max(One::one())
			.saturating_mul_int(Balance::from(length.ref_time()).saturating_mul(BYTE_FEE))
	}
}
