//! What the view functions answer. They go through the functions the calls go through.

use alloc::vec::Vec;
use frame_support::traits::{Get, Time};
use keel_math::{margin::Risk, mul_div, mul_ratio, FixedU128, Rounding, ONE};
use keel_primitives::{AssetId, Balance, Exposure, FeedId, MarginAccountId, Positioned, Positions};
use sp_runtime::DispatchError;

use crate::{
	after_haircut, overflow, AccountData, AccountOf, Accounts, Collateral, Collaterals, Config, Health, Leg,
	LenderView, Lenders, LendingState, LiquidationPrice, Pallet, RiskView, Statement, WithdrawalPreview,
	VIRTUAL_ASSETS, VIRTUAL_SHARES,
};

/// The highest price a search for a liquidation price looks at, as a multiple of today's.
const FARTHEST: u128 = 1_000;

/// The largest number in `0..=most` for which `holds`, which must not turn true again beyond the first for which it does not; zero
/// if none. Asks at most 128 times.
fn largest(most: u128, holds: impl Fn(u128) -> bool) -> u128 {
	let (mut low, mut high) = (0u128, most);
	while low < high {
		// Between the two, rounded up: above `low`, so that it ends.
		let middle = high - (high - low) / 2;
		if holds(middle) {
			low = middle;
		} else {
			high = middle - 1;
		}
	}
	low
}

impl<T: Config> Pallet<T> {
	pub(crate) fn view_accounts_of(owner: T::AccountId) -> Vec<(u8, MarginAccountId)> {
		let mut all: Vec<_> = AccountOf::<T>::iter_prefix(owner).collect();
		all.sort_unstable();
		all
	}

	fn view_health(id: MarginAccountId) -> Option<(AccountData<T>, Health)> {
		let account = Accounts::<T>::get(id)?;
		let health = Self::health(&account, &Self::money()).ok()?;
		Some((account, health))
	}

	pub(crate) fn view_statement(id: MarginAccountId) -> Option<Statement<T::AccountId>> {
		let (account, health) = Self::view_health(id)?;
		let free = Self::claimed_risk(&account, &health.exposures, health.held)
			.ok()?
			.free();
		let breach_in_ms = Self::breach_in(&account, &health, &Self::money());
		Some(Statement {
			account: id,
			sub: account.sub,
			cash: account.cash,
			debt: health.debt,
			equity: health.risk.net,
			initial: health.risk.initial,
			maintenance: health.risk.maintenance,
			free,
			held_for_orders: health.held,
			called: account.called,
			breach_in_ms,
			top_up: account.top_up,
			reduce: account.reduce.map(|reduction| reduction.share),
			changed_at: account.changed_at,
			for_sale_for: account
				.for_sale_since
				.map(|since| T::ActiveTime::now().saturating_sub(since)),
			owner: account.owner,
			collateral: health.holdings,
			exposures: health.exposures,
		})
	}

	/// Cash of `account` it can do without: all of it without positions, debt and orders, else what is
	/// above its initial requirement.
	pub(crate) fn spare_cash(account: &AccountData<T>) -> Result<Balance, DispatchError> {
		let Positioned { exposures, held, .. } = T::Positions::view(&account.trader);
		if Self::is_unclaimed(account, &exposures, held) {
			return Ok(account.cash);
		}
		let free = Self::claimed_risk(account, &exposures, held)?.free();
		Ok(account.cash.min(Balance::try_from(free).unwrap_or(0)))
	}

	pub(crate) fn view_withdrawable(owner: T::AccountId, sub: u8, asset: AssetId) -> Balance {
		let Some(id) = AccountOf::<T>::get(owner, sub) else {
			return 0;
		};
		let Some(account) = Accounts::<T>::get(id) else {
			return 0;
		};
		let Positioned {
			exposures,
			held: ordered,
			..
		} = T::Positions::view(&account.trader);
		let unclaimed = Self::is_unclaimed(&account, &exposures, ordered);
		if !unclaimed && Self::ensure_open().is_err() {
			return 0;
		}
		if asset == T::Synthetic::get() {
			return Self::spare_cash(&account).unwrap_or(0);
		}
		let held = account.held(asset);
		if unclaimed {
			return held;
		}
		let Ok(risk) = Self::claimed_risk(&account, &exposures, ordered) else {
			return 0;
		};
		let Some(collateral) = Self::collateral(asset) else {
			return 0;
		};
		let now = T::ActiveTime::now();
		let counted = Self::strict_value(&collateral, held, now);
		let meets = |amount: Balance| {
			let left = Self::strict_value(&collateral, held.saturating_sub(amount), now);
			risk.free()
				.saturating_sub_unsigned(counted)
				.saturating_add_unsigned(left)
				>= 0
		};
		match risk.is_initial() {
			true => largest(held, meets),
			false => 0,
		}
	}

	pub(crate) fn collateral(asset: AssetId) -> Option<Collateral> {
		Collaterals::<T>::get()
			.iter()
			.find(|collateral| collateral.asset == asset)
			.copied()
	}

	pub(crate) fn view_preview_withdrawal(
		owner: T::AccountId,
		sub: u8,
		asset: AssetId,
		amount: Balance,
	) -> Result<WithdrawalPreview, DispatchError> {
		let id = Self::id_of(&owner, sub)?;
		let (account, risk) = Self::plan_withdrawal(Self::account_data(id)?, asset, amount)?;
		let left = match asset == T::Synthetic::get() {
			true => account.cash,
			false => account.held(asset),
		};
		Ok(WithdrawalPreview {
			after: risk.into(),
			left,
		})
	}

	/// `risk` with one exposure at another mark. `None` on overflow.
	fn with_mark(risk: &Risk, exposure: &Exposure, mark: FixedU128) -> Option<Risk> {
		let moved = Self::moved_to(exposure, mark)?;
		let net = risk
			.net
			.checked_sub(exposure.unrealised)?
			.checked_add(moved.unrealised)?;
		let other = |sum: Balance, was: Balance, is: Balance| sum.checked_sub(was)?.checked_add(is);
		Some(Risk {
			net,
			initial: other(risk.initial, exposure.initial, moved.initial)?,
			maintenance: other(risk.maintenance, exposure.maintenance, moved.maintenance)?,
		})
	}

	pub(crate) fn view_liquidation_prices(id: MarginAccountId) -> Vec<LiquidationPrice> {
		let Some((_, health)) = Self::view_health(id) else {
			return Vec::new();
		};
		let risk = health.risk;
		let safe = |moved: Option<Risk>| moved.is_some_and(|risk| !risk.is_unsafe());
		let markets = health.exposures.iter().map(|exposure| {
			let now = exposure.mark;
			let at = |raw: u128| safe(Self::with_mark(&risk, exposure, FixedU128::from_inner(raw)));
			LiquidationPrice {
				leg: Leg::Market(exposure.market),
				now,
				at: Self::first_unsafe(now, &risk, exposure.size < 0, at),
			}
		});
		let collaterals = Collaterals::<T>::get();
		let held = health.holdings.iter().map(|holding| {
			let at = |raw: u128| {
				let worth = collaterals
					.iter()
					.find(|collateral| collateral.asset == holding.asset)
					.map_or(0, |collateral| {
						collateral.value(holding.amount, FixedU128::from_inner(raw))
					});
				let counted = after_haircut(worth, holding.haircut);
				safe(Some(Risk {
					net: risk
						.net
						.saturating_sub_unsigned(holding.counted)
						.saturating_add_unsigned(counted),
					..risk
				}))
			};
			LiquidationPrice {
				leg: Leg::Collateral(holding.asset),
				now: holding.price,
				at: Self::first_unsafe(holding.price, &risk, false, at),
			}
		});
		markets.chain(held).collect()
	}

	/// The first price from `now` on, upwards or downwards, at which `safe` does not hold.
	fn first_unsafe(
		now: FixedU128,
		risk: &Risk,
		upwards: bool,
		safe: impl Fn(u128) -> bool,
	) -> Option<FixedU128> {
		let now_raw = now.into_inner();
		if risk.is_unsafe() {
			return Some(now);
		}
		if upwards {
			// Saturates at a price no feed has.
			let most = now_raw.saturating_mul(FARTHEST).saturating_sub(now_raw);
			let tolerates = largest(most, |rise| safe(now_raw.saturating_add(rise)));
			return (tolerates < most)
				.then(|| FixedU128::from_inner(now_raw.saturating_add(tolerates).saturating_add(1)));
		}
		let tolerates = largest(now_raw, |fall| safe(now_raw.saturating_sub(fall)));
		(tolerates < now_raw)
			.then(|| FixedU128::from_inner(now_raw.saturating_sub(tolerates).saturating_sub(1)))
	}

	pub(crate) fn view_preview_shock(id: MarginAccountId, moves: Vec<(FeedId, i32)>) -> Option<RiskView> {
		let (_, health) = Self::view_health(id)?;
		let shift = |feed: FeedId, price: FixedU128| match moves.iter().find(|(of, _)| *of == feed) {
			Some((_, bps)) => Self::shifted(price, *bps),
			None => Some(price),
		};
		let mut risk = health.risk;
		for exposure in &health.exposures {
			let mark = shift(exposure.feed, exposure.mark)?;
			if mark != exposure.mark {
				risk = Self::with_mark(&risk, exposure, mark)?;
			}
		}
		for holding in &health.holdings {
			let worth =
				Self::collateral(holding.asset)?.value(holding.amount, shift(holding.feed, holding.price)?);
			risk.net = risk
				.net
				.saturating_sub_unsigned(holding.counted)
				.saturating_add_unsigned(after_haircut(worth, holding.haircut));
		}
		Some(risk.into())
	}

	pub(crate) fn view_lending() -> Result<LendingState, DispatchError> {
		let money = Self::money();
		let utilisation = money.utilisation()?;
		let rate = Self::rate(&money)?;
		let (reserve, lent) = (money.reserve()?, money.lent_value()?);
		// What borrowers pay goes to all that was supplied.
		let earned =
			mul_ratio(utilisation.into_inner().min(ONE), rate, Rounding::Down).ok_or_else(overflow)?;
		let shares = money.shares.checked_add(VIRTUAL_SHARES).ok_or_else(overflow)?;
		let assets = reserve.checked_add(VIRTUAL_ASSETS).ok_or_else(overflow)?;
		let million = ONE.checked_mul(1_000_000).ok_or_else(overflow)?;
		let share_price = mul_div(assets, million, shares, Rounding::Down).ok_or_else(overflow)?;
		Ok(LendingState {
			idle: money.idle,
			lent,
			reserve,
			utilisation,
			rate,
			earned: FixedU128::from_inner(earned),
			shares: money.shares,
			share_price: FixedU128::from_inner(share_price),
			index: money.index,
		})
	}

	pub(crate) fn view_lender(who: T::AccountId) -> Result<LenderView, DispatchError> {
		let money = Self::money();
		let shares = Lenders::<T>::get(who);
		let idle = Balance::try_from(money.idle).unwrap_or(0);
		let redeemable = largest(shares, |part| money.worth(part).is_ok_and(|worth| worth <= idle));
		Ok(LenderView {
			shares,
			worth: money.worth(shares)?,
			redeemable,
		})
	}

	/// With the haircuts in force now.
	pub(crate) fn view_collaterals() -> Vec<Collateral> {
		let now = T::ActiveTime::now();
		let mut all = Collaterals::<T>::get().into_inner();
		for collateral in all.iter_mut() {
			collateral.haircut = collateral.haircut(now);
			collateral.haircut_active = now;
		}
		all
	}
}
