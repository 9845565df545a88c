//! The plain types every pallet agrees on.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_math::product_sum::Product;
use scale_info::TypeInfo;

/// An amount of an asset in its base units.
pub type Balance = u128;

/// A cent in base units of kUSD. What rounding to whole base units of collateral brings beyond debt and
/// penalty is the owner's from here on; less is not worth a transfer and goes to the insurance fund.
pub const KEPT_ROUNDING: Balance = 10_000;

/// An asset of `pallet-assets`. The development chain: 1 kUSD, 2 BTC, 3 ETH, 4 DOT, 5 USDC.
pub type AssetId = u32;

/// A price feed, quoted in USD. The development chain: 1 KEEL, 2 BTC, 3 ETH, 4 DOT, 5 USDC, 6 SOL.
pub type FeedId = u32;

/// A branch of the vault system: one collateral asset against the synthetic.
pub type BranchId = u32;

/// A vault. Never reused.
pub type VaultId = u64;

/// A collateral auction. Never reused.
pub type AuctionId = u64;

/// Milliseconds since the Unix epoch, as `pallet-timestamp` counts.
pub type Moment = u64;

/// A perpetual market.
pub type MarketId = u32;

/// A margin account: one sub-account of an owner. Never reused.
pub type MarginAccountId = u64;

/// An order of a perpetual market. Never reused.
pub type OrderId = u64;

/// A position of the trigger index: a vault or a margin account, as its group says.
pub type PositionId = u64;

/// The size of a perpetual position: base units of the underlying with 8 decimals, long above zero, short below.
pub type Size = i128;

/// The running product as it is stored: see [`Product`].
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Progress {
	/// The share left of a deposit or a claim, with 36 decimals, within its scale.
	pub p: u128,
	/// Times the product was scaled up in this epoch.
	pub scale: u64,
	/// Times nothing was left.
	pub epoch: u64,
}

impl From<Product> for Progress {
	fn from(Product { p, scale, epoch }: Product) -> Self {
		Progress { p, scale, epoch }
	}
}

impl From<Progress> for Product {
	fn from(Progress { p, scale, epoch }: Progress) -> Self {
		Product { p, scale, epoch }
	}
}

impl Default for Progress {
	fn default() -> Self {
		Product::default().into()
	}
}
