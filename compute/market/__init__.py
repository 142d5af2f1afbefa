"""What a client says to the marketplace and hears from it, beyond the signed statements themselves; a noun each.

States are those of `marketplace/flow/states.py`, by value.
"""
