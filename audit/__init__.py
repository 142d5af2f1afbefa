"""The append-only transparency log (RFC 6962)."""
