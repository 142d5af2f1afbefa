"""The kind of a provider's jobs, with the cost expected before any was measured."""

from compute.node.jobs.estimate import Cost

ANSWER = "answer"

KINDS = {ANSWER: Cost(0.5, 0.0005)}
"""Unit: a row."""

SHORT = 64
"""Rows up to which a query is answered within its request: a quarter of a second of one thread at 4096 bits."""
