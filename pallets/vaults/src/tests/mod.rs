//! Tests by theme.

mod adjust;
mod attacks;
mod branches;
mod breaker;
mod budget;
mod close;
mod corruption;
mod gauges;
mod griefing;
mod impact;
mod interest;
mod liquidation;
mod open;
mod property;
mod raised_penalty;
mod ramp;
mod repay;
mod shutdown;
mod views;
mod windows;
