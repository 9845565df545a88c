use super::*;
use serde_json::Value;

/// `liquity_stability_pool` of the reference vectors, in whole units, through the calls. The collateral of a
/// liquidation reaches the pool less 0.5 % compensation.
#[test]
fn reproduces_liquity() {
	let vectors: Value = serde_json::from_str(include_str!("../../../math/reference_vectors.json")).unwrap();
	let numbers = |value: &Value| -> Vec<f64> {
		value
			.as_array()
			.unwrap()
			.iter()
			.map(|n| n.as_f64().unwrap())
			.collect()
	};
	let cases = vectors["liquity_stability_pool"]["cases"].as_array().unwrap();
	assert_eq!(cases.len(), 6);
	for case in cases {
		ExtBuilder::default().build_and_execute(|| {
			let deposits = numbers(&case["deposits"]);
			assert_eq!(deposits.len(), 3);
			for (who, amount) in DEPOSITORS.iter().zip(&deposits) {
				assert_ok!(deposit(*who, *amount as u128 * USD));
			}
			for liquidation in case["liqs"].as_array().unwrap() {
				let [paid, collateral] = numbers(liquidation)[..] else {
					panic!("not a pair")
				};
				let collateral = (collateral * 1000.0).round() as u128 * (ONE_ETH / 1000) / 1000 * 995;
				assert_ok!(absorb(ETH, collateral, paid as u128 * USD, 0));
			}
			let (left, gains) = (numbers(&case["left"]), numbers(&case["eth"]));
			for (i, who) in DEPOSITORS.iter().enumerate().take(3) {
				let before = balance(KUSD, *who);
				if left[i] > 0.0 {
					assert_ok!(withdraw(*who, u128::MAX));
				}
				assert_ok!(claim_all(*who));
				let got = (balance(KUSD, *who) - before) as f64 / USD as f64;
				// Down to the last of six decimals.
				assert!(
					got <= left[i] && left[i] - got < 1.1e-6,
					"{got} is not {}",
					left[i]
				);
				let got = balance(ETH, *who) as f64 / ONE_ETH as f64;
				assert!(
					(got - gains[i]).abs() <= gains[i] * 1e-14,
					"{got} is not {}",
					gains[i]
				);
			}
		});
	}
}
