"""The kind of a reviewer's jobs, with the cost expected before any was measured."""

from compute.node.jobs.estimate import Cost

REVIEW = "review"

KINDS = {REVIEW: Cost(0.5, 0.05)}
"""Unit: a bin."""
