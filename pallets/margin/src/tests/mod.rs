//! Tests by theme.

use frame_support::{assert_noop, assert_ok};
use keel_primitives::{
	level_key, Act, BreakerSubject, Clearing, Group, Level, MarginAccounts, PositionLedger, Positions,
	PriceFor,
};
use sp_runtime::{DispatchError, Permill};

use crate::{
	mock::*, AccountOf, Accounts, Collaterals, Error, Event, FirstStep, Leg, Lenders, LiquidationView,
	NextId, Scenario, Stress, Totals,
};

mod attacks;
mod calls;
mod corruption;
mod lending;
mod liquidation;
mod money;
mod overdraft;
mod random;
mod sale;
mod stress;
mod trading;
mod triggers;
mod views;
