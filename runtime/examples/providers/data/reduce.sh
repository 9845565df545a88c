#!/usr/bin/env bash
# Reduces the recorded bars and funding of `$1` to what the providers' study reads; see README.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
zipped() { gzip -9n > "$here/$1.csv.gz"; }
bars() { zcat "$1usdt_binance_1h_2022-2026.csv.gz" | awk -F, 'NR > 1 && $1 < 1704067200 { printf "%d,%.5g\n", $1, $5 }'; }
{
	echo "# Binance spot klines, closes of the hour, five significant digits; a gap is a gap"
	echo "unix_seconds,btc,eth,dot,sol"
	join -t, <(bars btc) <(bars eth) | join -t, - <(bars dot) | join -t, - <(bars sol)
} | zipped closes_binance_2022-2023_1h
funding() {
	# March 2020, the week of 17 May 2021, and from 2022 on.
	zcat "funding_$1usdt_binance_2020-01-01_2023-12-31.csv.gz" | awk -F, '
		NR == 1 { next }
		$1 > 1583020800 && $1 <= 1585699200 { print $1 "," sprintf("%.2f", $2 * 1e4) }
		$1 > 1621209600 && $1 <= 1621900800 { print $1 "," sprintf("%.2f", $2 * 1e4) }
		$1 > 1640995200 { print $1 "," sprintf("%.2f", $2 * 1e4) }'
}
{
	echo "# Realised funding of Binance's perpetuals, basis points of the eight hours that ended then"
	echo "unix_seconds,btc,eth"
	join -t, <(funding btc) <(funding eth)
} | zipped funding_binance_2020-2023
