"""The kind of a reviewer's jobs, with the seconds per unit expected before any was measured."""

REVIEW = "review"

KINDS = {REVIEW: 0.05}
"""Unit: a bin."""
