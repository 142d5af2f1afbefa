"""Alignment of a disclosed cohort: a provider learns which of its rows are a bank's subjects; the bank nothing."""
