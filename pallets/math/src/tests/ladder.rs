use super::*;
use crate::ladder::*;

/// Numbers of every size, the edges of octaves among them.
fn number() -> impl Strategy<Value = u128> {
	prop_oneof![
		(any::<u128>(), 0u32..128).prop_map(|(bits, shift)| bits >> shift),
		(0u32..128, 0u128..3).prop_map(|(octave, step)| ((1u128 << octave) + step).saturating_sub(1)),
		Just(u128::MAX),
	]
}

mod ticks {
	use super::*;

	/// Halve until 8 bits are left, counting.
	fn by_halves(mut number: u128) -> u16 {
		let mut halves = 0;
		while number > 255 {
			number /= 2;
			halves += 1;
		}
		halves * 128 + number as u16
	}

	#[test]
	fn are_single_numbers_below_256() {
		for k in 0..256u16 {
			assert_eq!((tick(k.into()), floor(k), ceil(k)), (k, k.into(), k.into()));
		}
	}

	#[test]
	fn are_128_to_an_octave() {
		for octave in 7..128u32 {
			let start = (octave as u16 - 6) * 128;
			assert_eq!(tick(1 << octave), start);
			assert_eq!(tick((1u128 << octave) - 1), start - 1);
			assert_eq!(tick(3 << (octave - 1)), start + 64);
		}
		assert_eq!(tick(u128::MAX) as u32, TICKS - 1);
	}

	/// Each begins where the one before ends: so every number is in one, and they are in order.
	#[test]
	fn cover_all_numbers_without_gap_or_overlap() {
		assert_eq!((floor(0), ceil(TICKS as u16 - 1)), (0, u128::MAX));
		for t in 0..TICKS as u16 {
			assert_eq!((tick(floor(t)), tick(ceil(t))), (t, t));
			assert!(floor(t) <= ceil(t));
			if t > 0 {
				assert_eq!(ceil(t - 1) + 1, floor(t));
				assert_eq!(tick(floor(t) - 1), t - 1);
			}
		}
	}

	#[test]
	fn are_less_than_a_percent_wide() {
		for t in 256..TICKS as u16 {
			let width = ceil(t) - floor(t) + 1;
			// More than 1/256, at most 1/128 of the lowest number.
			assert!(width <= floor(t) / 128 && width > floor(t) / 256);
		}
	}

	#[test]
	fn end_with_their_number() {
		for t in [TICKS as u16, u16::MAX] {
			assert_eq!((floor(t), ceil(t)), (u128::MAX, u128::MAX));
		}
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(4_000))]
		#[test]
		fn are_monotone_and_what_halving_gives(a in number(), b in number()) {
			let (low, high) = (a.min(b), a.max(b));
			prop_assert!(tick(low) <= tick(high));
			prop_assert_eq!(tick(a), by_halves(a));
			prop_assert!(floor(tick(a)) <= a && a <= ceil(tick(a)));
		}
	}
}
