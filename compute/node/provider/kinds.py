"""The kinds of a provider's jobs, with the cost expected before any was measured."""

from compute.node.jobs.estimate import Cost

ANSWER, BANDS = "answer", "bands"
RING_PEDERSEN = "ring_pedersen"

KINDS = {ANSWER: Cost(0.5, 0.0005), BANDS: Cost(0.5, 0.003), RING_PEDERSEN: Cost(8.0, 0.0)}
"""Units: a row, a zero test; of the parameters, which are made once, a step."""

SHORT = 64
"""Rows or tests up to which a query is answered within its request.

A quarter of a second of one thread, or one second, at 4096 bits.
"""
