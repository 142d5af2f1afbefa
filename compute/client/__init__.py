"""Clients of the marketplace's API, a file for each noun; `marketplace.py` is where to begin."""
