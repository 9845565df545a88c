//! The wiring: one file per pallet or family.

mod asset_registry;
mod assets;
mod auctions;
mod consensus;
mod emergency;
mod governance;
mod insurance_fund;
mod liquidations;
mod liquidity_pool;
mod margin;
mod perpetuals;
mod prices;
mod risk_parameters;
mod stability_pool;
mod system;
mod utility;
mod vaults;

pub use assets::{KeelFeed, Synthetic};
pub use emergency::AlwaysOpen;
pub use governance::{MaxProposalWeight, SubmissionDeposit, TechnicalCollective, TreasuryAccount};
pub use liquidity_pool::PoolShares;
pub use prices::{MaxFeeds, MaxOperators};
pub use system::{BlockLength, BlockWeights, CallFilter};
