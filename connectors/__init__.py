"""Read-only access to a provider's tables."""
