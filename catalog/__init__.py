"""Data products, their fields and grades, as frozen descriptions; no web, no rows."""
