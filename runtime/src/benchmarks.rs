//! Which benchmarks there are. The macros expand where they are called, so the pallets must be in scope there.

frame_benchmarking::define_benchmarks!(
	[pallet_balances, Balances]
	[pallet_asset_tx_payment, AssetTxPayment]
	[pallet_oracle, Oracle]
	[pallet_prices, Prices]
	[pallet_risk_parameters, RiskParameters]
	[pallet_asset_registry, AssetRegistry]
	[pallet_vaults, Vaults]
	[pallet_liquidations, Liquidations]
	[pallet_stability_pool, StabilityPool]
	[pallet_auctions, Auctions]
	[pallet_insurance_fund, InsuranceFund]
	[pallet_circuit_breaker, CircuitBreaker]
	[pallet_clock, Clock]
	[pallet_emergency, Emergency]
	[pallet_margin, Margin]
	[pallet_perpetuals, Perpetuals]
	[pallet_liquidity_pool, LiquidityPool]
);
