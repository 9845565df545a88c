//! What branches and vaults are made of, and what the views answer with.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_math::{interest, mul_div, mul_ratio, value, FixedU128, Rounding};
use keel_primitives::{
	AssetId, Balance, BranchId, BranchParameters, Entry, FeedId, Level, Meter, Moment, Window,
};
use scale_info::TypeInfo;
use sp_runtime::{ArithmeticError, DispatchError};

/// One collateral against the synthetic: its clock, its totals and its issuance ledger.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Branch {
	/// The collateral asset.
	pub collateral: AssetId,
	/// Its price feed.
	pub feed: FeedId,
	/// [`value::price_divisor`] of the collateral's and the synthetic's decimals.
	pub divisor: u128,
	/// The rate index, a ray: debt in base units is `normalised × index`, rounded up.
	pub rate_index: u128,
	/// Up to when the index has been compounded, in ms; zero until the chain has a time.
	pub accrued_at: Moment,
	/// Annual interest charged from `accrued_at` on, `1` being 100 %: the governed fee at the last visit. A
	/// fee that changes is charged from the visit after the change on, never for the time before.
	pub fee: FixedU128,
	/// Interest that vaults owe and that was not minted yet, in base units of kUSD.
	pub unminted: Balance,
	/// The liquidation ratio existing vaults are held to.
	pub ramped_ratio: FixedU128,
	/// The highest liquidation penalty existing vaults are charged: a raised one arrives on the ramp.
	pub ramped_penalty: FixedU128,
	/// The highest target margin existing vaults are liquidated to: a raised one arrives on the ramp.
	pub ramped_margin: FixedU128,
	/// When the hook last visited, in ms; zero until the chain has a time.
	pub ramped_at: Moment,
	/// Sum of the vaults' normalised debt.
	pub total_normalised: u128,
	/// Sum of the vaults' collateral, in base units; with the pot of a settlement exactly what the branch's account holds.
	pub total_collateral: Balance,
	/// Synthetic in existence because of this branch, in base units: + minted, + interest minted, − repaid, −
	/// taken over by liquidations; after a shutdown − what the fund carries, − redeemed. Below zero once
	/// interest lost to rounding, or not minted yet, has been repaid.
	pub issued: i128,
	/// Operations that rounded. Each may have widened the gap between debt and `issued` by one unit of normalised
	/// debt; bounds the gap.
	pub operations: u64,
	/// Sum of the collateral of vaults that owe, in base units.
	pub held: Balance,
	/// Synthetic minted by owners, less what anybody repaid, in base units.
	pub minted: Window,
	/// Collateral that vaults which go on owing gave out on balance, in base units: the sum of what each
	/// took. See [`Branch::count_exit`].
	pub withdrawn: Window,
	/// Collateral that came under a debt on balance, in base units: the sum of the vaults' credits.
	pub entered: Window,
	/// Collateral that ceased to back debt. See [`Branch::backing`].
	pub leaving: Leaving,
	/// Debt liquidated, in base units.
	pub liquidated: Meter,
	/// How the branch ends; `None` unless it was shut down.
	pub settlement: Option<Settlement>,
}

/// Collateral that ceased to back debt, less what began to, in base units, and how much of it stayed away.
///
/// A fuse reads what stayed: what left within the hour, less what left within the last minutes. So a burst
/// that comes back raises nothing, and one that stays away reads most, 58 % of it, after 22 minutes: with `m
/// = t / 60 min` the reading is `e^(−m) − e^(−6·m)` of it. A steady flow reads 83 % of an hour's.
///
/// What came is remembered for about a day, and as much may leave again without being counted: else whoever
/// enters, waits for an hour and leaves would raise the branch for the interest of that hour. Worked: of 200
/// that came 18 hours ago `200 × e^(−0.75)` = 94.5 leave uncounted.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Leaving {
	/// What left within about an hour.
	hour: Window,
	/// What left within about ten minutes: a window whose clock runs six times as fast.
	recent: Window,
	/// What came within about a day beyond what had left: the credit of a window whose clock takes a day for
	/// an hour.
	came: Window,
}

impl Leaving {
	/// How much faster the clock of `recent` runs.
	const FASTER: Moment = 6;
	/// How much slower the clock of `came` runs.
	const SLOWER: Moment = 24;

	/// Counts `amount` that ceased to back debt.
	pub fn left(&mut self, now: Moment, amount: Balance) {
		let slow = now / Self::SLOWER;
		let covered = amount.min(self.came.credit(slow));
		self.came.add(slow, covered);
		// Safe: at most the amount.
		let counted = amount.saturating_sub(covered);
		self.hour.add(now, counted);
		self.recent.add(now.saturating_mul(Self::FASTER), counted);
	}

	/// Counts `amount` that began to.
	pub fn came(&mut self, now: Moment, amount: Balance) {
		let restored = amount.min(self.away(now));
		self.hour.refund(now, restored);
		let fast = now.saturating_mul(Self::FASTER);
		self.recent.refund(fast, amount.min(self.recent.used(fast)));
		// Safe: at most the amount.
		self.came
			.refund(now / Self::SLOWER, amount.saturating_sub(restored));
	}

	/// What left within about an hour, on balance.
	pub fn away(&self, now: Moment) -> Balance {
		self.hour.used(now)
	}

	/// The part of [`away`](Self::away) that has been away for minutes.
	pub fn stayed(&self, now: Moment) -> Balance {
		let recent = self.recent.used(now.saturating_mul(Self::FASTER));
		self.away(now).saturating_sub(recent)
	}
}

/// How long after a shutdown no vault is settled, in ms of active time: an hour of blocks in which owners
/// repay, top up and close.
pub const GRACE_MS: Moment = 3_600_000;

/// How long kUSD may be redeemed for the pot of a settled branch, in ms of active time: 30 days, for holders
/// to hear of it. After that what is left is sold, so that no pot lies for ever while its price moves away
/// from the one that was locked.
pub const REDEEM_MS: Moment = 30 * 86_400_000;

/// The end of a branch: what its vaults gave, and how much may still be claimed of it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Settlement {
	/// What the vaults are settled at, USD per whole unit: the lower of spot and its average, or what was
	/// named because the feed was dead. Zero if there never was a price, which takes a branch without debt.
	pub price: FixedU128,
	/// When the branch was shut down, in ms.
	pub at: Moment,
	/// The same in active time, which the grace period is counted in.
	pub active_at: Moment,
	/// Collateral the settled vaults gave and nobody has redeemed, in base units.
	pub pot: Balance,
	/// Normalised debt that was settled.
	pub settled: u128,
	/// kUSD that may still be redeemed, in base units; `None` until no vault owes anything.
	pub claims: Option<Balance>,
	/// Active time up to which it may be redeemed, in ms; zero until the claims are known.
	pub active_until: Moment,
}

impl Settlement {
	/// Settlement at `price` from `now` on, an active time of `active`; nothing settled yet.
	pub fn new(price: FixedU128, now: Moment, active: Moment) -> Self {
		Self {
			price,
			at: now,
			active_at: active,
			pot: 0,
			settled: 0,
			claims: None,
			active_until: 0,
		}
	}

	/// Active time left at `active` until vaults are settled, in ms; zero once they are.
	pub fn settles_in(&self, active: Moment) -> Moment {
		GRACE_MS.saturating_sub(active.saturating_sub(self.active_at))
	}

	/// Returns `true` if the chain has something to do by itself: vaults to settle, claims to fix, a pot that
	/// nobody can claim or whose time is over.
	pub fn is_open(&self, active: Moment) -> bool {
		match self.claims {
			None => true,
			Some(0) => self.pot > 0,
			Some(_) => self.is_expired(active),
		}
	}

	/// Returns `true` if there are claims whose time is over.
	pub fn is_expired(&self, active: Moment) -> bool {
		self.claims.is_some_and(|claims| claims > 0) && active >= self.active_until
	}

	/// Returns `true` if everything was settled and redeemed, or sold.
	pub fn is_over(&self) -> bool {
		self.claims == Some(0) && self.pot == 0
	}

	/// What is redeemed for `amount` of kUSD, the burned part capped at the claims and the collateral rounded down: the rest
	/// gets no less for it. `None` before the claims are known, or if their quotient overflows.
	pub fn share(&self, amount: Balance) -> Option<Redemption> {
		let claims = self.claims?;
		let burned = amount.min(claims);
		let collateral = match burned {
			0 => 0,
			burned => mul_div(self.pot, burned, claims, Rounding::Down)?,
		};
		Some(Redemption { burned, collateral })
	}
}

/// What kUSD gets out of the pot of a settled branch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Redemption {
	/// kUSD burned, in base units.
	pub burned: Balance,
	/// Collateral paid, in base units.
	pub collateral: Balance,
}

impl Branch {
	/// A branch without vaults whose clock starts at `now`.
	pub fn new(
		collateral: AssetId,
		feed: FeedId,
		divisor: u128,
		parameters: &BranchParameters,
		now: Moment,
	) -> Self {
		Self {
			collateral,
			feed,
			divisor,
			rate_index: keel_math::RAY,
			accrued_at: now,
			fee: parameters.stability_fee,
			unminted: 0,
			ramped_ratio: parameters.liquidation_ratio,
			ramped_penalty: parameters.liquidation_penalty,
			ramped_margin: parameters.target_margin,
			ramped_at: now,
			total_normalised: 0,
			total_collateral: 0,
			issued: 0,
			operations: 0,
			held: 0,
			minted: Window::default(),
			withdrawn: Window::default(),
			entered: Window::default(),
			leaving: Leaving::default(),
			liquidated: Meter::default(),
			settlement: None,
		}
	}

	/// Advance the index to the last whole second before `now`, at the fee in force. The interest is owed
	/// from here on; it is minted when there is room for it. Returns it, in base units. Changes nothing on
	/// overflow, which an index that left the branch's debt beyond the type would be: it would lock its
	/// vaults.
	pub fn accrue(&mut self, now: Moment) -> Result<Balance, DispatchError> {
		// Time does not run backwards; if it did, nothing would accrue.
		let seconds = now.saturating_sub(self.accrued_at) / 1_000;
		let index = interest::compound(self.rate_index, self.fee, seconds).ok_or_else(overflow)?;
		let interest =
			interest::accrued(self.total_normalised, self.rate_index, index).ok_or_else(overflow)?;
		let unminted = self.unminted.checked_add(interest).ok_or_else(overflow)?;
		debt_of(self.total_normalised, index)?;
		self.rate_index = index;
		// At most `now`.
		self.accrued_at = self.accrued_at.saturating_add(seconds.saturating_mul(1_000));
		self.unminted = unminted;
		self.count();
		Ok(interest)
	}

	/// Book `amount` of interest as minted.
	pub fn mint_interest(&mut self, amount: Balance) -> Result<(), DispatchError> {
		let unminted = self.unminted.checked_sub(amount).ok_or_else(overflow)?;
		let minted = i128::try_from(amount).map_err(|_| overflow())?;
		self.issued = self.issued.checked_add(minted).ok_or_else(overflow)?;
		self.unminted = unminted;
		Ok(())
	}

	/// What all vaults together owe at the stored index, in base units, rounded up.
	pub fn debt(&self) -> Result<Balance, DispatchError> {
		debt_of(self.total_normalised, self.rate_index)
	}

	/// The trigger above which a vault is unsafe at `price`. See [`value::threshold`].
	pub fn threshold(&self, price: FixedU128) -> Result<u128, DispatchError> {
		value::threshold(price, self.rate_index, self.ramped_ratio).ok_or_else(overflow)
	}

	/// The part of `collateral` that stands behind `debt` at `price`: `debt × ramped ratio / price`, each
	/// step rounded up, or all there is if that is less. What is over, and all of it without debt, backs
	/// nothing: it may come and go and says nothing about the branch.
	pub fn backing(&self, collateral: Balance, debt: Balance, price: FixedU128) -> Balance {
		if debt == 0 {
			return 0;
		}
		mul_ratio(debt, self.ramped_ratio, Rounding::Up)
			.and_then(|worth| value::amount_for(worth, price, self.divisor, Rounding::Up))
			// Beyond the type, or at a price of zero: more than there is.
			.map_or(collateral, |needed| needed.min(collateral))
	}

	/// Counts collateral that backed debt before a change, less what does after it, as having left; the other
	/// way round as having come in. Going back in takes new debt, which a raised breaker refuses.
	pub(crate) fn count_backing(&mut self, now: Moment, before: Balance, after: Balance) {
		match before.abs_diff(after) {
			0 => (),
			left if before > after => self.leaving.left(now, left),
			came => self.leaving.came(now, came),
		}
	}

	/// Counts what an owner's change does to collateral held under a debt.
	///
	/// Each vault has a window of its own without a limit: what it gives out while it goes on owing, less
	/// what comes in under its debt. What it took on balance fills the branch's window. What came in on
	/// balance is its credit: it may go out again, and is no part of what the branch's limit is a share of.
	/// So an inflow restores what the same vault took and no more, and a deposit that goes out elsewhere
	/// widens nothing.
	///
	/// An owner that ends without debt leaves none behind: what the vault took is given back, as if it had
	/// been repaid first, and its credit is gone with it.
	pub(crate) fn count_exit<A>(&mut self, now: Moment, before: &Vault<A>, after: &mut Vault<A>) {
		let (held, holds) = (before.held(), after.held());
		if after.normalised_debt == 0 {
			after.exits = Window::default();
		} else {
			match held.abs_diff(holds) {
				0 => return,
				left if held > holds => after.exits.add(now, left),
				came => after.exits.refund(now, came),
			}
		}
		self.withdrawn.follow_used(now, &before.exits, &after.exits);
		self.entered.follow_credit(now, &before.exits, &after.exits);
	}

	/// Takes back what `vault` is credited beyond what it still holds, after a liquidation; all of it without
	/// debt. What it took stays taken: the collateral that was left behind was too little.
	pub(crate) fn trim_credit<A>(&mut self, now: Moment, vault: &mut Vault<A>) {
		let before = vault.exits;
		if vault.normalised_debt == 0 {
			vault.exits = Window::default();
		} else {
			let gone = before.credit(now).saturating_sub(vault.collateral);
			if gone == 0 {
				return;
			}
			vault.exits.add(now, gone);
		}
		self.entered.follow_credit(now, &before, &vault.exits);
	}

	/// What the exit window is a share of: collateral that vaults which owe would hold, had nothing of the
	/// last hour's moves been made.
	pub(crate) fn settled_collateral(&self, now: Moment) -> Balance {
		// Saturates far above any supply.
		self.held
			.saturating_add(self.withdrawn.used(now))
			.saturating_sub(self.entered.used(now))
	}

	/// Moves the collateral held under a debt from what `before` held to what `after` does. `None` on
	/// overflow.
	pub(crate) fn rehold<A>(&mut self, before: &Vault<A>, after: &Vault<A>) -> Option<()> {
		self.held = self.held.checked_sub(before.held())?.checked_add(after.held())?;
		Some(())
	}

	/// How much more may be issued under `ceiling`.
	pub fn ceiling_left(&self, ceiling: Balance) -> Balance {
		match u128::try_from(self.issued) {
			Ok(issued) => ceiling.saturating_sub(issued),
			// Saturates at "no limit", which the ceiling's type can't express anyway.
			Err(_) => ceiling.saturating_add(self.issued.unsigned_abs()),
		}
	}

	/// Book `amount` of synthetic into existence.
	pub fn issue(&mut self, amount: Balance) -> Result<(), DispatchError> {
		let amount = i128::try_from(amount).map_err(|_| overflow())?;
		self.issued = self.issued.checked_add(amount).ok_or_else(overflow)?;
		self.count();
		Ok(())
	}

	/// Book `amount` of synthetic out of existence, or over to whoever carries it now.
	pub fn retire(&mut self, amount: Balance) -> Result<(), DispatchError> {
		let amount = i128::try_from(amount).map_err(|_| overflow())?;
		self.issued = self.issued.checked_sub(amount).ok_or_else(overflow)?;
		self.count();
		Ok(())
	}

	fn count(&mut self) {
		// Saturates after 2⁶⁴ operations, which no chain lives to see.
		self.operations = self.operations.saturating_add(1);
	}
}

/// One owner's debt against one collateral.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Vault<AccountId> {
	/// Who may adjust and close it, and gets what is left.
	pub owner: AccountId,
	/// Its branch.
	pub branch: BranchId,
	/// Collateral in base units.
	pub collateral: Balance,
	/// Debt divided by the branch's rate index.
	pub normalised_debt: u128,
	/// When its trigger last rose, in ms: no price up to then liquidates it.
	pub risk_added_at: Moment,
	/// KEEL held from the owner until the vault is removed, in base units.
	pub deposit: Balance,
	/// The least it may owe unless it owes nothing, in base units of the synthetic: the branch's minimum when
	/// it last minted, or a lower one since.
	pub minimum_debt: Balance,
	/// Collateral given out under a debt, less what came in, in base units. Empty without debt. See
	/// [`Branch::count_exit`].
	pub exits: Window,
}

impl<AccountId> Vault<AccountId> {
	/// What it owes at `rate_index`, in base units, rounded up.
	pub fn debt(&self, rate_index: u128) -> Result<Balance, DispatchError> {
		debt_of(self.normalised_debt, rate_index)
	}

	/// Its trigger; `None` without debt. See [`value::trigger`].
	pub fn trigger(&self, divisor: u128) -> Option<u128> {
		value::trigger(self.normalised_debt, self.collateral, divisor)
	}

	/// Collateral held under a debt, in base units: all of it, or none without debt.
	pub(crate) fn held(&self) -> Balance {
		match self.normalised_debt {
			0 => 0,
			_ => self.collateral,
		}
	}

	/// Where it stands in the trigger index; `None` without debt.
	pub fn entry(&self, divisor: u128) -> Option<Entry> {
		let debt = self.normalised_debt;
		self.trigger(divisor).map(|trigger| Entry { trigger, debt })
	}
}

/// What an owner wants done to one side of a vault, in base units.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Change {
	/// Leave it.
	Keep,
	/// Deposit collateral, or mint debt.
	Increase(Balance),
	/// Withdraw collateral, or repay debt. The largest number of the type means all of it.
	Decrease(Balance),
}

/// What a change does to a vault and its branch, worked out and allowed but not yet done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan<AccountId> {
	/// The vault afterwards.
	pub vault: Vault<AccountId>,
	/// Its branch afterwards.
	pub branch: Branch,
	/// The vault's place in the trigger index before …
	pub old_entry: Option<Entry>,
	/// … and after.
	pub new_entry: Option<Entry>,
	/// Debt afterwards, in base units.
	pub debt: Balance,
	/// Collateral coming in.
	pub deposited: Balance,
	/// Collateral going to the owner.
	pub withdrawn: Balance,
	/// Synthetic minted to the owner.
	pub minted: Balance,
	/// Synthetic burned.
	pub repaid: Balance,
}

impl<AccountId> Plan<AccountId> {
	/// Collateral it takes of the exit window.
	pub fn taken(&self, before: &Branch, now: Moment) -> Balance {
		let used = self.branch.withdrawn.used(now);
		used.saturating_sub(before.withdrawn.used(now))
	}

	/// Does it move the trigger up?
	pub fn adds_risk(&self) -> bool {
		let trigger = |entry: &Option<Entry>| entry.map(|entry| entry.trigger);
		// `None`, no debt, orders below every trigger.
		trigger(&self.new_entry) > trigger(&self.old_entry)
	}

	/// Does it mint, or move the trigger up?
	pub fn is_riskier(&self) -> bool {
		self.minted > 0 || self.adds_risk()
	}

	/// Does collateral leave a vault that goes on owing?
	pub fn leaves_owing(&self) -> bool {
		self.withdrawn > 0 && self.debt > 0
	}

	/// Does it move nothing at all?
	pub fn is_empty(&self) -> bool {
		self.deposited == 0 && self.withdrawn == 0 && self.minted == 0 && self.repaid == 0
	}

	/// For whoever asked what would happen.
	pub fn preview(&self) -> Preview {
		Preview {
			deposited: self.deposited,
			withdrawn: self.withdrawn,
			minted: self.minted,
			repaid: self.repaid,
			collateral: self.vault.collateral,
			debt: self.debt,
			adds_risk: self.adds_risk(),
			liquidation_price: liquidation_price(&self.branch, &self.vault),
		}
	}
}

/// What a call would do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Preview {
	/// Collateral the owner pays in, in base units.
	pub deposited: Balance,
	/// Collateral the owner gets, in base units.
	pub withdrawn: Balance,
	/// kUSD the owner gets, in base units.
	pub minted: Balance,
	/// kUSD the owner pays, in base units.
	pub repaid: Balance,
	/// The vault's collateral afterwards, in base units.
	pub collateral: Balance,
	/// The vault's debt afterwards, in base units of kUSD.
	pub debt: Balance,
	/// Whether it would move the vault closer to liquidation.
	pub adds_risk: bool,
	/// The price below which the vault would be unsafe afterwards, USD per whole unit; none without debt.
	pub liquidation_price: Option<FixedU128>,
}

/// How a vault is.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Health {
	/// Collateral in base units.
	pub collateral: Balance,
	/// Debt in base units of kUSD, with interest up to the stored index.
	pub debt: Balance,
	/// The least it may be repaid to unless it is repaid in full, in base units of kUSD.
	pub minimum_debt: Balance,
	/// What the collateral is worth, in base units of kUSD, rounded down; none while the price is refused.
	pub value: Option<Balance>,
	/// Collateral value over debt, `1` being 100 %; none without debt or while the price is refused.
	pub ratio: Option<FixedU128>,
	/// The liquidation ratio existing vaults are held to now.
	pub liquidation_ratio: FixedU128,
	/// Where that ratio is heading.
	pub liquidation_ratio_target: FixedU128,
	/// The price below which the vault is unsafe, USD per whole unit; none without debt.
	pub liquidation_price: Option<FixedU128>,
	/// Whether the vault is safe at the price liquidations use, or why nobody is liquidated now.
	pub safe: Result<bool, DispatchError>,
}

/// How a branch is.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct BranchSummary<AccountId> {
	/// The collateral asset.
	pub collateral_asset: AssetId,
	/// Its price feed.
	pub feed: FeedId,
	/// Who holds the collateral.
	pub account: AccountId,
	/// Collateral of all vaults, in base units.
	pub collateral: Balance,
	/// What all vaults owe, in base units of kUSD.
	pub debt: Balance,
	/// kUSD in existence because of this branch, in base units.
	pub issued: i128,
	/// The most it may have issued, in base units of kUSD.
	pub ceiling: Balance,
	/// How much may still be issued, in base units of kUSD: of a part of the ceiling while the breaker is raised.
	pub ceiling_left: Balance,
	/// The level of the branch's breaker, the chain's included.
	pub level: Level,
	/// The level minting is held to: the branch's or higher.
	pub mint_level: Level,
	/// The most kUSD, in base units, that the window of an hour lets out now.
	pub mint_room: Balance,
	/// The most collateral, in base units, that the window of an hour lets out of vaults that go on owing,
	/// beside what each put in within the hour.
	pub exit_room: Balance,
	/// Whether it was shut down; `shutdown` says how that goes.
	pub shut_down: bool,
	/// The least a vault that mints now may owe, in base units of kUSD.
	pub minimum_debt: Balance,
	/// Annual interest, `1` being 100 %: the governed one, charged from the next visit on, at most a minute
	/// away.
	pub stability_fee: FixedU128,
	/// Interest that is owed and waits to be minted to the insurance fund, in base units of kUSD.
	pub unminted: Balance,
	/// The rate index, with 27 decimals.
	pub rate_index: u128,
	/// The liquidation ratio existing vaults are held to now.
	pub liquidation_ratio: FixedU128,
	/// Where that ratio is heading.
	pub liquidation_ratio_target: FixedU128,
	/// What new risk has to meet: the higher of the two plus the safety margin, and the guarded one while the breaker is raised.
	pub required_ratio: FixedU128,
}

/// How the settlement of a branch that was shut down goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ShutdownView {
	/// What vaults are settled at, USD per whole unit.
	pub price: FixedU128,
	/// When the branch was shut down, in ms.
	pub at: Moment,
	/// How long until vaults are settled, in ms; zero once they are. Until then owners may repay, top up and
	/// close. A time without blocks does not count.
	pub settles_in: Moment,
	/// Whether there are vaults to settle. They are, by themselves; `settle` is quicker.
	pub vaults_left: bool,
	/// What those owe, in base units of kUSD.
	pub debt_left: Balance,
	/// Collateral to be redeemed, in base units.
	pub pot: Balance,
	/// kUSD that may be redeemed for it, in base units; none until every vault is settled.
	pub claims: Option<Balance>,
	/// Active time left to redeem it, in ms; none until the claims are known. Then the rest of the pot is
	/// sold.
	pub redeem_in: Option<Moment>,
	/// What a kUSD gets, in USD at that price, rounded down, `1` being in full; less only if the insurance
	/// fund failed. None without claims.
	pub rate: Option<FixedU128>,
}

/// The price below which `vault` is unsafe, USD per whole unit, rounded up. `None` without debt, in a branch that was shut
/// down, or on overflow.
pub(crate) fn liquidation_price<AccountId>(branch: &Branch, vault: &Vault<AccountId>) -> Option<FixedU128> {
	if branch.settlement.is_some() {
		return None;
	}
	value::liquidation_price(
		vault.trigger(branch.divisor)?,
		branch.rate_index,
		branch.ramped_ratio,
	)
}

/// Normalised debt in base units, rounded up.
pub(crate) fn debt_of(normalised: u128, rate_index: u128) -> Result<Balance, DispatchError> {
	interest::debt_of(normalised, rate_index).ok_or_else(overflow)
}

/// What every failed checked operation becomes.
pub(crate) fn overflow() -> DispatchError {
	ArithmeticError::Overflow.into()
}
