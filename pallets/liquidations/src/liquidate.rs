//! The check and the liquidation, and what each step weighs.

use frame_support::{
	dispatch::DispatchResult,
	ensure,
	pallet_prelude::{InvalidTransaction, TransactionPriority, TransactionValidityError},
	storage::with_storage_layer,
	traits::Get,
	weights::Weight,
};
use frame_system::pallet_prelude::BlockNumberFor;
use keel_primitives::{
	Balance, Group, LiquidationOutcome, PositionId, PositionLedger, RiskParameters, MARKETS_PART,
};
use sp_runtime::{traits::SaturatedConversion, DispatchError};

use crate::*;

impl<T: Config> Pallet<T> {
	/// The deficit of `position` if it can be liquidated in this block, or what to tell the pool.
	pub(crate) fn check(group: Group, position: PositionId) -> Result<Balance, TransactionValidityError> {
		let now = frame_system::Pallet::<T>::block_number();
		// The block's author keeps the transaction for the next block on this answer.
		ensure!(
			Self::liquidated_in(now) < T::RiskParameters::chain().liquidations_per_block,
			InvalidTransaction::ExhaustsResources
		);
		T::Ledger::deficit(group, position).map_err(|_| {
			let known = T::Ledger::thresholds().into_iter().find(|(of, _)| *of == group);
			let refused = known.is_some_and(|(_, threshold)| threshold.is_err());
			let reason = if refused {
				InvalidTransaction::Custom(PRICE_REFUSED)
			} else {
				InvalidTransaction::Stale
			};
			reason.into()
		})
	}

	/// The larger the deficit the sooner. Saturates: a deficit of trillions of kUSD comes first anyway.
	pub(crate) fn priority(deficit: Balance) -> TransactionPriority {
		BASE_PRIORITY.saturating_add(deficit.saturated_into())
	}

	/// How many positions were liquidated in block `now` so far.
	pub fn liquidated_in(now: BlockNumberFor<T>) -> u32 {
		LiquidatedInBlock::<T>::get()
			.filter(|(block, _)| *block == now)
			.map_or(0, |(_, count)| count)
	}

	/// Liquidate `position` if the block has room for it and the ledger agrees. Must run in a storage layer.
	pub fn do_liquidate(
		group: Group,
		position: PositionId,
		by: LiquidatedBy,
	) -> Result<LiquidationOutcome, DispatchError> {
		let now = frame_system::Pallet::<T>::block_number();
		let count = Self::liquidated_in(now);
		ensure!(
			count < T::RiskParameters::chain().liquidations_per_block,
			Error::<T>::TooManyThisBlock
		);
		let outcome = T::Ledger::liquidate(group, position)?;
		// Below the limit, so one more fits.
		LiquidatedInBlock::<T>::put((now, count.saturating_add(1)));
		Self::deposit_event(Event::Liquidated {
			group,
			position,
			by,
			outcome,
		});
		Ok(outcome)
	}

	/// Have the ledger look again at `position`. An error means that it can't get new triggers, and moves
	/// nothing.
	pub(crate) fn do_refresh(group: Group, position: PositionId) -> DispatchResult {
		with_storage_layer(|| T::Ledger::refresh(group, position))
	}

	/// What liquidating `position` weighs: what its ledger says of what it has now, with as much for what is
	/// done around it as for a vault, but no more than the dearest.
	///
	/// Reads what the ledger looks at: part of the liquidation.
	pub(crate) fn weight_of(group: Group, position: PositionId) -> Weight {
		let dearest = Self::in_block_weight(group);
		T::Ledger::liquidation_weight(group, position).map_or(dearest, |own| {
			T::WeightInfo::liquidate_in_block()
				.saturating_add(own)
				.min(dearest)
		})
	}

	/// The most the call weighs. What there is of an account is known when it is dispatched: before that each
	/// weighs as much as the dearest one.
	pub(crate) fn call_weight(group: Group) -> Weight {
		match group.is_of_accounts() {
			true => T::WeightInfo::liquidate_account(),
			false => T::WeightInfo::liquidate(),
		}
	}

	/// The weight of the call's validation.
	pub(crate) fn authorize_weight(group: Group) -> Weight {
		match group.is_of_accounts() {
			true => T::WeightInfo::authorize_liquidate_account(),
			false => T::WeightInfo::authorize_liquidate(),
		}
	}

	/// The weight of a liquidation by the block.
	pub(crate) fn in_block_weight(group: Group) -> Weight {
		match group.is_of_accounts() {
			true => T::WeightInfo::liquidate_account_in_block(),
			false => T::WeightInfo::liquidate_in_block(),
		}
	}

	/// The weight of one look at a position, and of whether its key is still there.
	pub(crate) fn look_weight() -> Weight {
		T::WeightInfo::refresh_in_block()
			.saturating_add(T::Ledger::refresh_weight())
			.saturating_add(T::DbWeight::get().reads(1))
	}

	/// The weight of one look, and of the key that leads to it.
	pub(crate) fn refresh_step() -> Weight {
		Self::walk_weight(1).saturating_add(Self::look_weight())
	}

	/// The weight of reading `keys` keys of the index. The reads are added by hand: a benchmark sees values
	/// read, not the search for the next key.
	pub(crate) fn walk_weight(keys: u32) -> Weight {
		T::WeightInfo::walk(keys).saturating_add(T::DbWeight::get().reads(keys.into()))
	}

	/// Checks the configuration, for `integrity_test`. Panics on one that can't work.
	#[cfg(feature = "std")]
	pub(crate) fn check_config() {
		use codec::Encode;
		use frame_support::dispatch::DispatchClass;

		let groups = T::MaxGroups::get();
		assert!(
			groups > 0,
			"MaxGroups must be at least 1: the ledger needs a group"
		);

		let limits = T::BlockWeights::get();
		let (vault, account) = (Group::Branch(0), Group::Deadline);
		if let Some(most) = limits.get(DispatchClass::Operational).max_extrinsic {
			for group in [vault, account] {
				let call = Self::call_weight(group).saturating_add(Self::authorize_weight(group));
				assert!(
					call.all_lte(most),
					"a liquidation does not fit an operational transaction"
				);
			}
		}
		if let Some(normal) = limits.get(DispatchClass::Normal).max_total {
			let observation = T::WeightInfo::on_idle_base()
				.saturating_add(T::WeightInfo::observe_group().saturating_mul(groups.into()));
			// The end of a group is found by looking for one key more.
			let looks = Self::walk_weight(2).saturating_mul(groups.into());
			let one = Self::refresh_step()
				.max(Self::walk_weight(1).saturating_add(Self::in_block_weight(vault)))
				.max(Self::authorize_weight(account).saturating_add(Self::in_block_weight(account)));
			let idle = observation.saturating_add(looks.saturating_add(one).saturating_mul(2));
			let markets = limits.max_block / MARKETS_PART;
			let left = limits.max_block.saturating_sub(normal).saturating_sub(markets);
			assert!(
				idle.all_lte(left),
				"normal transactions and markets leave no room for the fallback"
			);
		}

		// Bytes the pool has banned must not come back within half an hour.
		let bytes_at = |block: u32| {
			frame_system::Pallet::<T>::set_block_number(block.into());
			T::create_authorized_transaction(
				Call::<T>::liquidate {
					group: Group::Branch(0),
					position: 0,
				}
				.into(),
			)
			.encode()
		};
		let (first, next, later) = (bytes_at(1_024), bytes_at(1_025), bytes_at(1_024 + 512));
		assert!(
			first != next && first != later,
			"create_extension must be mortal from the current block on, with a period of 1,024 blocks or more"
		);
	}
}
