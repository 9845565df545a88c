//! What must hold between any two calls.

use frame_support::{
	ensure,
	pallet_prelude::Get,
	traits::{fungibles::Inspect, Time},
};
use keel_primitives::AssetRegistry;
use sp_runtime::TryRuntimeError;

use crate::{Accounts, Collateral, Config, Ledger, Pallet};

impl<T: Config> Pallet<T> {
	/// - No tranche is negative, and no more was covered than was short.
	/// - Bad debt and money in the shared tranche exclude each other.
	/// - What left the tranches is what was burned, paid and spent, neither less nor more.
	/// - The account's kUSD is the sum of the tranches, neither less nor more.
	/// - The meters never read below zero, no more fees were minted than ever came in, and the treasury
	///   tranche paid no more than ever left it.
	/// - The account's balance of each collateral is what the books say, neither less nor more, and of every
	///   other registered asset zero.
	/// - Every collateral on record is held, and registered: it has a feed and can be sold.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let Accounts {
			books,
			drawn,
			backed,
			fees_minted,
			treasury_paid,
		} = Ledger::<T>::get();
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
		let left = books
			.shared
			.outflow
			.checked_add(books.treasury.outflow)
			.ok_or("more left the tranches than a balance can be")?;
		let accounted = books
			.covered
			.checked_add(books.claims)
			.and_then(|sum| sum.checked_add(books.purchases))
			.and_then(|sum| sum.checked_add(books.spent))
			.ok_or("more was paid out than a balance can be")?;
		ensure!(
			left >= accounted,
			"less left the tranches than was burned, paid and spent"
		);
		ensure!(
			left <= accounted,
			"more left the tranches than was burned, paid and spent"
		);

		let now = T::Time::now();
		ensure!(drawn.net(now) >= 0, "shortfalls flowed backwards");
		ensure!(
			backed.net(now) >= 0,
			"collateral beside shortfalls flowed backwards"
		);
		ensure!(fees_minted.credit(now) == 0, "fees flowed backwards");
		// Saturates above every reading.
		let inflow = books.shared.inflow.saturating_add(books.treasury.inflow);
		ensure!(
			fees_minted.used(now) <= inflow,
			"more fees were minted than came in"
		);

		ensure!(
			treasury_paid.used(now) <= books.treasury.outflow,
			"the treasury tranche paid more than left it"
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
			ensure!(books.balance() > 0, "a collateral that is sold out is on record");
			ensure!(
				T::Registry::asset(asset).is_ok(),
				"the fund holds what is not registered and can't be sold"
			);
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
		for asset in T::Registry::assets() {
			ensure!(
				Collateral::<T>::contains_key(asset) || T::Assets::balance(asset, &fund) == 0,
				"the fund holds collateral that is not on record"
			);
		}
		Ok(())
	}
}
