//! Attacks and expectations, by theme.

mod call;
mod debt;
mod exact;
mod fallback;
mod index;
mod invariants;
mod ladder;
mod random;
mod refresh;
mod views;
mod worker;
