//! Cross-margin accounts.
#![cfg_attr(not(feature = "std"), no_std)]
