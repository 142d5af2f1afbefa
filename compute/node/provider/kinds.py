"""The kinds of a provider's jobs, with the cost expected before any was measured."""

from compute.node.jobs.estimate import Cost

ANSWER, BANDS = "answer", "bands"
RING_PEDERSEN = "ring_pedersen"
LABELS, ALIGNMENT, STATISTICS = "labels", "alignment", "statistics"

KINDS = {
    ANSWER: Cost(0.5, 0.0005),
    BANDS: Cost(0.5, 0.003),
    RING_PEDERSEN: Cost(8.0, 0.0),
    LABELS: Cost(0.5, 0.0003),
    ALIGNMENT: Cost(0.5, 0.00006),
    STATISTICS: Cost(1.0, 0.0001),
}
"""Units: a row, a zero test, a step of the parameters, which are made once; a row, a row of both sides, a row."""

SHORT = 64
"""Rows or tests up to which a query is answered within its request.

A quarter of a second of one thread, or one second, at 4096 bits.
"""
