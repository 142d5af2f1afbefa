"""The bodies that are no canonical message."""

from audit import entry
from audit.entry import Entry
from compute.web.body import JSON, Form

DESCRIPTION: Form[bytes] = Form("application/toml", bytes, str)
"""A product's description, which `catalog` parses."""
EVENT: Form[Entry] = Form(JSON, entry.parse, Entry)
