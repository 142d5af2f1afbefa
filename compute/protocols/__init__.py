"""Protocols: one folder each, its messages and one file per role."""
