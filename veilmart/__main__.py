"""``python -m veilmart``."""

from veilmart.cli import main

main()
