"""The kinds of a bank's jobs, with the seconds per unit expected before any was measured."""

ENROL_KEY, REGISTER_MODEL, SCORE = "enrol_key", "register_model", "score"

KINDS = {ENROL_KEY: 1.0, REGISTER_MODEL: 0.15, SCORE: 0.001}
"""Units: providers, bins, rows."""

SHORT = 64
"""Rows up to which the console's reply waits for the scores: so many the providers answer at once."""
