//! What runs once when the chain moves to this runtime.

/// Migrations of this release, in order. None: it is the first.
pub type Released = ();
