//! The operations and how they are drawn.

use keel_primitives::Balance;
use proptest::prelude::*;

use crate::Change;

#[derive(Clone, Debug)]
pub(super) enum Op {
	Open {
		who: u8,
		branch: u8,
		collateral: u32,
		share: u8,
	},
	Adjust {
		vault: u8,
		collateral: Side,
		debt: Side,
	},
	Close {
		vault: u8,
	},
	Repay {
		who: u8,
		vault: u8,
		share: u8,
	},
	TopUp {
		who: u8,
		vault: u8,
		amount: u32,
	},
	Pass {
		ms: u32,
	},
	Hour,
	Years {
		tenths: u8,
	},
	Price {
		branch: u8,
		percent: u16,
	},
	Volatility {
		branch: u8,
		percent: u16,
	},
	Fee {
		branch: u8,
		percent: u8,
	},
	Minimum {
		branch: u8,
		dollars: u8,
	},
	FundPool {
		vault: u8,
		share: u8,
	},
	Liquidate {
		branch: u8,
	},
	LiquidateAny {
		vault: u8,
	},
	Settle {
		who: u8,
	},
	Outage {
		purposes: u8,
	},
	Failures {
		which: u8,
	},
	Level {
		subject: u8,
		level: u8,
	},
	Windows {
		branch: u8,
		minted: u8,
		exits: u8,
	},
	ShutDown {
		branch: u8,
		price: u8,
	},
	SettleVault {
		vault: u8,
	},
	Idle {
		vaults: u8,
	},
	Redeem {
		who: u8,
		branch: u8,
		share: u8,
	},
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
	Keep,
	/// Up by this share of 64 of what there is, and one.
	Up(u8),
	/// Down by this share of 64 of what there is.
	Down(u8),
	All,
	Tiny(bool),
	Huge(bool),
}

impl Side {
	pub(super) fn of(self, held: Balance) -> Change {
		match self {
			Side::Keep => Change::Keep,
			Side::Up(share) => Change::Increase(held / 64 * Balance::from(share) + 1),
			Side::Down(share) => Change::Decrease(held / 64 * Balance::from(share)),
			Side::All => Change::Decrease(Balance::MAX),
			Side::Tiny(up) if up => Change::Increase(1),
			Side::Tiny(_) => Change::Decrease(1),
			Side::Huge(up) if up => Change::Increase(Balance::MAX / 3),
			Side::Huge(_) => Change::Decrease(Balance::MAX / 3),
		}
	}
}

fn side() -> impl Strategy<Value = Side> {
	prop_oneof![
		3 => Just(Side::Keep),
		4 => (0..64u8).prop_map(Side::Up),
		4 => (0..70u8).prop_map(Side::Down),
		1 => Just(Side::All),
		1 => any::<bool>().prop_map(Side::Tiny),
		1 => any::<bool>().prop_map(Side::Huge),
	]
}

pub(super) fn op() -> impl Strategy<Value = Op> {
	prop_oneof![
		6 => (any::<u8>(), any::<u8>(), any::<u32>(), any::<u8>())
			.prop_map(|(who, branch, collateral, share)| Op::Open { who, branch, collateral, share }),
		8 => (any::<u8>(), side(), side())
			.prop_map(|(vault, collateral, debt)| Op::Adjust { vault, collateral, debt }),
		1 => any::<u8>().prop_map(|vault| Op::Close { vault }),
		2 => (any::<u8>(), any::<u8>(), any::<u8>())
			.prop_map(|(who, vault, share)| Op::Repay { who, vault, share }),
		1 => (any::<u8>(), any::<u8>(), any::<u32>())
			.prop_map(|(who, vault, amount)| Op::TopUp { who, vault, amount }),
		4 => (0..120_000u32).prop_map(|ms| Op::Pass { ms }),
		3 => Just(Op::Hour),
		1 => (1..10u8).prop_map(|tenths| Op::Years { tenths }),
		5 => (any::<u8>(), prop_oneof![4 => 70..130u16, 1 => Just(10u16), 1 => Just(1_000u16)])
			.prop_map(|(branch, percent)| Op::Price { branch, percent }),
		1 => (any::<u8>(), 0..800u16).prop_map(|(branch, percent)| Op::Volatility { branch, percent }),
		1 => (any::<u8>(), 0..51u8).prop_map(|(branch, percent)| Op::Fee { branch, percent }),
		1 => (any::<u8>(), 0..200u8).prop_map(|(branch, dollars)| Op::Minimum { branch, dollars }),
		2 => (any::<u8>(), any::<u8>()).prop_map(|(vault, share)| Op::FundPool { vault, share }),
		6 => any::<u8>().prop_map(|branch| Op::Liquidate { branch }),
		1 => any::<u8>().prop_map(|vault| Op::LiquidateAny { vault }),
		2 => any::<u8>().prop_map(|who| Op::Settle { who }),
		1 => any::<u8>().prop_map(|purposes| Op::Outage { purposes }),
		1 => any::<u8>().prop_map(|which| Op::Failures { which }),
		1 => (any::<u8>(), any::<u8>()).prop_map(|(subject, level)| Op::Level { subject, level }),
		1 => (any::<u8>(), any::<u8>(), any::<u8>())
			.prop_map(|(branch, minted, exits)| Op::Windows { branch, minted, exits }),
		2 => (any::<u8>(), any::<u8>()).prop_map(|(branch, price)| Op::ShutDown { branch, price }),
		4 => any::<u8>().prop_map(|vault| Op::SettleVault { vault }),
		2 => any::<u8>().prop_map(|vaults| Op::Idle { vaults }),
		3 => (any::<u8>(), any::<u8>(), any::<u8>())
			.prop_map(|(who, branch, share)| Op::Redeem { who, branch, share }),
	]
}
