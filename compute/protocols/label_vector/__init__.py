"""Label vectors: a bank's encrypted classes of the rows of a cohort, each proven to be one of a few public values."""
