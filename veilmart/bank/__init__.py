"""``veilmart bank``: what a bank's analysts do with labels and statistics."""
