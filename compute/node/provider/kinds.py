"""The kind of a provider's jobs, with the seconds per unit expected before any was measured."""

ANSWER = "answer"

KINDS = {ANSWER: 0.0005}
"""Unit: a row."""

SHORT = 64
"""Rows up to which a query is answered within its request: a quarter of a second of one thread at 4096 bits."""
