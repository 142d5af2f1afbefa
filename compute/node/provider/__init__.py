"""A data provider's node: its server answers short messages and checks queries, its worker computes answers."""
