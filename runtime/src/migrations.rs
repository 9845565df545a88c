//! What runs once when the chain moves to this runtime.

/// Migrations of this release, in order. None: no chain runs an earlier one.
#[cfg(not(feature = "rehearsal"))]
pub type Released = ();

/// Those of the rehearsed release.
#[cfg(feature = "rehearsal")]
pub type Released = rehearsal::LeaveAMark;

/// A migration that can be seen to have run, exactly once.
#[cfg(feature = "rehearsal")]
mod rehearsal {
	use frame_support::{
		storage::unhashed,
		traits::{Get, OnRuntimeUpgrade},
		weights::Weight,
	};

	/// Where the mark is: the number of times the migration has run.
	pub const MARK: &[u8] = b":keel:rehearsal";

	pub struct LeaveAMark;

	impl OnRuntimeUpgrade for LeaveAMark {
		fn on_runtime_upgrade() -> Weight {
			let runs: u32 = unhashed::get_or_default(MARK);
			unhashed::put(MARK, &runs.saturating_add(1));
			<crate::Runtime as frame_system::Config>::DbWeight::get().reads_writes(1, 1)
		}
	}
}
