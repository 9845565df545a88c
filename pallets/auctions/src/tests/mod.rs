//! Tests by theme. Every one of them ends in `do_try_state`.

mod curve;
mod fund_sale;
mod invariants;
mod random;
mod settlement;
mod start;
mod take;
mod views;
