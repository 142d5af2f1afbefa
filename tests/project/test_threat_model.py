"""docs/threat-model.md names code and tests that exist, and leaves no file of attacks out."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
NAMED = re.compile(r"`((?:[a-z_]+/)+[a-z_0-9]+\.py)(?:::([A-Za-z_0-9.]+))?`")
HEADER = "| attack | who | defence | where in the code | tests |"


@cache
def names(path: str) -> frozenset[str]:
    """Give the functions, classes and their methods that a file defines."""
    found = set()
    for node in ast.parse((ROOT / path).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return frozenset(found)


def attacks() -> list[list[str]]:
    """Give the rows of all tables of attacks, cell by cell."""
    rows, inside = [], False
    for line in TEXT.splitlines():
        inside = line == HEADER or (inside and line.startswith("|"))
        if inside and line != HEADER and not line.startswith("|---"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_everything_named_is_there() -> None:
    named = NAMED.findall(TEXT)
    assert len(named) > 100
    for path, name in named:
        assert (ROOT / path).is_file(), path
        assert not name or name in names(path), f"{path}::{name}"


def test_every_attack_names_who_does_it_its_defence_the_code_and_a_test() -> None:
    rows = attacks()
    assert len(rows) > 30
    for row in rows:
        assert len(row) == 5, row
        attack, who, defence, code, tests = row
        assert all((attack, who, defence)), row
        places, played = NAMED.findall(code), NAMED.findall(tests)
        assert places, row
        assert all(name and not path.startswith("tests/") for path, name in places), row
        assert played, row
        assert all(path.startswith("tests/") and name.startswith("test_") for path, name in played), row


def test_every_file_of_attacks_is_named() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests" / "attacks").glob("test_*.py")}
    assert files <= {path for path, _ in NAMED.findall(TEXT)}
    assert len(files) > 4


def test_what_is_not_defended_says_what_can_be_done() -> None:
    section = TEXT.partition("## Not defended")[2]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 8
    assert all(len(row) == 2 and all(cell.strip() for cell in row) for row in rows)
