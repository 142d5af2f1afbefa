"""What the marketplace is asked to do, a noun each: load, rule, store and record, in one transaction."""
