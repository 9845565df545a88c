//! Weights of the calls: estimates, which a runtime replaces by measurements. What the markets read of an account is not in
//! them: [`keel_primitives::Positions::exposures_weight`] is added where it is asked.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// What the calls, the hook and what others ask cost.
pub trait WeightInfo {
	/// [`crate::Pallet::deposit`].
	fn deposit() -> Weight;
	/// [`crate::Pallet::withdraw`].
	fn withdraw() -> Weight;
	/// [`crate::Pallet::transfer`].
	fn transfer() -> Weight;
	/// [`crate::Pallet::supply`].
	fn supply() -> Weight;
	/// [`crate::Pallet::redeem`].
	fn redeem() -> Weight;
	/// [`crate::Pallet::set_top_up`].
	fn set_top_up() -> Weight;
	/// [`crate::Pallet::set_reduce`].
	fn set_reduce() -> Weight;
	/// [`crate::Pallet::close_account`].
	fn close_account() -> Weight;
	/// [`crate::Pallet::list_collateral`].
	fn list_collateral() -> Weight;
	/// [`crate::Pallet::buy_collateral`].
	fn buy_collateral() -> Weight;
	/// The hook without accounts.
	fn on_poll_base() -> Weight;
	/// Measuring one account of the stress lists again.
	fn restress() -> Weight;
	/// Looking at an account whose trigger was crossed, with a margin call and its top-up.
	fn refresh() -> Weight;
	/// Liquidating an account with `p` positions, `c` collaterals and `o` orders, to the end and with a
	/// deficit that leads to a gains haircut.
	fn liquidate(p: u32, c: u32, o: u32) -> Weight;
}

impl WeightInfo for () {
	fn deposit() -> Weight {
		Weight::from_parts(220_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(26, 34))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(240_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(36, 34))
	}
	fn transfer() -> Weight {
		Weight::from_parts(360_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(42, 62))
	}
	fn supply() -> Weight {
		Weight::from_parts(90_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(9, 6))
	}
	fn redeem() -> Weight {
		Weight::from_parts(90_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(8, 6))
	}
	fn set_top_up() -> Weight {
		Weight::from_parts(30_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(2, 1))
	}
	fn set_reduce() -> Weight {
		Weight::from_parts(30_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(2, 1))
	}
	fn close_account() -> Weight {
		Weight::from_parts(90_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(7, 7))
	}
	fn list_collateral() -> Weight {
		Weight::from_parts(60_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(6, 1))
	}
	fn buy_collateral() -> Weight {
		Weight::from_parts(5_000_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(60, 45))
	}
	fn on_poll_base() -> Weight {
		Weight::from_parts(30_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(6, 2))
	}
	fn restress() -> Weight {
		Weight::from_parts(60_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(13, 1))
	}
	fn refresh() -> Weight {
		Weight::from_parts(450_000_000, 0).saturating_add(RocksDbWeight::get().reads_writes(45, 64))
	}
	fn liquidate(p: u32, c: u32, o: u32) -> Weight {
		let (p, c, o) = (u64::from(p), u64::from(c), u64::from(o));
		let legs = p.saturating_add(c).saturating_add(o);
		Weight::from_parts(legs.saturating_mul(150_000_000).saturating_add(1_000_000_000), 0).saturating_add(
			RocksDbWeight::get().reads_writes(
				legs.saturating_mul(5).saturating_add(60),
				legs.saturating_mul(5).saturating_add(40),
			),
		)
	}
}
