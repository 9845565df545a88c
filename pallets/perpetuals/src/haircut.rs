//! The last step of the waterfall: what the pool can't pay is taken from unrealised profits, the same share of each.
//!
//! When the pool owes more than it has, a **cut** is announced: a share of what every winner has in profit at the prices of
//! that moment, at most the deficit in sum. The ladders say how much profit there is without a look at positions. A cut is taken
//! out of a position when the next thing happens to it, whatever that is; until then whatever shows the position shows it without the
//! cut, and the pool owes as much less from the beginning. So who is first to close gets no more than who is last.
//!
//! A position remembers how many cuts it has seen, and there is a ladder for each such number: what a later cut finds in a
//! ladder that has not seen earlier ones is what those leave. Who wins is decided for all positions of one tick of one ladder alike, by the
//! end of the tick that is nearest to losing, moved by the cuts as a break-even price is: the same for the sum and for each.
//!
//! All rounding favours the winners: the share is rounded down and so is each part; what rounding leaves of a deficit stays with the
//! pool. What is announced is less than that by what rounding may keep back, so that it is taken in the end.
//!
//! At most [`MAX_CUTS`] cuts are remembered. The more there are, the larger the share that makes another one worth it: a
//! deficit below that stays until it grows. A cut is forgotten when every position has seen it and it is repaid.

use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{
	pallet_prelude::Get,
	traits::{ConstU32, Time},
	weights::{Weight, WeightMeter},
	BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound,
};
use keel_math::{mul_div, mul_ratio, FixedU128, Rounding, ONE};
use keel_primitives::{Balance, MarginAccountId, MarketId, Moment};
use scale_info::TypeInfo;

use crate::{
	profits::{step, Front, Slice},
	Book, BookOf, Claims, Config, Cuts, Event, Ladders, Pallet, Position, WeightInfo,
};

/// The most cuts that are remembered.
pub const MAX_CUTS: u32 = 64;

/// What a cut needs at least as a share of profits for each one that is remembered: a twentieth of a per cent.
const LEAST_SHARE: u128 = ONE / 2_000;

/// The most base units that rounding makes of a position and a cut.
const ROUNDING: u128 = 4;

const LOG: &str = "runtime::perpetuals";

/// A market as a cut found it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Mark {
	/// The market.
	pub market: MarketId,
	/// Its mark.
	pub mark: FixedU128,
	/// Its funding index.
	pub funding_index: i128,
}

/// A cut of unrealised profits, and what became of it. Money is in base units of kUSD.
#[derive(
	CloneNoBound, PartialEqNoBound, EqNoBound, DebugNoBound, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
#[scale_info(skip_type_params(M))]
#[codec(mel_bound())]
pub struct Cut<M: Get<u32>> {
	/// Its number: how many there were before.
	pub number: u32,
	/// When it was made.
	pub at: Moment,
	/// The share of every profit.
	pub rate: FixedU128,
	/// What was announced: a little less than what is collected in the end.
	pub taken: Balance,
	/// What was taken out of positions so far.
	pub collected: Balance,
	/// What came back out of fees.
	pub repaid: Balance,
	/// What of that was claimed.
	pub paid: Balance,
	/// How many claims there are that are not paid in full.
	pub open: u32,
	/// The markets that were not settled.
	pub marks: BoundedVec<Mark, M>,
}

/// The cut of a runtime.
pub type CutOf<T> = Cut<<T as Config>::MaxMarkets>;

/// The cuts of a runtime.
pub type CutsOf<T> = BoundedVec<CutOf<T>, ConstU32<MAX_CUTS>>;

impl<M: Get<u32>> Cut<M> {
	/// Announced, and not taken out of positions yet.
	pub fn outstanding(&self) -> Balance {
		self.taken.saturating_sub(self.collected)
	}

	/// What is to be repaid in all.
	pub fn to_repay(&self) -> Balance {
		self.taken.max(self.collected)
	}

	/// What of that is not yet.
	pub fn unrepaid(&self) -> Balance {
		self.to_repay().saturating_sub(self.repaid)
	}

	/// Is everything taken, repaid and claimed, for those who have seen it?
	fn is_over(&self) -> bool {
		self.open == 0 && self.outstanding() == 0 && self.unrepaid() == 0 && self.paid == self.repaid
	}

	/// The cut as `market` sees it.
	pub(crate) fn slice(&self, market: MarketId) -> Option<Slice> {
		let mark = self.marks.iter().find(|mark| mark.market == market)?;
		Some(Slice::new(self.rate, mark.mark, mark.funding_index))
	}
}

/// `position` after those of `cuts` it has not seen, and what each of them takes from it: number and amount. What
/// overflows takes nothing.
pub(crate) fn after<M: Get<u32>>(cuts: &[Cut<M>], position: &Position) -> (Position, Vec<(u32, Balance)>) {
	let mut position = *position;
	let mut shares = Vec::new();
	let Some((is_long, step)) = step(&position) else {
		return (position, shares);
	};
	let mut front = Front::of(is_long, step.tick);
	let seen = position.cuts_seen;
	for cut in cuts.iter().filter(|cut| cut.number >= seen) {
		position.cuts_seen = cut.number.saturating_add(1);
		let share = cut
			.slice(position.market)
			.and_then(|slice| front.share(&position, &slice));
		let cost = share.and_then(|share| position.cost.checked_add_unsigned(share));
		if let (Some(share), Some(cost)) = (share.filter(|share| *share > 0), cost) {
			position.cost = cost;
			shares.push((cut.number, share));
		}
	}
	(position, shares)
}

/// What is to be done about a deficit.
pub(crate) enum Plan<T: Config> {
	/// These are the cuts then, the new one last.
	Cut(Vec<CutOf<T>>),
	/// Nothing: it is what rounding left of one before.
	Rounding,
	/// Nothing can be.
	Nothing,
}

impl<T: Config> Pallet<T> {
	/// The profit of all who win now in markets that are not settled, or in `only` one, after the cuts they have not seen; the fewest cuts
	/// that any position has seen. `None` on overflow.
	pub(crate) fn winning(
		book: &BookOf<T>,
		cuts: &[CutOf<T>],
		only: Option<MarketId>,
	) -> Option<(Balance, u32)> {
		Ladders::<T>::iter().try_fold((0u128, book.cuts), |(sum, fewest), (id, seen, ladder)| {
			let fewest = fewest.min(seen);
			let market = book
				.market(id)
				.filter(|market| !market.is_settled() && only.is_none_or(|only| only == id));
			let Some(market) = market else {
				return Some((sum, fewest));
			};
			let slices: Vec<_> = cuts
				.iter()
				.filter(|cut| cut.number >= seen)
				.filter_map(|cut| cut.slice(id))
				.collect();
			let profit = ladder.winning_after(&slices, market.net_mark().into_inner())?;
			Some((sum.checked_add(profit)?, fewest))
		})
	}

	/// What to do about `deficit`.
	pub(crate) fn plan(book: &BookOf<T>, deficit: Balance) -> Plan<T> {
		Self::cut_for(book, deficit).unwrap_or(Plan::Nothing)
	}

	fn cut_for(book: &BookOf<T>, deficit: Balance) -> Option<Plan<T>> {
		let mut cuts = Cuts::<T>::get().into_inner();
		let open = || book.markets.iter().filter(|market| !market.is_settled());
		let positions = open().fold(0u128, |sum, market| sum.saturating_add(market.positions.into()));
		let each = positions.checked_mul(ROUNDING)?;
		// What rounding may have made of the sum of what earlier cuts left.
		let earlier = each.checked_mul(cuts.len() as u128)?;
		let rounding = each.checked_add(earlier)?;
		if !cuts.is_empty() && deficit <= rounding {
			return Some(Plan::Rounding);
		}
		let (winning, fewest) = Self::winning(book, &cuts, None)?;
		cuts.retain(|cut| cut.number >= fewest || !cut.is_over());
		let rate = mul_div(deficit, ONE, winning.checked_add(earlier)?, Rounding::Down)?.min(ONE);
		let least = LEAST_SHARE.checked_mul(cuts.len() as u128)?;
		let rate = FixedU128::from_inner(rate);
		let taken = mul_ratio(winning, rate, Rounding::Down)?.saturating_sub(rounding);
		if rate.into_inner() < least || taken == 0 || cuts.len() >= MAX_CUTS as usize {
			return None;
		}
		let marks: Vec<_> = open()
			.map(|market| Mark {
				market: market.id,
				mark: market.mark(),
				funding_index: market.funding_index,
			})
			.collect();
		cuts.push(Cut {
			number: book.cuts,
			at: T::Time::now(),
			rate,
			taken,
			collected: 0,
			repaid: 0,
			paid: 0,
			open: 0,
			marks: marks.try_into().ok()?,
		});
		Some(Plan::Cut(cuts))
	}

	/// Announce the last of `cuts`. `None` on overflow, with nothing that may be used.
	fn announce(book: &mut BookOf<T>, cuts: Vec<CutOf<T>>, deficit: Balance) -> Option<()> {
		let cut = cuts.last()?;
		let (number, rate, taken) = (cut.number, cut.rate, cut.taken);
		book.cuts = number.checked_add(1)?;
		book.cut_at = cut.at;
		book.cut_outstanding = book.cut_outstanding.checked_add(taken)?;
		book.unrepaid = book.unrepaid.checked_add(taken)?;
		Cuts::<T>::put(CutsOf::<T>::try_from(cuts).ok()?);
		Book::<T>::put(book);
		Self::deposit_event(Event::HaircutApplied {
			number,
			deficit,
			rate,
			taken,
		});
		Some(())
	}

	/// If the pool owes traders more than it has, cut their profits, at most once a block; where that can't be done, say so, at
	/// most once a block.
	pub(crate) fn check_pool(meter: Option<&mut WeightMeter>) {
		let (mut book, now) = (Book::<T>::get(), T::Time::now());
		// What overflows has no sign.
		let Some(deficit) = Self::pool_equity(&book).ok().filter(|equity| *equity < 0) else {
			return;
		};
		let deficit = deficit.unsigned_abs();
		let paid = || {
			let weight = T::WeightInfo::apply_haircut(Self::ladders_at_most(&book));
			meter.is_none_or(|meter| meter.try_consume(weight).is_ok())
		};
		let first = book.cuts == 0 || book.cut_at != now;
		if first && paid() {
			match Self::plan(&book, deficit) {
				Plan::Cut(cuts) => {
					if Self::announce(&mut book.clone(), cuts, deficit).is_some() {
						return;
					}
				}
				Plan::Rounding => return,
				Plan::Nothing => {}
			}
		}
		if book.insolvent_at == now {
			return;
		}
		book.insolvent_at = now;
		Book::<T>::put(book);
		Self::deposit_event(Event::PoolInsolvent { deficit });
	}

	/// What bringing a position up to date with the cuts that are remembered adds to closing it.
	pub(crate) fn unseen_cuts_weight() -> Weight {
		match Cuts::<T>::decode_len().unwrap_or(0) as u32 {
			0 => Weight::zero(),
			cuts => T::WeightInfo::claim_recovery(cuts),
		}
	}

	/// The most ladders there are: one of each market for each cut that some position may not have seen, and the present one.
	pub(crate) fn ladders_at_most(book: &BookOf<T>) -> u32 {
		let cuts = Cuts::<T>::decode_len().unwrap_or(0) as u32;
		cuts.saturating_add(1).saturating_mul(book.markets.len() as u32)
	}

	/// `positions` after the cuts they have not seen. Reads those only if there are.
	pub(crate) fn after_cuts(book: &BookOf<T>, positions: &[Position]) -> Vec<Position> {
		if positions.iter().all(|position| position.cuts_seen >= book.cuts) {
			return positions.to_vec();
		}
		let cuts = Cuts::<T>::get();
		positions
			.iter()
			.map(|position| after(&cuts, position).0)
			.collect()
	}

	/// Take the cuts that `held`, a position of `account`, has not seen out of it: the position afterwards, whose ladder is the
	/// caller's to shift. The account claims what it lost.
	pub(crate) fn bring_up(book: &mut BookOf<T>, account: MarginAccountId, held: &Position) -> Position {
		let seen = Position {
			cuts_seen: book.cuts,
			..*held
		};
		if held.size == 0 || held.cuts_seen >= book.cuts {
			return seen;
		}
		let mut cuts = Cuts::<T>::get();
		let (cut, shares) = after(&cuts, held);
		let total = shares
			.iter()
			.fold(0u128, |sum, (_, share)| sum.saturating_add(*share));
		if total == 0
			|| book
				.market_mut(held.market)
				.and_then(|market| market.cut(total))
				.is_none()
		{
			return seen;
		}
		for (number, amount) in shares {
			let Some(cut) = cuts.iter_mut().find(|cut| cut.number == number) else {
				continue;
			};
			// kUSD has the same type: nothing of this saturates.
			let (outstanding, unrepaid) = (cut.outstanding(), cut.unrepaid());
			cut.collected = cut.collected.saturating_add(amount);
			let less = outstanding.saturating_sub(cut.outstanding());
			let more = cut.unrepaid().saturating_sub(unrepaid);
			book.cut_outstanding = book.cut_outstanding.saturating_sub(less);
			book.unrepaid = book.unrepaid.saturating_add(more);
			Claims::<T>::mutate(account, number, |claim| {
				if claim.cut == 0 {
					cut.open = cut.open.saturating_add(1);
				}
				claim.cut = claim.cut.saturating_add(amount);
			});
			Self::deposit_event(Event::ProfitCut {
				account,
				market: held.market,
				number,
				amount,
			});
		}
		Cuts::<T>::put(cuts);
		Position {
			cuts_seen: book.cuts,
			..cut
		}
	}

	/// A position of `market` became another one: put it where it stands now. A ladder that does not fit stays what it is, which
	/// `try_state` finds: it must not keep anybody from closing.
	pub(crate) fn shift(old: &Position, new: &Position) {
		if old.size == 0 || old.cuts_seen == new.cuts_seen {
			return Self::change_ladder(new.cuts_seen, old, new);
		}
		let none = Position {
			market: new.market,
			..Default::default()
		};
		Self::change_ladder(old.cuts_seen, old, &none);
		if new.size != 0 {
			Self::change_ladder(new.cuts_seen, &none, new);
		}
	}

	fn change_ladder(seen: u32, old: &Position, new: &Position) {
		let market = new.market;
		let mut ladder = Ladders::<T>::get(market, seen);
		match ladder.shift(old, new) {
			Some(()) if ladder.is_empty() => Ladders::<T>::remove(market, seen),
			Some(()) => Ladders::<T>::insert(market, seen, ladder),
			None => log::error!(
				target: LOG,
				"market {market}: the ladder of {seen} cuts does not fit {old:?} to {new:?}",
			),
		}
	}
}
