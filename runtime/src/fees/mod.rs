//! # Fees
//!
//! What a transaction costs, and in which asset it is paid.
//!
//! - [`kusd`]: fees in kUSD, so that an account without KEEL can transact and leave.
//! - [`load`]: the multiplier of weight and bytes, which rises while blocks are full.
//! - [`state`]: the price of state, as deposits and as a fee for new accounts; and fees in KEEL.

pub mod kusd;
pub mod load;
pub mod state;
