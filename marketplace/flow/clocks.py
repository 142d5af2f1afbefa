"""How far the parties' clocks may be apart."""

CLOCK_SKEW = 5 * 60 * 1000
"""Milliseconds between a party's clock and the marketplace's: a consent of tomorrow would outlive a withdrawal."""
