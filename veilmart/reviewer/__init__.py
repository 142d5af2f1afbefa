"""``veilmart reviewer``: what a model reviewer's examiners do."""
