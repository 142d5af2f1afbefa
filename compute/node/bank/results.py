"""Where a job's results lie among the bank's own."""

import hashlib


def folder(reference: str, parameters: bytes) -> str:
    """Give the folder's name for a job: its reference, and what tells it from another of that reference."""
    return f"{reference}-{hashlib.sha256(parameters).hexdigest()[:8]}"
