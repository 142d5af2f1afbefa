"""The console: what the staff of a party ask of their own node. One noun a file, each a factory of its routes."""
