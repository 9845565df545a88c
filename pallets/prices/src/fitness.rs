//! Which price is fit for which purpose: its age, its confidence, and the prices before it.

use frame_support::ensure;
use keel_primitives::{ChainParameters, Moment, PriceFor};

use crate::{aggregation, Config, Error, FeedState, Pallet, Refusal, Withheld};

impl<T: Config> From<Refusal> for Error<T> {
	fn from(refusal: Refusal) -> Self {
		match refusal {
			Refusal::Missing => Error::PriceMissing,
			Refusal::TooOld { .. } => Error::PriceTooOld,
			Refusal::TooUncertain { .. } => Error::PriceTooUncertain,
			Refusal::Recovering { .. } => Error::PriceRecovering,
			Refusal::Withheld => Error::PriceWithheld,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Checks that the price is good enough for `purpose`. With [`Self::tolerate`] the one place that
	/// decides.
	pub(crate) fn accept(
		state: &FeedState,
		purpose: PriceFor,
		now: Moment,
		parameters: &ChainParameters,
	) -> Result<(), Refusal> {
		Self::tolerate(state, purpose, now, parameters)?;
		let (prices, needed) = (state.streak, parameters.recovery_prices);
		// Leaving accepts the first price there is.
		let recovering = purpose != PriceFor::ReduceRisk && prices < needed;
		ensure!(!recovering, Refusal::Recovering { prices, needed });
		Ok(())
	}

	/// Checks the price's age, counted from its observation, and confidence against what `purpose`
	/// tolerates.
	pub(crate) fn tolerate(
		state: &FeedState,
		purpose: PriceFor,
		now: Moment,
		parameters: &ChainParameters,
	) -> Result<(), Refusal> {
		let (age_limit, ratio) = match purpose {
			PriceFor::AddRisk => (parameters.add_risk_age, parameters.add_risk_confidence),
			PriceFor::ReduceRisk => (parameters.reduce_risk_age, parameters.reduce_risk_confidence),
			PriceFor::Liquidate => (parameters.liquidate_age, parameters.liquidate_confidence),
		};
		ensure!(state.has_price(), Refusal::Missing);
		ensure!(
			purpose == PriceFor::ReduceRisk || state.withheld == Withheld::No,
			Refusal::Withheld
		);
		let age = now.saturating_sub(state.observed);
		ensure!(
			age <= age_limit,
			Refusal::TooOld {
				age,
				limit: age_limit
			}
		);
		let limit = aggregation::tolerated(state.price.value, ratio);
		let confidence = state.price.confidence;
		ensure!(confidence <= limit, Refusal::TooUncertain { confidence, limit });
		Ok(())
	}
}
