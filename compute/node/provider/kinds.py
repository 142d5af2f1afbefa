"""The kind of a provider's jobs, with the seconds per unit expected before any was measured."""

ANSWER = "answer"

KINDS = {ANSWER: 0.0005}
"""Unit: a row."""
