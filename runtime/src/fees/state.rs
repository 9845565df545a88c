//! The price of state: what an entry in storage costs its maker.
//!
//! An entry costs `(ENTRY + bytes) × BYTE`: as a deposit where it can be taken back, as a fee where it
//! cannot. A GiB of it so costs at least 536,870 KEEL. `docs/decisions/spam.md` lists what a user can make
//! and how each is paid.
//!
//! ## New accounts
//!
//! A transfer to an account that does not exist makes one that nobody has to remove again. All assets are
//! sufficient, with a minimum balance of one unit so that books are exact. So the sender pays the price of
//! each new entry with the fee: one for the account, one for its balance of the asset; and one for the first
//! delegation of votes to an account on a track. Worked number: kUSD to a new account costs 0.259 KEEL beside
//! the fee. It is charged for what does not exist when the transaction begins, through batches, proxies and
//! multisigs, and is not returned if the transfer fails. What the protocol itself pays out (remainders,
//! claims, withdrawals) is free.

use alloc::collections::BTreeSet;
use frame_support::{
	traits::{
		fungible::{Credit, Mutate},
		tokens::{imbalance::ResolveTo, Preservation::Preserve},
		NoDrop,
	},
	unsigned::TransactionValidityError,
	weights::Weight,
};
use pallet_transaction_payment::{FeeDetails, FungibleAdapter, OnChargeTransaction, TxCreditHold};
use sp_runtime::{
	traits::{DispatchInfoOf, PostDispatchInfoOf},
	transaction_validity::InvalidTransaction,
};

use crate::{
	configs::TreasuryAccount, AccountId, Address, AssetId, Balance, Balances, Runtime, RuntimeCall, System,
	MILLI_KEEL,
};

/// Base units of KEEL for a byte of state.
pub const BYTE: Balance = MILLI_KEEL / 2;
/// What the trie keeps for an entry beside its key and value, in bytes.
pub const ENTRY: u32 = 128;

/// The price of `entries` in storage of `bytes` together: keys and values, as they are encoded.
pub const fn price(entries: u32, bytes: u32) -> Balance {
	(entries as Balance * ENTRY as Balance + bytes as Balance) * BYTE
}

/// The price of an account: 0.128 KEEL.
pub const ACCOUNT: Balance = price(1, 128);
/// The price of an account's balance of an asset: 0.131 KEEL.
pub const ASSET_ACCOUNT: Balance = price(1, 134);
/// The price of what votes are delegated to: 0.128 KEEL.
pub const VOTING: Balance = price(1, 128);

/// An entry in storage that a call may make for another account, and that nobody has to remove again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Entry<'a> {
	/// The account.
	Account(&'a AccountId),
	/// Its balance of an asset.
	Balance(AssetId, &'a AccountId),
	/// What is delegated to it on a track.
	Voting(u16, &'a AccountId),
}

impl Entry<'_> {
	fn exists(&self) -> bool {
		match *self {
			Entry::Account(who) => System::account_exists(who),
			Entry::Balance(asset, who) => pallet_assets::Account::<Runtime>::contains_key(asset, who),
			Entry::Voting(track, who) => {
				pallet_conviction_voting::VotingFor::<Runtime>::contains_key(who, track)
			}
		}
	}

	fn price(&self) -> Balance {
		match self {
			Entry::Account(_) => ACCOUNT,
			Entry::Balance(..) => ASSET_ACCOUNT,
			Entry::Voting(..) => VOTING,
		}
	}
}

/// Calls `see` for every entry a signed `call` may make for another account, through batches, proxies and
/// multisigs.
fn entries<'a>(call: &'a RuntimeCall, see: &mut impl FnMut(Entry<'a>)) {
	use pallet_assets::Call as Assets;
	use pallet_balances::Call as Balances;
	use pallet_conviction_voting::Call as Voting;
	use pallet_multisig::Call as Multisig;
	use pallet_proxy::Call as Proxy;
	use pallet_utility::Call as Utility;

	match call {
		RuntimeCall::Balances(
			Balances::transfer_allow_death {
				dest: Address::Id(to),
				..
			}
			| Balances::transfer_keep_alive {
				dest: Address::Id(to),
				..
			}
			| Balances::transfer_all {
				dest: Address::Id(to),
				..
			},
		) => see(Entry::Account(to)),
		RuntimeCall::Assets(
			Assets::transfer {
				id,
				target: Address::Id(to),
				..
			}
			| Assets::transfer_keep_alive {
				id,
				target: Address::Id(to),
				..
			}
			| Assets::transfer_all {
				id,
				dest: Address::Id(to),
				..
			}
			| Assets::transfer_approved {
				id,
				destination: Address::Id(to),
				..
			}
			| Assets::mint {
				id,
				beneficiary: Address::Id(to),
				..
			}
			| Assets::force_transfer {
				id,
				dest: Address::Id(to),
				..
			},
		) => {
			see(Entry::Account(to));
			see(Entry::Balance(*id, to));
		}
		RuntimeCall::ConvictionVoting(Voting::delegate {
			class,
			to: Address::Id(to),
			..
		}) => see(Entry::Voting(*class, to)),
		RuntimeCall::Utility(
			Utility::batch { calls } | Utility::batch_all { calls } | Utility::force_batch { calls },
		) => calls.iter().for_each(|call| entries(call, see)),
		RuntimeCall::Utility(Utility::if_else { main, fallback }) => {
			entries(main, see);
			entries(fallback, see);
		}
		RuntimeCall::Utility(Utility::as_derivative { call, .. })
		| RuntimeCall::Multisig(
			Multisig::as_multi { call, .. } | Multisig::as_multi_threshold_1 { call, .. },
		)
		| RuntimeCall::Proxy(Proxy::proxy { call, .. } | Proxy::proxy_announced { call, .. }) => entries(call, see),
		_ => (),
	}
}

/// What `call` costs for the entries it makes in storage that nobody has to remove again. Each counts once.
pub fn new_entries(call: &RuntimeCall) -> Balance {
	let mut all = BTreeSet::new();
	entries(call, &mut |entry| {
		all.insert(entry);
	});
	// A transaction names at most some ten thousands: far from a balance's end.
	all.iter()
		.filter(|entry| !entry.exists())
		.fold(0, |sum: Balance, entry| sum.saturating_add(entry.price()))
}

/// A quoted fee with the price of new `entries`, which stands in the base fee.
pub fn with_entries(mut details: FeeDetails<Balance>, entries: Balance) -> FeeDetails<Balance> {
	if let Some(fee) = details.inclusion_fee.as_mut() {
		fee.base_fee = fee.base_fee.saturating_add(entries);
	}
	details
}

/// The weight of [`new_entries`].
pub fn weigh(call: &RuntimeCall) -> Weight {
	let mut reads = 0u64;
	entries(call, &mut |_| reads = reads.saturating_add(1));
	<Runtime as frame_system::Config>::DbWeight::get().reads(reads)
}

type Inner = FungibleAdapter<Balances, ResolveTo<TreasuryAccount, Balances>>;

/// Takes fees in KEEL, and with them the price of new entries. Both go to the treasury, tips too.
pub struct InKeel;

impl TxCreditHold<Runtime> for InKeel {
	type Credit = NoDrop<Credit<AccountId, Balances>>;
}

impl OnChargeTransaction<Runtime> for InKeel {
	type Balance = Balance;
	type LiquidityInfo = <Inner as OnChargeTransaction<Runtime>>::LiquidityInfo;

	fn withdraw_fee(
		who: &AccountId,
		call: &RuntimeCall,
		info: &DispatchInfoOf<RuntimeCall>,
		fee: Balance,
		tip: Balance,
	) -> Result<Self::LiquidityInfo, TransactionValidityError> {
		// Both or neither.
		Self::can_withdraw_fee(who, call, info, fee, tip)?;
		let price = new_entries(call);
		if price > 0 {
			Balances::transfer(who, &TreasuryAccount::get(), price, Preserve)
				.map_err(|_| InvalidTransaction::Payment)?;
		}
		<Inner as OnChargeTransaction<Runtime>>::withdraw_fee(who, call, info, fee, tip)
	}

	fn can_withdraw_fee(
		who: &AccountId,
		call: &RuntimeCall,
		info: &DispatchInfoOf<RuntimeCall>,
		fee: Balance,
		tip: Balance,
	) -> Result<(), TransactionValidityError> {
		// An account that cannot pay the fee costs nobody the reads of the entries.
		<Inner as OnChargeTransaction<Runtime>>::can_withdraw_fee(who, call, info, fee, tip)?;
		let all = fee.saturating_add(new_entries(call));
		<Inner as OnChargeTransaction<Runtime>>::can_withdraw_fee(who, call, info, all, tip)
	}

	fn correct_and_deposit_fee(
		who: &AccountId,
		info: &DispatchInfoOf<RuntimeCall>,
		post_info: &PostDispatchInfoOf<RuntimeCall>,
		fee: Balance,
		tip: Balance,
		paid: Self::LiquidityInfo,
	) -> Result<(), TransactionValidityError> {
		<Inner as OnChargeTransaction<Runtime>>::correct_and_deposit_fee(who, info, post_info, fee, tip, paid)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn endow_account(who: &AccountId, amount: Balance) {
		<Inner as OnChargeTransaction<Runtime>>::endow_account(who, amount)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn minimum_balance() -> Balance {
		<Inner as OnChargeTransaction<Runtime>>::minimum_balance()
	}
}
