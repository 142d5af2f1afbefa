"""The rules of the market: one noun per file, on frozen values and the time; no I/O."""
