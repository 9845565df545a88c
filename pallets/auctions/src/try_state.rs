//! What must hold between any two calls.

use alloc::collections::btree_map::BTreeMap;
use frame_support::{ensure, pallet_prelude::Get, traits::fungibles::Inspect};
use keel_math::ONE;
use keel_primitives::{AssetId, AssetRegistry, Balance};
use sp_runtime::TryRuntimeError;

use crate::{
	types::queue_key, Auctions, Claims, Config, Debt, EndQueue, FundSales, Kind, NextAuctionId, Pallet,
};

impl<T: Config> Pallet<T> {
	/// - The account holds of every collateral what running auctions and claims say, neither less nor more.
	/// - The debt carried is the sum of the auctions' debts.
	/// - Every auction is in the queue under its time, and the queue holds nothing else.
	/// - Every curve starts at or above its reserve, does not rise, and ends after its start.
	/// - The sale of each collateral of the fund's is the one on record.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut expected = BTreeMap::<AssetId, Balance>::new();
		// Every asset there is, so that a forgotten balance is seen too.
		for asset in T::Registry::assets().into_iter().chain([T::Synthetic::get()]) {
			expected.insert(asset, 0);
		}
		let mut add = |asset: AssetId, amount: Balance| -> Result<(), TryRuntimeError> {
			let sum = expected
				.get_mut(&asset)
				.ok_or("what is for sale or claimed is not registered")?;
			*sum = sum
				.checked_add(amount)
				.ok_or("a collateral is more than a balance can be")?;
			Ok(())
		};

		let (mut debt, mut auctions, mut sales): (Balance, usize, usize) = (0, 0, 0);
		for (id, auction) in Auctions::<T>::iter() {
			ensure!(
				id < NextAuctionId::<T>::get(),
				"an auction has a number that was never given"
			);
			ensure!(auction.collateral > 0, "an auction without collateral is running");
			ensure!(
				auction.start_price >= auction.reserve_price,
				"an auction starts below its reserve"
			);
			ensure!(
				auction.reserve_price.into_inner() > 0,
				"an auction has no reserve"
			);
			ensure!(auction.cut.into_inner() <= ONE, "the price of an auction rises");
			ensure!(
				auction.asset != T::Synthetic::get(),
				"an auction sells the synthetic"
			);
			ensure!(
				auction.active_end > auction.active_start,
				"an auction ends before it starts"
			);
			ensure!(
				auction.active_due >= auction.active_end,
				"an auction is due before it ends"
			);
			ensure!(
				EndQueue::<T>::contains_key(queue_key(auction.active_due, id)),
				"an auction is not in the queue"
			);
			match auction.kind {
				Kind::Liquidation { .. } => {
					ensure!(
						auction.needed() > 0,
						"an auction with nothing to raise is running"
					)
				}
				Kind::FundSale => {
					ensure!(auction.needed() == 0, "a sale of the fund's carries debt");
					ensure!(
						FundSales::<T>::get(auction.asset) == Some(id),
						"a sale of the fund's is not on record"
					);
					sales = sales.saturating_add(1);
				}
			}
			add(auction.asset, auction.collateral)?;
			debt = debt
				.checked_add(auction.debt)
				.ok_or("debts are more than a balance can be")?;
			auctions = auctions.saturating_add(1);
		}
		ensure!(
			debt <= Debt::<T>::get(),
			"auctions carry more debt than the total says"
		);
		ensure!(
			debt >= Debt::<T>::get(),
			"auctions carry less debt than the total says"
		);
		// Every auction has its entry, so more entries than auctions are strays.
		ensure!(
			EndQueue::<T>::iter_keys().count() == auctions,
			"the queue holds what is not running"
		);
		ensure!(
			FundSales::<T>::iter().count() == sales,
			"a sale on record is not running"
		);

		for (_, asset, amount) in Claims::<T>::iter() {
			ensure!(amount > 0, "an empty claim is on record");
			add(asset, amount)?;
		}
		for (asset, amount) in expected {
			let held = T::Assets::balance(asset, &Self::account());
			ensure!(
				held >= amount,
				"less collateral is held than auctions and claims say"
			);
			ensure!(
				held <= amount,
				"more collateral is held than auctions and claims say"
			);
		}
		Ok(())
	}
}
