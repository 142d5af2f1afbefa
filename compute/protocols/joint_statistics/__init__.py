"""Joint statistics: encrypted classes of a bank over providers' columns, with disclosure control (PROTOCOLS §5)."""
