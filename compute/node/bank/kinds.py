"""The kinds of a bank's jobs, with the cost expected before any was measured."""

from compute.node.jobs.estimate import Cost

ENROL_KEY, SUBMIT_MODEL, REGISTER_MODEL = "enrol_key", "submit_model", "register_model"
SCORE, SCORE_BANDS = "score", "score_bands"
REGISTER_LABELS, STATISTICS = "register_labels", "statistics"

KINDS = {
    ENROL_KEY: Cost(1.0, 1.0),
    SUBMIT_MODEL: Cost(1.0, 0.15),
    REGISTER_MODEL: Cost(0.5, 0.5),
    SCORE: Cost(1.5, 0.001),
    SCORE_BANDS: Cost(2.0, 0.006),
    REGISTER_LABELS: Cost(2.0, 0.0015),
    STATISTICS: Cost(2.0, 0.00002),
}
"""Units: providers, bins, models, rows; of bands, zero tests; rows of labels; rows times tables."""

SHORT = 64
"""Rows or zero tests up to which the console's reply waits for scores: so many the providers answer at once."""
