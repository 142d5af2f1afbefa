"""Joint statistics: a bank's encrypted classes over providers' columns, with disclosure control (PROTOCOLS.md §5–6)."""
