//! Attacks and expectations, by theme.

mod call;
mod fallback;
mod index;
mod invariants;
mod random;
mod views;
mod worker;
