//! Tests by theme. Every one of them ends in `do_try_state`.

mod breaker;
mod buy;
mod collateral;
mod cover;
mod income;
mod invariants;
mod pay;
mod random;
mod treasury;
mod views;
