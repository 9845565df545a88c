//! Fees in kUSD: the fee in KEEL, at the chain's own price of KEEL and with a margin.
//!
//! ## Price
//!
//! `fee × price × margin`, rounded up. The price is the higher of the last aggregate with its confidence and
//! the five-minute average ([`Price::as_debt`]). A price fit to reduce risk on carries [`MARGIN`]. An older
//! or less certain one carries [`STALE_MARGIN`] instead of being refused: an account that holds only kUSD can
//! always leave. Worked number: a fee of 0.02 KEEL at 1.50 USD is 0.02 × 1.50 × 1.25 = 0.0375 kUSD.
//!
//! Underpaying by way of a wrong price is worth at most cheap transactions, never money: kUSD paid as a fee
//! buys no KEEL. [`MARGIN`] covers a price that lags by a fifth, and load raises the fee itself.
//!
//! ## Money
//!
//! What the call did not use is refunded in kUSD. The rest goes to the insurance fund as income. An account
//! that the transaction itself emptied gets no refund, as with fees in KEEL. Supply never changes, except by
//! what pays bad debt.

use frame_support::{
	ensure,
	traits::{
		fungibles::{Balanced, Credit, Inspect},
		tokens::{Fortitude::Polite, Precision::Exact, Preservation::Protect, WithdrawConsequence::Success},
	},
	unsigned::TransactionValidityError,
};
use keel_primitives::{AssetId, Balance, IncomeSource, Price, PriceFor, PriceProvider};
use pallet_asset_tx_payment::OnChargeAssetTransaction;
use sp_arithmetic::{helpers_128bit::multiply_by_rational_with_rounding, Rounding};
use sp_runtime::{
	traits::{DispatchInfoOf, PostDispatchInfoOf},
	transaction_validity::InvalidTransaction,
	FixedPointNumber, FixedU128,
};

use super::state::new_entries;
use crate::{
	configs::{KeelFeed, Synthetic},
	AccountId, Assets, InsuranceFund, Prices, Runtime, RuntimeCall, System, KEEL,
};

/// The margin on a price fit to reduce risk on: 1.25. It covers KEEL rising by a quarter between two prices.
pub const MARGIN: FixedU128 = FixedU128::from_rational(5, 4);
/// The margin on any other price: 2. It covers KEEL doubling during an outage.
pub const STALE_MARGIN: FixedU128 = FixedU128::from_u32(2);

/// `InvalidTransaction::Custom` of a fee in an asset other than kUSD. Choose kUSD, or none for KEEL.
pub const ASSET_REFUSED: u8 = 101;
/// `InvalidTransaction::Custom` of a fee in kUSD while KEEL has never had a price. Pay in KEEL.
pub const NO_PRICE: u8 = 102;

/// One kUSD in base units.
const KUSD: Balance = 1_000_000;

/// The price and margin fees are charged at now; `None` if KEEL never had a price.
fn rate() -> Option<(Price, FixedU128)> {
	let price = Prices::last(KeelFeed::get())?;
	let margin = match <Prices as PriceProvider>::price(KeelFeed::get(), PriceFor::ReduceRisk) {
		Ok(_) => MARGIN,
		Err(_) => STALE_MARGIN,
	};
	Some((price, margin))
}

/// What a fee of `fee` base units of KEEL is in base units of `asset`, rounded up.
///
/// Errors: [`ASSET_REFUSED`], [`NO_PRICE`], and `Payment` for more than a balance can be.
pub fn quote(asset: AssetId, fee: Balance) -> Result<Balance, TransactionValidityError> {
	ensure!(
		asset == Synthetic::get(),
		InvalidTransaction::Custom(ASSET_REFUSED)
	);
	let (price, margin) = rate().ok_or(InvalidTransaction::Custom(NO_PRICE))?;
	let up = |a, b, c| multiply_by_rational_with_rounding(a, b, c, Rounding::Up);
	up(price.as_debt().into_inner(), margin.into_inner(), FixedU128::DIV)
		.and_then(|usd| up(fee, usd, FixedU128::DIV))
		.and_then(|amount| up(amount, KUSD, KEEL))
		.ok_or(InvalidTransaction::Payment.into())
}

/// Takes fees in kUSD, and with them the price of new entries in storage.
pub struct InKusd;

impl InKusd {
	/// Gives `income` to the insurance fund. Neither step fails while a supply fits a balance; if one does,
	/// the books say so.
	fn deposit(income: Credit<AccountId, Assets>) {
		let amount = income.peek();
		if amount == 0 {
			return;
		}
		if let Err(stray) = Assets::resolve(&InsuranceFund::account(), income) {
			log::error!(target: "runtime::fees", "{} kUSD of fees burned: the fund's account refused them", stray.peek());
		} else if let Err(error) = InsuranceFund::note_income(amount, IncomeSource::TransactionFee) {
			log::error!(target: "runtime::fees", "{amount} kUSD of fees reached the fund unbooked: {error:?}");
		}
	}
}

impl OnChargeAssetTransaction<Runtime> for InKusd {
	type AssetId = AssetId;
	type Balance = Balance;
	type LiquidityInfo = Credit<AccountId, Assets>;

	fn withdraw_fee(
		who: &AccountId,
		call: &RuntimeCall,
		info: &DispatchInfoOf<RuntimeCall>,
		asset: AssetId,
		fee: Balance,
		tip: Balance,
	) -> Result<Self::LiquidityInfo, TransactionValidityError> {
		Self::can_withdraw_fee(who, call, info, asset, fee, tip)?;
		let entries = new_entries(call);
		let all = quote(asset, fee.saturating_add(entries))?;
		// The last unit stays: with the account its nonce would go, and what it signed could be sent again.
		let paid = Assets::withdraw(asset, who, all, Exact, Protect, Polite)
			.map_err(|_| InvalidTransaction::Payment)?;
		let (entries, fee) = paid.split(quote(asset, entries)?);
		Self::deposit(entries);
		Ok(fee)
	}

	fn can_withdraw_fee(
		who: &AccountId,
		call: &RuntimeCall,
		_: &DispatchInfoOf<RuntimeCall>,
		asset: AssetId,
		fee: Balance,
		_: Balance,
	) -> Result<(), TransactionValidityError> {
		let ensure_payable = |amount| {
			let payable = Assets::can_withdraw(asset, who, quote(asset, amount)?) == Success;
			ensure!(payable, InvalidTransaction::Payment);
			Ok(())
		};
		// An account that cannot pay the fee costs nobody the reads of the entries.
		ensure_payable(fee)?;
		ensure_payable(fee.saturating_add(new_entries(call)))
	}

	/// Never fails: a transaction that was executed has been paid. Where the price is gone meanwhile nothing
	/// is refunded.
	fn correct_and_deposit_fee(
		who: &AccountId,
		_: &DispatchInfoOf<RuntimeCall>,
		_: &PostDispatchInfoOf<RuntimeCall>,
		fee: Balance,
		tip: Balance,
		paid: Self::LiquidityInfo,
	) -> Result<(Balance, Balance), TransactionValidityError> {
		let asset = paid.asset();
		let due = quote(asset, fee).unwrap_or(paid.peek()).min(paid.peek());
		let (mut income, refund) = paid.split(due);
		let refused = if refund.peek() > 0 && System::account_exists(who) {
			Assets::resolve(who, refund).err()
		} else {
			Some(refund)
		};
		if let Some(refund) = refused {
			income = match income.merge(refund) {
				Ok(all) => all,
				// Not of one asset, which they are by construction. Dropped, the refund is burned.
				Err((income, _)) => income,
			};
		}
		let charged = income.peek();
		Self::deposit(income);
		Ok((charged, quote(asset, tip).unwrap_or(0).min(charged)))
	}
}
