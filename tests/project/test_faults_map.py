"""docs/faults.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[a-z_/]+\.py)(?:::(test_[a-z0-9_]+))?`")


def test_every_fault_names_a_test_that_is_there() -> None:
    lines = (ROOT / "docs" / "faults.md").read_text("utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    for row in rows[1:]:
        named = NAMED.findall(row)
        assert named, row
        for path, test in named:
            text = (ROOT / path).read_text("utf-8")
            assert not test or f"def {test}(" in text, f"{path}::{test}"
