//! What the pool stores and shows.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use keel_math::FixedU128;
use keel_primitives::{Balance, Moment};
use scale_info::TypeInfo;

/// A deposit or a withdrawal that waits. Each kind counts by itself; never reused.
pub type RequestId = u64;

/// Which queue.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum QueueName {
	/// Of deposits that wait to become shares.
	Deposits,
	/// Of withdrawals that wait to be paid.
	Withdrawals,
}

/// A queue: first come, first served. Each request knows its neighbours, so that one can leave from the middle without a gap that
/// somebody would have to step over.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Queue {
	/// Who is served next.
	pub first: Option<RequestId>,
	/// Who came last.
	pub last: Option<RequestId>,
	/// How many wait.
	pub count: u32,
	/// What the next request is called.
	pub next_id: RequestId,
}

/// A request and its neighbours.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Queued<Request> {
	/// What is asked for.
	pub request: Request,
	/// Who is served before it.
	pub before: Option<RequestId>,
	/// Who is served after it.
	pub after: Option<RequestId>,
}

/// kUSD that waits to become shares.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Deposit<AccountId> {
	/// Whose it is.
	pub who: AccountId,
	/// In base units of kUSD.
	pub amount: Balance,
	/// When it was made: all prices have to be newer.
	pub at: Moment,
	/// The fewest shares it may become, in base units.
	pub least_shares: Balance,
}

/// Shares that wait to be paid for.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Withdrawal<AccountId> {
	/// Whose they are.
	pub who: AccountId,
	/// In base units: those not paid for yet.
	pub shares: Balance,
	/// When it was asked for.
	pub at: Moment,
	/// The end of the cooldown: all prices have to be newer.
	pub due: Moment,
}

/// The pool as a whole: one value.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct PoolState {
	/// What the pool has realised, in base units of kUSD: what became shares and was not withdrawn, fees, and what traders lost
	/// less what they won. Part of clearing. Below zero where more was paid to traders than traders have paid yet.
	pub cash: i128,
	/// Deposits that are not shares yet, in base units of kUSD. Part of clearing, not of the equity.
	pub waiting: Balance,
	/// Shares that wait to be paid for, in base units: exactly what the pallet's account holds.
	pub leaving: Balance,
	/// Shares this pallet has minted and not burned, in base units: exactly those that exist.
	pub issued: Balance,
	/// Who waits to come in.
	pub deposits: Queue,
	/// Who waits to leave.
	pub withdrawals: Queue,
}

/// The pool now. Money in base units of kUSD; what can't be told without a price that is missing is `None`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct PoolSummary {
	/// What the pool has realised.
	pub cash: i128,
	/// What of that is there to be paid: the rest is lent to traders beyond the lending reserve, and comes
	/// back with interest.
	pub available: Balance,
	/// What it owes traders at the last prices; below zero: what they owe it.
	pub owed: Option<i128>,
	/// The most by which it may owe more than that, or less, because a market's feed is dead.
	pub unpriced: Option<Balance>,
	/// `cash − owed − unpriced`: what those who leave are paid by. Those who come in pay for
	/// `cash − owed + unpriced`.
	pub equity: Option<i128>,
	/// The most it can lose in the stress scenario.
	pub worst_case: Balance,
	/// The share of its equity the worst case may take, with 18 decimals.
	pub limit: FixedU128,
	/// How much of that it takes, with 18 decimals. Above one, nothing leaves.
	pub utilisation: Option<FixedU128>,
	/// All shares, in base units.
	pub supply: Balance,
	/// What leaving pays for one whole share, in kUSD with 18 decimals; zero without equity.
	pub share_value: Option<FixedU128>,
	/// What may leave now.
	pub free: Option<Balance>,
	/// Deposits that are not shares yet …
	pub waiting: Balance,
	/// … and how many.
	pub deposits: u32,
	/// Shares that wait to be paid for, in base units …
	pub leaving: Balance,
	/// … and in how many requests.
	pub withdrawals: u32,
	/// The fewest shares a withdrawal may be of now, in base units.
	pub least_withdrawal: Balance,
}

/// The pool before and after its worst case. Money in base units of kUSD.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct WorstCase {
	/// What it would lose.
	pub loss: Balance,
	/// Its equity now.
	pub equity: i128,
	/// Its equity then; below zero the loss would go on to unrealised profits.
	pub equity_then: i128,
	/// What leaving pays for one whole share now, in kUSD with 18 decimals.
	pub share_value: FixedU128,
	/// What it would pay then.
	pub share_value_then: FixedU128,
	/// The equity the worst case needs under the utilisation limit; what is above it may leave.
	pub equity_needed: Balance,
	/// How much more there may be to lose before nothing leaves and no risk is added.
	pub room: Balance,
}

/// What a deposit would become.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ProvidePreview {
	/// Shares, in base units.
	pub shares: Balance,
	/// How many deposits wait before it.
	pub ahead: u32,
}

/// What a withdrawal would bring.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct WithdrawalPreview {
	/// All of it, in base units of kUSD.
	pub value: Balance,
	/// How much of that could be paid if everybody's cooldown were over: what is free, in custody, and not
	/// wanted by those before.
	pub free: Balance,
	/// The end of its cooldown. It is paid for at the first prices after it, at the earliest; where dead
	/// feeds hide more than a hundredth of the equity, a cooldown later.
	pub due: Moment,
	/// Shares that wait before it, in base units.
	pub ahead: Balance,
}

/// Somebody's deposit that waits.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct DepositView {
	/// Its name.
	pub id: RequestId,
	/// In base units of kUSD.
	pub amount: Balance,
	/// The fewest shares it may become, in base units.
	pub least_shares: Balance,
	/// When it was made.
	pub at: Moment,
	/// How many wait before it.
	pub ahead: u32,
}

/// Somebody's withdrawal that waits.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct WithdrawalView {
	/// Its name.
	pub id: RequestId,
	/// Shares not paid for yet, in base units.
	pub shares: Balance,
	/// What they are worth now, in base units of kUSD; `None` while a price is missing or the pool has no equity.
	pub value: Option<Balance>,
	/// When it was asked for.
	pub at: Moment,
	/// The end of its cooldown.
	pub due: Moment,
	/// Shares that wait before it, in base units.
	pub ahead: Balance,
}

/// What somebody waits for, in the order it is served.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Requests {
	/// To come in.
	pub deposits: Vec<DepositView>,
	/// To leave.
	pub withdrawals: Vec<WithdrawalView>,
}

/// What somebody has in the pool.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Holding {
	/// Shares in hand, in base units.
	pub shares: Balance,
	/// Shares that wait to be paid for, in base units.
	pub leaving: Balance,
	/// kUSD that waits to become shares, in base units.
	pub waiting: Balance,
	/// What all the shares are worth now, in base units of kUSD; `None` while a price is missing.
	pub value: Option<Balance>,
	/// What they would be worth after the worst case.
	pub value_in_worst_case: Option<Balance>,
}
