"""A model reviewer's node: its server checks who asks, its worker recomputes every ciphertext."""
