"""What follows from a contract's terms for machines and readers: a policy, two texts, and one digest of all."""
