//! Writes `docs/parameters.md`, `docs/governance.md`, `docs/powers.md`, `docs/costs.md` and
//! `docs/defaults.md` from the runtime itself: its table of risk parameters, its tracks and who may do what,
//! its emergency powers, its weights, and its markets' numbers against recorded prices. With `--check` it
//! writes nothing, and exits with 1 where a file on disk says something else.

mod costs;
mod defaults;

use std::{fmt::Write as _, path::Path, process::ExitCode};

use frame_support::weights::Weight;
use keel_primitives::{BranchKey, ChainKey, CollateralKey, MarketKey};
use keel_runtime::{
	configs::{BlockWeights, SubmissionDeposit},
	governance::{
		enactment,
		origins::Pace,
		powers::{End, Stopped, LARGEST_SHARE},
		tracks::tracks_at,
	},
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
		| `Root` | track `root`; or `whitelisted_caller` for a call two thirds of the technical committee have whitelisted | upgrade (`system.authorizeUpgrade`, then anybody applies it), shut a branch down, sell the fund's collateral at a named price where its feed has none, operators (never fewer than `OracleQuorum`) and committee members (never fewer than three), assets |\n\
		| `RiskBounds` | track `risk_bounds` | bounds of risk parameters inside their limits; new feeds and branches |\n\
		| `RiskAdjust` | track `risk_adjust` | values of risk parameters inside bounds, step and cooldown; lower a breaker early |\n\
		| `Treasurer` | track `treasurer` | the treasury's KEEL; the insurance fund's treasury tranche |\n\
		| `ReferendumCanceller` | track `referendum_canceller` | cancel a referendum |\n\
		| `ReferendumKiller` | track `referendum_killer` | cancel it and burn its deposits |\n\
		| guardians | a third of the technical committee, at once | move risk parameters the safer way, those marked for guardians; trip breakers |\n\
		| half of the committee | at once | suspend operators and feeds, pause calls, enter safe mode: never what `AlwaysOpen` names, and for hours ([powers](powers.md)) |\n\
		| two thirds of it | at once | the same for a day; end it early; whitelist a call: the vote is still everybody's |\n\
		| two thirds of the other members, and more than half of all | at once | suspend a member of the committee for a day |\n\n\
		Shares are of all seats, rounded up. **Silence is a nay**: a motion passes by the ayes that were given, and the prime's vote weighs what every\n\
		other member's does. Members may vote in a batch and through a proxy.\n\n\
		Nobody, Root included, moves a risk parameter past its bounds, its step or its cooldown, or a bound past its limits\n\
		([parameters](parameters.md)). What Root writes past these rules with `system.setStorage` reads as the nearest number inside the limits; bounds,\n\
		steps and the rules between numbers do not hold for it, as nothing does for an upgrade.\n",
	);
	out += &enactment();
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

fn percent_of_block(weight: Weight) -> String {
	format!(
		"{} %",
		weight.ref_time() * 100 / BlockWeights::get().max_block.ref_time()
	)
}

fn enactment() -> String {
	use enactment::*;

	format!(
		"\n## From approval to enactment\n\n\
		- A proposal is refused at submission if it weighs more than {} of a block, is longer than {} KiB, is nested deeper than a transaction may be, or\n\
		  has no preimage: `1010: … exhaust the block limits`, or `system.CallFiltered` in a batch or proxy. Divide it, or note the preimage first.\n\
		- A block's agenda holds {MAX_SCHEDULED} tasks, {} of them kept for what was approved. A full one puts the rest off by up to {LOOK_AHEAD} blocks\n\
		  (`origins.Postponed`). Filling the other half costs {} a slot, for as long as the referendum is open.\n\
		- A dispatch that a rule refuses is not tried again: it would take effect in circumstances nobody voted for. Propose it again.\n\
		- What was not enacted is said: `origins.NotScheduled`, `scheduler.CallUnavailable`, `PermanentlyOverweight`, and `Dispatched` with an\n\
		  error. `scheduler.AgendaIncomplete` says that tasks wait for the next block.\n\
		- From approval on anybody may note a missing preimage for nothing.\n",
		percent_of_block(MaxEnactmentWeight::get()),
		MAX_PROPOSAL_LENGTH / 1024,
		MAX_SCHEDULED - MAX_ALARMS,
		keel(SubmissionDeposit::get()),
	)
}

fn powers() -> String {
	use pallet_emergency::REST;

	let mut out = format!(
		"# Emergency powers\n\n\
		Written from the runtime by `scripts/docs.sh`; do not edit. `runtime/tests/powers` tries every row.\n\n\
		What acts at once ends by itself. Each power is used in *spells*: whatever is stopped while one runs ends with it, and then the power rests\n\
		{REST} times as long as the spell lasted. So it is in use for at most **{LARGEST_SHARE} % of the time**, whoever holds it and whatever is named in turn;\n\
		operators and feeds are one power, calls, safe mode and members of the committee one each. Spells and rests count blocks. A referendum of\n\
		`risk_adjust`, Root, or two thirds of the committee end them early. The view `emergency.powers` says what is stopped, until when, and from which\n\
		block on a power may be used again. While it rests, `emergency.suspend` fails with `PowerResting`, `txPause.pause` and `safeMode.forceEnter` with\n\
		`BadOrigin`.\n\n\
		Acts within a block ({}) of the last vote that is needed, and so does everything below. Repaying, topping up, closing a vault without debt,\n\
		withdrawing from the stability pool, claiming and cancelling stay open in every row.\n\n\
		| What is stopped | By whom | Call | Ends by itself | Largest share of the time | What else stays open |\n\
		|---|---|---|---|---|---|\n",
		time(SLOT_DURATION.into()),
	);
	for stopped in Stopped::ALL {
		let row = stopped.row();
		let (ends, share) = match row.ends {
			End::Spell { short, long } if short == long => (blocks(short), format!("{LARGEST_SHARE} %")),
			End::Spell { short, long } => (
				format!(
					"{}; {} with two thirds of the committee",
					blocks(short),
					blocks(long)
				),
				format!("{LARGEST_SHARE} %"),
			),
			End::Levels => (
				"one level after `BreakerDwell` and `BreakerCooldown` each".into(),
				"40 % per subject at the defaults".into(),
			),
		};
		let _ = writeln!(
			out,
			"| {} | {} | {} | {ends} | {share} | {} |",
			row.stops, row.by, row.call, row.open
		);
	}
	out += "\n## What rogue holders can do\n\n\
		- **A third of the committee** can keep new risk out for part of the time, and cut ceilings. Any number of others suspends it (last row).\n\
		- **Half of it** can stop prices for a quarter of the time: six hours of every twenty-four. It cannot choose a price: while any\n\
		  operator is suspended a price takes more than half of all of them, so that suspending honest ones makes no majority of the others, and with\n\
		  two of five suspended there is no price.\n\
		- **Two thirds of it** can do the same for a day of every four, and whitelist a call; the vote on it is everybody's.\n\
		- Each power rests by itself: in turn, calls, safe mode and prices keep *something* stopped for up to three quarters of the time.\n\
		- Members are removed for good by Root, which a whitelisted call is within 18.5 hours: a suspension of a day reaches that far.\n";
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
	let defaults = match defaults::defaults(&runtime.join("examples/docs/data")) {
		Ok(defaults) => defaults,
		Err(error) => {
			eprintln!("runtime/examples/docs/data: {error}");
			return ExitCode::FAILURE;
		}
	};
	let mut stale = false;
	for (file, text) in [
		("parameters.md", parameters()),
		("governance.md", governance()),
		("powers.md", powers()),
		("costs.md", costs),
		("defaults.md", defaults),
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
