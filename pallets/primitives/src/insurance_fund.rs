//! The fund that carries what is short, and the record of what it could not.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{dispatch::DispatchResult, pallet_prelude::DispatchError};
use scale_info::TypeInfo;

use crate::{AssetId, Balance};
use alloc::vec::Vec;

/// Where the fund's income comes from.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum IncomeSource {
	/// Stability fees.
	StabilityFee,
	/// Liquidation penalties.
	Penalty,
	/// Proceeds of collateral the fund had bought.
	Collateral,
	/// A gift.
	Donation,
	/// Fees of perpetual markets.
	Trading,
	/// Transaction fees paid in kUSD.
	TransactionFee,
}

/// How a shortfall was carried. `covered + bad_debt` is the shortfall.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Coverage {
	/// Burned out of the fund, in base units of kUSD.
	pub covered: Balance,
	/// Recorded as bad debt.
	pub bad_debt: Balance,
}

/// The insurance fund. It holds kUSD and the collateral it had to buy.
pub trait InsuranceFund<AccountId> {
	/// Move `amount` kUSD from `from` to the fund and book it. Recorded bad debt is paid down first: that part is burned.
	fn receive(from: &AccountId, amount: Balance, source: IncomeSource) -> DispatchResult;

	/// Mint `amount` kUSD to the fund and book it, bad debt first as above. The caller vouches that the
	/// amount is owed to the system (accrued interest).
	fn mint(amount: Balance, source: IncomeSource) -> DispatchResult;

	/// The most `mint` takes now, in base units of kUSD; zero while minting is closed.
	fn mint_room() -> Balance;

	/// Burn up to `shortfall` kUSD out of the fund; record the rest as bad debt. `worth` is the least value,
	/// in base units of kUSD, of collateral the fund took beside it: the drawdown counts the shortfall less
	/// that.
	fn cover(shortfall: Balance, worth: Balance) -> Result<Coverage, DispatchError>;

	/// Pay up to `shortfall` kUSD to `to`: the shared tranche first, then the treasury tranche up to its cap
	/// of an hour. What was paid. Counts as drawn; the rest is the caller's to carry, and no bad debt here:
	/// nothing was minted for it.
	fn pay(to: &AccountId, shortfall: Balance) -> Result<Balance, DispatchError>;

	/// What the shared tranche holds, in base units of kUSD.
	fn shared() -> Balance;

	/// Buy `amount` of `asset` from `seller` for `price` kUSD out of the shared tranche, as the last buyer. Refused as a whole
	/// if it holds less.
	fn buy(seller: &AccountId, asset: AssetId, amount: Balance, price: Balance) -> DispatchResult;

	/// Move `amount` of `asset` from `from` to the fund: collateral it bought as the last buyer.
	fn take_collateral(from: &AccountId, asset: AssetId, amount: Balance) -> DispatchResult;

	/// Move `amount` of `asset` the fund had bought from the fund to `to`, to be sold.
	fn release_collateral(to: &AccountId, asset: AssetId, amount: Balance) -> DispatchResult;

	/// Collateral of `asset` the fund holds.
	fn collateral(asset: AssetId) -> Balance;

	/// Assets of which the fund holds some as collateral. At most as many as may be registered.
	fn collaterals() -> Vec<AssetId>;

	/// Recorded bad debt, in base units of kUSD.
	fn bad_debt() -> Balance;
}
