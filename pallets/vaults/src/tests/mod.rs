//! Tests by theme.

mod adjust;
mod attacks;
mod branches;
mod budget;
mod close;
mod corruption;
mod interest;
mod liquidation;
mod open;
mod property;
mod ramp;
mod repay;
mod views;
