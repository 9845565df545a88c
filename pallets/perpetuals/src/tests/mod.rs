//! What the markets do, and what they withstand.

mod attacks;
mod borrow;
mod corruption;
mod delisting;
mod fills;
mod gauges;
mod haircut;
mod liquidation;
mod marks;
mod money;
mod orders;
mod pairs;
mod properties;
mod ramps;
mod resting;
mod triggers;
mod views;
mod waterfall;
