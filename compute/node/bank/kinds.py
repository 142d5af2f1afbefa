"""The kinds of a bank's jobs, with the cost expected before any was measured."""

from compute.node.jobs.estimate import Cost

ENROL_KEY, REGISTER_MODEL, SCORE = "enrol_key", "register_model", "score"

KINDS = {ENROL_KEY: Cost(1.0, 1.0), REGISTER_MODEL: Cost(1.0, 0.15), SCORE: Cost(1.5, 0.001)}
"""Units: providers, bins, rows."""

SHORT = 64
"""Rows up to which the console's reply waits for the scores: so many the providers answer at once."""
