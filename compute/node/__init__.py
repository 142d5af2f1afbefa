"""What a node keeps on its own disk."""
