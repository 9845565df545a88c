"""Nine steps of a market whose funding rate has a velocity, in exact rationals.

Prints what `reference_vectors.json` holds as `funding_velocity_nine_steps`. Every number is a fraction, so that nothing is
rounded anywhere. In each step the price changes, the time passes at the skew that stands, and then the trade is made.

    python3 reference/funding_velocity.py
"""

import json
from fractions import Fraction

DAY_MS = 86_400_000
SCALE = Fraction(100_000)  # units of skew at which the premium is 100 %
VELOCITY = Fraction(9)  # per day and day
MAX_RATE = Fraction(1)  # per day

# What happens, elapsed milliseconds, trade in units, price in USD.
STEPS = [
    ("no skew: no funding", 3_600_000, "20000", "50000"),
    ("a positive skew: the rate rises", 21_600_000, "-5000", "50500.25"),
    ("it reaches the upper limit on the way", 43_200_000, "-15000", "51234.567"),
    ("no skew: it stays at the limit, and longs pay", 10_800_000, "-30000", "49999.99999999"),
    ("a negative skew: it leaves the limit", 28_800_001, "-7000.5", "47123.45"),
    ("it changes its sign", 18_000_007, "1.23456789", "46000.000000000000000001"),
    ("it reaches the lower limit on the way", 32_400_011, "137000", "44444.4444"),
    ("a skew above the scale: the push is at its limit too", 16_200_013, "-130000", "52000"),
    ("back towards zero", 25_200_123, "29999.26543211", "53131.313131"),
]


def step(rate, skew, elapsed_ms, price):
    """The rate after a time, and how much the index grew."""
    days = Fraction(elapsed_ms, DAY_MS)
    slope = max(Fraction(-1), min(Fraction(1), skew / SCALE)) * VELOCITY
    limit = MAX_RATE if slope >= 0 else -MAX_RATE
    until = days if slope == 0 else min(days, (limit - rate) / slope)
    after = rate + slope * until
    # A trapezium, then a rectangle.
    area = (rate + after) / 2 * until + after * (days - until)
    return after, area * price


def main():
    rate = index = skew = Fraction(0)
    rows = []
    for what, elapsed_ms, trade, price in STEPS:
        rate, growth = step(rate, skew, elapsed_ms, Fraction(price))
        index += growth
        rows.append((what, elapsed_ms, trade, price, skew, rate, index))
        skew += Fraction(trade)
    assert skew == 0
    steps = [
        {
            "what": what,
            "elapsed_ms": elapsed_ms,
            "trade": trade,
            "price": price,
            "skew": str(skew),
            "rate": str(rate),
            "index": str(at),
            # What whoever made this trade owes after the last step, in USD: below zero it is owed.
            "owes": str(Fraction(trade) * (index - at)),
        }
        for what, elapsed_ms, trade, price, skew, rate, at in rows
    ]
    table = {
        "source": "computed by reference/funding_velocity.py in exact rationals",
        "formula": "dr/dt = clamp(skew/scale, -1, 1)*velocity, |r| <= max_rate; index += price * integral of r; "
        "owes = trade*(last index - index); units, USD, days; fractions are exact",
        "scale": str(SCALE),
        "velocity": str(VELOCITY),
        "max_rate": str(MAX_RATE),
        "steps": steps,
    }
    print(json.dumps({"funding_velocity_nine_steps": table}, indent=1))


if __name__ == "__main__":
    main()
