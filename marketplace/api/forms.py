"""The bodies that are no canonical message."""

from compute.web.body import Form

DESCRIPTION: Form[bytes] = Form("application/toml", bytes, str)
"""A product's description, which `catalog` parses."""
