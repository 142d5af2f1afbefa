"""``veilmart audit``: the log, verified from outside and from inside, watched, traced, and made into evidence."""
