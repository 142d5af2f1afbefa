"""Answers that open once their receipt is in the log, or never (PROTOCOLS.md §7)."""
