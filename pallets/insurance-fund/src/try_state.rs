//! What must hold between any two calls.

use frame_support::{ensure, pallet_prelude::Get, traits::fungibles::Inspect};
use sp_runtime::TryRuntimeError;

use crate::{Collateral, Config, Ledger, Pallet};

impl<T: Config> Pallet<T> {
	/// - No tranche is negative, and no more was covered than was short.
	/// - Bad debt and money in the shared tranche exclude each other.
	/// - The account's kUSD is the sum of the tranches, neither less nor more.
	/// - The account's balance of each collateral is what the books say, neither less nor more.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let books = Ledger::<T>::get();
		ensure!(
			books.shared.outflow <= books.shared.inflow,
			"the shared tranche is negative"
		);
		ensure!(
			books.treasury.outflow <= books.treasury.inflow,
			"the treasury tranche is negative"
		);
		ensure!(
			books.covered <= books.shortfalls,
			"more was covered than was short"
		);
		ensure!(
			books.bad_debt() == 0 || books.shared.balance() == 0,
			"bad debt is recorded while the shared tranche has money"
		);

		let fund = Self::account();
		let booked = books
			.shared
			.balance()
			.checked_add(books.treasury.balance())
			.ok_or("the tranches are more than a balance can be")?;
		let held = T::Assets::balance(T::Synthetic::get(), &fund);
		ensure!(held >= booked, "the fund holds less kUSD than its tranches");
		ensure!(held <= booked, "the fund holds more kUSD than its tranches");

		ensure!(
			Collateral::<T>::count() <= T::MaxCollaterals::get(),
			"the fund holds too many collaterals"
		);
		for (asset, books) in Collateral::<T>::iter() {
			ensure!(asset != T::Synthetic::get(), "the fund holds kUSD as collateral");
			ensure!(books.outflow <= books.inflow, "a collateral is negative");
			let held = T::Assets::balance(asset, &fund);
			ensure!(
				held >= books.balance(),
				"the fund holds less collateral than booked"
			);
			ensure!(
				held <= books.balance(),
				"the fund holds more collateral than booked"
			);
		}
		Ok(())
	}
}
