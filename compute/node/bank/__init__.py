"""A bank node: its server takes what the staff ask, its worker holds the private key and asks the others."""
