//! What the markets do, and what they withstand.

mod attacks;
mod corruption;
mod delisting;
mod fills;
mod gauges;
mod liquidation;
mod money;
mod orders;
mod properties;
mod triggers;
mod views;
mod waterfall;
