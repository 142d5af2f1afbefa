"""What a log's entries say: uses, traces, findings, provenance."""
