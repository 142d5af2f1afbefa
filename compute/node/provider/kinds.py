"""The kind of a provider's jobs, with the seconds per unit expected before any was measured."""

ANSWER = "answer"

KINDS = {ANSWER: 0.0005}
"""Unit: a row."""

SHORT = 64
"""Rows up to which a query is answered within its request: at 4096 bits they take a thread a quarter of a second."""
