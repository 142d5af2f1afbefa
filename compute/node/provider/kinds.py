"""The kinds of a provider's jobs, with the cost expected before any was measured."""

from compute.node.jobs.estimate import Cost

ANSWER = "answer"
RING_PEDERSEN = "ring_pedersen"

KINDS = {ANSWER: Cost(0.5, 0.0005), RING_PEDERSEN: Cost(8.0, 0.0)}
"""Unit: a row; of the parameters, which are made once, a step."""

SHORT = 64
"""Rows up to which a query is answered within its request: a quarter of a second of one thread at 4096 bits."""
