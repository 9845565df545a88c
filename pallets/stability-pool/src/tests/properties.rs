//! Random operations beside an exact ledger that keeps every depositor's loss and gain as rationals.

use super::*;
use frame_support::traits::fungibles::Inspect;
use keel_primitives::{AssetId, Balance, Moment};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Exact = BigRational;

fn int(value: u128) -> Exact {
	Exact::from_integer(BigInt::from(value))
}

fn power_of_ten(exponent: u32) -> Exact {
	int(10).pow(exponent as i32)
}

/// A depositor's exact stake, and by how much at most the pool may fall short of it.
#[derive(Clone, Default)]
struct Account {
	/// What is in the pool: more than one part where some has joined since its owner last acted.
	parts: Vec<Exact>,
	waiting: Option<(Balance, Moment)>,
	shortfall: Exact,
	gains: BTreeMap<AssetId, (Exact, Exact)>,
}

impl Account {
	fn deposit(&self) -> Exact {
		self.parts.iter().fold(Exact::zero(), |sum, part| sum + part)
	}

	/// Reading rounds each part.
	fn reads(&self) -> u128 {
		self.parts.len().max(1) as u128
	}

	fn add(&mut self, amount: Balance) {
		self.parts = vec![self.deposit() + int(amount)];
	}
}

#[derive(Default)]
struct Ledger {
	total: Balance,
	accounts: BTreeMap<AccountId, Account>,
	burned: Balance,
}

impl Ledger {
	/// Acting stores the stake anew as one part: of each the deposit is rounded by less than one unit, gains by less than
	/// two.
	fn act(&mut self, who: AccountId) -> &mut Account {
		let account = self.accounts.entry(who).or_default();
		let reads = account.reads();
		account.shortfall += int(reads);
		account
			.gains
			.values_mut()
			.for_each(|(_, shortfall)| *shortfall += int(2 * reads));
		account.parts = vec![account.deposit()];
		account
	}

	/// Whoever has waited until `now` is in.
	fn join(&mut self, now: Moment) {
		for account in self.accounts.values_mut() {
			if let Some((amount, _)) = account.waiting.filter(|(_, joins_at)| *joins_at <= now) {
				account.parts.push(int(amount));
				account.waiting = None;
				self.total += amount;
			}
		}
	}

	fn absorb(&mut self, asset: AssetId, collateral: Balance, paid: Balance) {
		let (total, left) = (int(self.total), int(self.total - paid));
		for account in self.accounts.values_mut() {
			let (gain, shortfall) = account.gains.entry(asset).or_default();
			let share = int(collateral) / &total;
			*shortfall += &account.shortfall * &share;
			for part in account.parts.iter_mut() {
				let gained = &*part * &share;
				// The sum is rounded by less than a 10⁻²⁷ part of the deposit the snapshot was for: less than
				// 10¹⁸.
				*shortfall += Exact::one() / power_of_ten(9);
				if *part < Exact::one() / power_of_ten(17) {
					// May be too far behind to count.
					*shortfall += &gained;
				}
				*gain += gained;
				*part = &*part * &left / &total;
			}
			account.shortfall = &account.shortfall * &left / &total + &left / power_of_ten(27);
		}
		self.total -= paid;
	}

	fn check(&self, issued: Balance) {
		assert_ok!(StabilityPool::do_try_state());
		assert_eq!(capacity(), self.total);
		for (who, account) in &self.accounts {
			let shown = stake(*who);
			let waits = account.waiting.map_or(0, |(amount, _)| amount);
			assert_eq!(
				(shown.waiting, shown.joins_at),
				(waits, account.waiting.map(|w| w.1))
			);
			let lost = account.deposit() + int(waits) - int(shown.deposit);
			assert!(lost >= Exact::zero(), "{who} has more than is right");
			assert!(
				lost < int(account.reads()) + &account.shortfall,
				"{who} lost {lost}"
			);
			for (asset, (gain, shortfall)) in &account.gains {
				let got = shown
					.gains
					.iter()
					.find(|(a, _)| a == asset)
					.map_or(0, |(_, amount)| *amount);
				let lost = gain - int(got);
				assert!(
					lost >= Exact::zero(),
					"{who} gained more of {asset} than is right"
				);
				assert!(
					lost < int(2 * account.reads()) + shortfall,
					"{who} lost {lost} of {asset}"
				);
			}
		}
		let everywhere = |asset| {
			let users: Balance = DEPOSITORS.iter().map(|who| balance(asset, *who)).sum();
			users + balance(asset, pool_account()) + balance(asset, FUND) + balance(asset, SELLER)
		};
		assert_eq!(everywhere(KUSD), issued - self.burned);
		assert_eq!(everywhere(KUSD), Assets::total_issuance(KUSD));
		for asset in COLLATERALS {
			assert_eq!(everywhere(asset), STOCK);
		}
	}
}

#[derive(Clone, Debug)]
enum Operation {
	Deposit {
		who: usize,
		amount: Balance,
	},
	Withdraw {
		who: usize,
		share: u8,
	},
	Claim {
		who: usize,
		asset: usize,
	},
	ClaimAll {
		who: usize,
	},
	/// Time passes.
	Wait {
		ms: Moment,
	},
	/// Pay `share / 255` of the pool, `income / 255` of that to the fund.
	Absorb {
		asset: usize,
		collateral: Balance,
		share: u8,
		income: u8,
	},
	/// Pay `share / 255` of the pool to the seller.
	Buy {
		asset: usize,
		collateral: Balance,
		share: u8,
	},
	/// Pay all but a few units, or all.
	Drain {
		asset: usize,
		collateral: Balance,
		units: Balance,
	},
}

fn operation() -> impl Strategy<Value = Operation> {
	let who = 0..DEPOSITORS.len();
	let asset = 0..COLLATERALS.len();
	let amount = (0u32..14, 1u128..1_000).prop_map(|(zeros, digits)| digits * 10u128.pow(zeros) / 100);
	let collateral = (0u32..20, 1u128..1_000).prop_map(|(zeros, digits)| digits * 10u128.pow(zeros));
	prop_oneof![
		6 => (who.clone(), amount).prop_map(|(who, amount)| Operation::Deposit { who, amount }),
		3 => (who.clone(), any::<u8>()).prop_map(|(who, share)| Operation::Withdraw { who, share }),
		2 => (who.clone(), asset.clone()).prop_map(|(who, asset)| Operation::Claim { who, asset }),
		1 => who.prop_map(|who| Operation::ClaimAll { who }),
		4 => (0..2 * MINUTE).prop_map(|ms| Operation::Wait { ms }),
		6 => (asset.clone(), collateral.clone(), any::<u8>(), any::<u8>()).prop_map(
			|(asset, collateral, share, income)| Operation::Absorb { asset, collateral, share, income }
		),
		4 => (asset.clone(), collateral.clone(), any::<u8>())
			.prop_map(|(asset, collateral, share)| Operation::Buy { asset, collateral, share }),
		3 => (asset, collateral, prop_oneof![Just(0u128), 1u128..5, 1u128..100_000])
			.prop_map(|(asset, collateral, units)| Operation::Drain { asset, collateral, units }),
	]
}

/// Do it to the pool and the ledger; whether it was carried out.
fn perform(operation: &Operation, ledger: &mut Ledger) -> bool {
	// Without income to the fund, which may be nothing, the seller is paid.
	let buy = |ledger: &mut Ledger, asset: usize, collateral, paid: Balance, income: Option<Balance>| {
		let asset = COLLATERALS[asset];
		if ledger.total == 0 {
			assert_noop!(absorb(asset, collateral, paid, 0), Error::<Test>::PoolEmpty);
			assert_noop!(sell(asset, collateral, paid), Error::<Test>::PoolEmpty);
			return false;
		}
		match income {
			Some(income) => {
				assert_ok!(absorb(asset, collateral, paid - income, income));
				ledger.burned += paid - income;
			}
			None => {
				let before = balance(KUSD, SELLER);
				assert_noop!(
					sell(asset, collateral, ledger.total + 1),
					Error::<Test>::CapacityExceeded
				);
				assert_ok!(sell(asset, collateral, paid));
				assert_eq!(balance(KUSD, SELLER), before + paid);
			}
		}
		ledger.absorb(asset, collateral, paid);
		true
	};
	match *operation {
		Operation::Deposit { who, amount } => {
			let who = DEPOSITORS[who];
			let before = stake(who).deposit;
			if amount == 0 || before + amount < MinimumDeposit::get() || amount > balance(KUSD, who) {
				assert!(deposit(who, amount).is_err());
				return false;
			}
			assert_ok!(deposit(who, amount));
			let account = ledger.act(who);
			if JoinDelay::get() == 0 {
				account.add(amount);
				ledger.total += amount;
			} else {
				let earlier = account.waiting.map_or(0, |(amount, _)| amount);
				let joins_at = (Now::get() / JoinDelay::get() + 2) * JoinDelay::get();
				account.waiting = Some((earlier + amount, joins_at));
			}
		}
		Operation::Wait { ms } => {
			pass(ms);
			ledger.join(Now::get());
		}
		Operation::Withdraw { who, share } => {
			let who = DEPOSITORS[who];
			let has = stake(who).deposit;
			// Often everything.
			let amount = if share > 150 {
				u128::MAX
			} else {
				has * u128::from(share) / 255
			};
			let left = has.saturating_sub(amount);
			if amount == 0 || has == 0 || (left > 0 && left < MinimumDeposit::get()) {
				assert!(withdraw(who, amount).is_err());
				return false;
			}
			let before = balance(KUSD, who);
			assert_ok!(withdraw(who, amount));
			let paid = balance(KUSD, who) - before;
			assert_eq!(paid, has.min(amount));
			let account = ledger.act(who);
			// What waits goes first.
			let waited = account.waiting.map_or(0, |(amount, _)| amount);
			let joined = paid.saturating_sub(waited);
			account.waiting = account
				.waiting
				.map(|(amount, joins_at)| (amount.saturating_sub(paid), joins_at))
				.filter(|(amount, _)| *amount > 0);
			if left == 0 {
				// What rounding took stays in the pool and is nobody's.
				(account.parts, account.shortfall) = Default::default();
			} else {
				account.parts = vec![account.deposit() - int(joined)];
			}
			ledger.total -= joined;
		}
		Operation::Claim { who, asset } => {
			let (who, asset) = (DEPOSITORS[who], COLLATERALS[asset]);
			let (promised, before) = (gain(who, asset), balance(asset, who));
			if promised == 0 {
				assert_noop!(claim(who, asset), Error::<Test>::NothingToClaim);
				return false;
			}
			assert_ok!(claim(who, asset));
			assert_eq!(balance(asset, who) - before, promised);
			ledger.act(who).gains.get_mut(&asset).unwrap().0 -= int(promised);
		}
		Operation::ClaimAll { who } => {
			let who = DEPOSITORS[who];
			let promised = stake(who).gains;
			if promised.is_empty() {
				assert_noop!(claim_all(who), Error::<Test>::NothingToClaim);
				return false;
			}
			let before: Vec<_> = promised.iter().map(|(asset, _)| balance(*asset, who)).collect();
			assert_ok!(claim_all(who));
			let account = ledger.act(who);
			for ((asset, amount), before) in promised.into_iter().zip(before) {
				assert_eq!(balance(asset, who) - before, amount);
				account.gains.get_mut(&asset).unwrap().0 -= int(amount);
			}
		}
		Operation::Absorb {
			asset,
			collateral,
			share,
			income,
		} => {
			let paid = ledger.total * u128::from(share) / 255;
			return buy(
				ledger,
				asset,
				collateral,
				paid,
				Some(paid * u128::from(income) / 255),
			);
		}
		Operation::Buy {
			asset,
			collateral,
			share,
		} => {
			let paid = ledger.total * u128::from(share) / 255;
			return buy(ledger, asset, collateral, paid, None);
		}
		Operation::Drain {
			asset,
			collateral,
			units,
		} => {
			let paid = ledger.total.saturating_sub(units);
			return buy(ledger, asset, collateral, paid, (units % 2 == 0).then_some(0));
		}
	}
	true
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn when_anything_happens_should_stay_within_its_bounds_of_the_exact_ledger(
		operations in prop::collection::vec(operation(), 100..150),
		delay in prop_oneof![Just(0), Just(MINUTE)],
	) {
		ExtBuilder::default().build_and_execute(|| {
			JoinDelay::set(delay);
			let issued = Assets::total_issuance(KUSD);
			let (mut ledger, mut done) = (Ledger::default(), 0);
			for operation in &operations {
				done += u32::from(perform(operation, &mut ledger));
				ledger.check(issued);
			}
			// Chance may refuse most of a run; that it refuses all of it would be a fault of this test.
			assert!(done > 2, "only {done} operations were carried out");
			// Exits stay open: everybody can leave with what was shown.
			for who in DEPOSITORS {
				let promised = stake(who);
				if promised.deposit > 0 {
					assert_ok!(withdraw(who, u128::MAX));
				}
				if !promised.gains.is_empty() {
					assert_ok!(claim_all(who));
				}
				assert_eq!(StabilityPool::deposit_of(who), None);
			}
			assert_ok!(StabilityPool::do_try_state());
		});
	}
}
