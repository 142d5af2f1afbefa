"""Risk score: an exact encrypted scorecard over several providers (PROTOCOLS.md §4)."""
