//! What others lost money on in margin, perpetuals and pools, tried on this chain: for each attack what it brings the attacker
//! and takes from the others, in kUSD, and the bound that held.

#[path = "../common/mod.rs"]
mod common;
mod stage;

mod accounts;
mod exits;
mod farms;
mod flooded;
mod held_up;
mod liquidated;
mod margins;
mod pool;
mod sandwich;
mod splitting;
mod stale;
mod waiting;

use stage::*;
