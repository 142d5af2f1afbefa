"""Label vectors: a bank's encrypted classes of a cohort's rows, each proven to be one of a few public values."""
