"""Joint statistics: a bank's encrypted classes over columns of providers, disclosure controlled (PROTOCOLS §5)."""
