from collections.abc import Callable

import pytest

from connectors.errors import (
    HeaderError,
    MissingHeaderError,
    RepeatedHeaderError,
    SourceError,
    StructureError,
    SwappedHeaderError,
    UnknownHeaderError,
)


@pytest.mark.parametrize(
    ("header", "error", "told"),
    [
        ("uscc,name,count,extra", UnknownHeaderError, "unknown columns extra;"),
        ("uscc,name,Count", UnknownHeaderError, "unknown columns Count;"),
        ("uscc,name, count", UnknownHeaderError, "unknown columns  count;"),
        ("uscc,name,", UnknownHeaderError, "unknown columns ;"),
        ("uscc,count", MissingHeaderError, "missing columns name;"),
        ("uscc", MissingHeaderError, "missing columns name, count;"),
        ("uscc,name,count,name", RepeatedHeaderError, "repeated columns name;"),
        ("uscc,count,name", SwappedHeaderError, "another order: count, name;"),
        ('"uscc","count","name"', SwappedHeaderError, "another order: count, name;"),
    ],
)
def test_each_fault_is_told_apart(
    refuse: Callable[..., SourceError], header: str, error: type[SourceError], told: str
) -> None:
    caught = refuse(f"{header}\n".encode(), error)
    assert caught.line == 1
    assert told in str(caught)
    assert str(caught).endswith("write as first line: uscc,name,count")


def test_names_are_capped_and_printable(refuse: Callable[..., SourceError]) -> None:
    names = ["x" * 500, "a\u202eb", "c\u2028d", "e", "f", "g", "h"]
    told = str(refuse(f"uscc,{','.join(names)}\n".encode(), UnknownHeaderError))
    assert f"{'x' * 39}…, a?b, c?d, e, f and 2 more" in told
    assert told.isprintable()


@pytest.mark.parametrize("line", ["91110000600037341L,CANARY7731,3", "CANARY7731", '"CANARY7731'])
def test_a_first_line_of_data_is_not_shown(refuse: Callable[..., SourceError], line: str) -> None:
    assert "names none of the declared columns" in str(refuse(f"{line}\n".encode(), HeaderError))


def test_an_empty_file_has_no_header(refuse: Callable[..., SourceError]) -> None:
    assert "the file is empty" in str(refuse(b"", StructureError))
    assert refuse(b"\n", HeaderError).line == 1
