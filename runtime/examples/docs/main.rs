//! Writes `docs/parameters.md`, `docs/governance.md` and `docs/costs.md` from the runtime itself: its table of risk parameters, its
//! tracks and who may do what, its weights. With `--check` it writes nothing, and exits with 1 where a file on disk says
//! something else.

mod costs;

use std::{fmt::Write as _, path::Path, process::ExitCode};

use keel_primitives::{BranchKey, ChainKey, CollateralKey, MarketKey};
use keel_runtime::{
	governance::{origins::Pace, tracks::tracks_at},
	Balance, BlockNumber, Moment, KEEL, SLOT_DURATION,
};
use pallet_referenda::Curve;
use pallet_risk_parameters::{
	policy, reach, Direction, Key, Policy, Range, Reach, Safer, Step, Subject, Unit,
};
use scale_info::{TypeDef, TypeInfo};
use sp_runtime::Perbill;

/// The doc comment of every variant of an enum, in order.
fn docs<T: TypeInfo>() -> Vec<String> {
	let TypeDef::Variant(variants) = T::type_info().type_def else {
		panic!("keys are enums");
	};
	variants
		.variants
		.iter()
		.map(|variant| variant.docs.join(" ").trim().replace('|', "\\|"))
		.collect()
}

/// `1234567.5` as `1,234,567.5`.
fn grouped(whole: u128) -> String {
	let digits = whole.to_string();
	let mut out = String::new();
	for (i, c) in digits.chars().enumerate() {
		if i > 0 && (digits.len() - i).is_multiple_of(3) {
			out.push(',');
		}
		out.push(c);
	}
	out
}

/// `raw` with `decimals`, without trailing zeros.
fn decimal(raw: u128, decimals: u32) -> String {
	let one = 10u128.pow(decimals);
	let fraction = format!("{:0width$}", raw % one, width = decimals as usize);
	let fraction = fraction.trim_end_matches('0');
	match fraction {
		"" => grouped(raw / one),
		_ => format!("{}.{fraction}", grouped(raw / one)),
	}
}

fn time(ms: u128) -> String {
	match ms {
		0 => "0".into(),
		ms if ms % 86_400_000 == 0 => format!("{} d", ms / 86_400_000),
		ms if ms % 3_600_000 == 0 => format!("{} h", ms / 3_600_000),
		ms if ms % 60_000 == 0 => format!("{} min", ms / 60_000),
		ms => format!("{} s", decimal(ms, 3)),
	}
}

/// A raw number as its unit reads. Ratios in percent.
fn show(unit: Unit, raw: u128) -> String {
	match unit {
		Unit::Ratio => format!("{} %", decimal(raw, 16)),
		Unit::AnnualRate => format!("{} %/y", decimal(raw, 16)),
		Unit::DailyRate => format!("{} %/d", decimal(raw, 16)),
		Unit::DailyVelocity => format!("{} /d²", decimal(raw, 18)),
		Unit::Size => format!("{} units", decimal(raw, 8)),
		Unit::Amount => format!("{} kUSD", decimal(raw, 6)),
		Unit::Milliseconds => time(raw),
		Unit::Seconds => time(raw.saturating_mul(1_000)),
		Unit::Count => grouped(raw),
	}
}

fn range(unit: Unit, range: Range) -> String {
	format!("{} – {}", show(unit, range.min), show(unit, range.max))
}

fn step(unit: Unit, step: Step) -> String {
	let relative = decimal(step.relative.deconstruct().into(), 4);
	format!("{relative} % or {}", show(unit, step.least))
}

/// How a change reaches what exists, as the table says it.
const fn reaches(reach: Reach) -> &'static str {
	match reach {
		Reach::New => "new only",
		Reach::Gate => "gate and ramp",
		Reach::Ramp => "ramp",
		Reach::Breaker => "breaker",
		Reach::Harmless => "at once, cannot hurt",
		Reach::AtOnce => "at once",
	}
}

fn row(name: &str, what: &str, key: Key) -> String {
	let p: &Policy = &policy(key);
	let who = match (p.guardian, p.controller) {
		(true, true) => "guardians, controllers",
		(true, false) => "guardians",
		(false, true) => "controllers",
		(false, false) => "",
	};
	format!(
		"| `{name}` | {what} | {} | {} | {} | {} | {} | {} | {} | {who} | {} |\n",
		show(p.unit, p.default),
		range(p.unit, p.bounds),
		range(p.unit, p.limits),
		match p.safer {
			Safer::Higher => "up",
			Safer::Lower => "down",
		},
		step(p.unit, p.step(Direction::Tightened)),
		step(p.unit, p.step(Direction::Loosened)),
		time(Moment::into(p.cooldown)),
		reaches(reach(key)),
	)
}

const HEAD: &str = "| Key | What it is | Default | Bounds | Limits | Safer | Step, safer way | Step, other way | Cooldown | Also moved by | Reaches what exists |\n\
	|---|---|---|---|---|---|---|---|---|---|---|\n";

fn parameters() -> String {
	let mut out = String::from(
		"# Risk parameters\n\n\
		Written from the runtime by `scripts/docs.sh`; do not edit.\n\n\
		- **Limits** are compiled in: only a new runtime moves them. **Bounds** stand inside them and are moved by a referendum of the track\n\
		  `risk_bounds`; what is below are those a fresh subject starts with. **Values** stand inside the bounds and are moved by `risk_adjust`.\n\
		- A move is at most one **step** of the present value (or the second number, where that is more). The safer way needs no waiting; the\n\
		  other way waits for the **cooldown**, and is refused while a breaker of the subject is raised.\n\
		- **Guardians** move the numbers marked so, the safer way only. **Controllers**, which are the chain's own code, move theirs by a quarter of a step.\n\
		- The last column says how a move **reaches what exists**. *New only*: what is opened, minted, deposited or started later. *Gate and ramp*: it can\n\
		  make existing vaults unsafe, so a move is refused if that is true of more than `ImpactLimit` of the branch's debt (the view\n\
		  `riskParameters.impact` tells the number beforehand), and what is let through arrives on the ramp. *Ramp*: by `RampPerHour` or `HaircutRamp`.\n\
		  *Breaker*: through a level, which comes down by itself and never closes repaying, topping up and closing. *At once, cannot hurt*: nobody\n\
		  who is in is liquidated sooner or for more, charged more or kept from leaving. *At once*: it may cost those who are in, a step at a time.\n\
		- What a call takes is raw: ratios and rates with 18 decimals, kUSD with 6, times in the unit the view `parameter` names.\n",
	);
	let branch = docs::<BranchKey>();
	let _ = write!(out, "\n## Of a branch\n\n{HEAD}");
	for (key, what) in BranchKey::ALL.iter().zip(&branch) {
		out += &row(&format!("{key:?}"), what, Key::Branch(*key));
	}
	let market = docs::<MarketKey>();
	let _ = write!(out, "\n## Of a perpetual market\n\n{HEAD}");
	for (key, what) in MarketKey::ALL.iter().zip(&market) {
		out += &row(&format!("{key:?}"), what, Key::Market(*key));
	}
	let collateral = docs::<CollateralKey>();
	let _ = write!(out, "\n## Of a collateral of margin accounts\n\n{HEAD}");
	for (key, what) in CollateralKey::ALL.iter().zip(&collateral) {
		out += &row(&format!("{key:?}"), what, Key::Collateral(*key));
	}
	let chain = docs::<ChainKey>();
	let _ = write!(out, "\n## Of the chain\n\n{HEAD}");
	for (key, what) in ChainKey::ALL.iter().zip(&chain) {
		out += &row(&format!("{key:?}"), what, Key::Chain(*key));
	}
	let count = |subject: Subject| subject.keys().len();
	let _ = write!(
		out,
		"\n{} numbers of every branch, {} of every market, {} of every collateral, {} of the chain.\n",
		count(Subject::Branch(0)),
		count(Subject::Market(0)),
		count(Subject::Collateral(0)),
		count(Subject::Chain),
	);
	out
}

fn blocks(n: BlockNumber) -> String {
	time(u128::from(n) * u128::from(SLOT_DURATION))
}

fn keel(amount: Balance) -> String {
	format!("{} KEEL", grouped(amount / KEEL))
}

fn curve(curve: &Curve) -> String {
	let at = |x: u32| {
		let y = curve.threshold(Perbill::from_percent(x));
		decimal(y.deconstruct().into(), 7)
			.split_once('.')
			.map(|(whole, fraction)| match whole {
				"0" => format!("0.{}", &fraction[..fraction.len().min(2)]),
				_ => whole.to_string(),
			})
			.unwrap_or_else(|| decimal(y.deconstruct().into(), 7))
	};
	format!("{} → {} → {} %", at(0), at(50), at(100))
}

fn governance() -> String {
	let mut out = String::from(
		"# Governance\n\n\
		Written from the runtime by `scripts/docs.sh`; do not edit.\n\n\
		Everybody with KEEL votes, with conviction, in referenda (`referenda`, `convictionVoting`). A referendum asks for a power; the power has a\n\
		track; the track says how long everybody else has to see it coming. There is no sudo in any preset.\n\n\
		## Who may do what\n\n\
		| Power | How it is had | What it may do |\n\
		|---|---|---|\n\
		| `Root` | track `root`; or `whitelisted_caller` for a call two thirds of the technical committee have whitelisted | upgrade (`system.authorizeUpgrade`, then anybody applies it), shut a branch down, sell the fund's collateral at a named price where its feed has none, operators and committee members, assets |\n\
		| `RiskBounds` | track `risk_bounds` | bounds of risk parameters inside their limits; new feeds and branches |\n\
		| `RiskAdjust` | track `risk_adjust` | values of risk parameters inside bounds, step and cooldown; lower a breaker early |\n\
		| `Treasurer` | track `treasurer` | the treasury's KEEL; the insurance fund's treasury tranche |\n\
		| `ReferendumCanceller` | track `referendum_canceller` | cancel a referendum |\n\
		| `ReferendumKiller` | track `referendum_killer` | cancel it and burn its deposits |\n\
		| guardians | a third of the technical committee, at once | move risk parameters the safer way, those marked for guardians; trip breakers |\n\
		| half of the committee | at once | pause calls, enter and leave safe mode: never what `AlwaysOpen` names |\n\
		| two thirds of it | at once | whitelist a call; the vote is still everybody's |\n\n\
		Nobody, Root included, moves a risk parameter past its bounds, its step or its cooldown, or a bound past its limits\n\
		([parameters](parameters.md)).\n",
	);
	for (pace, title, what) in [
		(Pace::Serious, "Tracks", "Of every chain but the development preset."),
		(
			Pace::Rehearsal,
			"Tracks of the development preset",
			"Short, to walk through a referendum in under two minutes. Which pace a chain has is part of its genesis; no call changes it.",
		),
	] {
		let _ = write!(
			out,
			"\n## {title}\n\n{what} Blocks of {}. Approval (of the votes, with conviction) and support (of all KEEL, without) are what is needed at the\n\
			beginning, middle and end of the decision.\n\n\
			| Track | Id | At once | Deposit | Prepare | Decide | Confirm | Enact after | Shortest in all | Approval | Support |\n\
			|---|---|---|---|---|---|---|---|---|---|---|\n",
			time(SLOT_DURATION.into()),
		);
		for track in tracks_at(pace) {
			let info = track.info;
			let name = String::from_utf8_lossy(&info.name);
			let _ = writeln!(
				out,
				"| `{}` | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
				name.trim_end_matches('\0'),
				track.id,
				info.max_deciding,
				keel(info.decision_deposit),
				blocks(info.prepare_period),
				blocks(info.decision_period),
				blocks(info.confirm_period),
				blocks(info.min_enactment_period),
				blocks(info.prepare_period + info.confirm_period + info.min_enactment_period),
				curve(&info.min_approval),
				curve(&info.min_support),
			);
		}
	}
	out
}

fn main() -> ExitCode {
	let check = std::env::args().any(|argument| argument == "--check");
	let runtime = Path::new(env!("CARGO_MANIFEST_DIR"));
	let folder = runtime.join("../docs");
	let costs = match costs::costs(&runtime.join("src/weights")) {
		Ok(costs) => costs,
		Err(error) => {
			eprintln!("runtime/src/weights: {error}");
			return ExitCode::FAILURE;
		}
	};
	let mut stale = false;
	for (file, text) in [
		("parameters.md", parameters()),
		("governance.md", governance()),
		("costs.md", costs),
	] {
		let path = folder.join(file);
		if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
			println!("docs/{file} is current");
		} else if check {
			eprintln!("docs/{file} is not what the runtime says: run scripts/docs.sh and commit it");
			stale = true;
		} else if let Err(error) = std::fs::write(&path, text) {
			eprintln!("docs/{file}: {error}");
			return ExitCode::FAILURE;
		} else {
			println!("docs/{file} written");
		}
	}
	if stale {
		ExitCode::FAILURE
	} else {
		ExitCode::SUCCESS
	}
}
