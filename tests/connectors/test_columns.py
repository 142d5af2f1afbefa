import pytest

from connectors.base import Column, ColumnType, key_of
from connectors.errors import DeclarationError


@pytest.mark.parametrize("name", ["", "A", "1a", "a b", 'a"b', "名", "a" * 65, "a\n", "#fault"])
def test_a_name_is_an_identifier(name: str) -> None:
    with pytest.raises(DeclarationError, match="name it with"):
        Column(name, ColumnType.TEXT)


@pytest.mark.parametrize(
    ("kind", "scale"),
    [(ColumnType.DECIMAL, 0), (ColumnType.DECIMAL, 18), (ColumnType.DECIMAL, -1), (ColumnType.INTEGER, 1)],
)
def test_only_a_decimal_has_a_scale(kind: ColumnType, scale: int) -> None:
    with pytest.raises(DeclarationError, match=f"column a: a scale of {scale} does not fit"):
        Column("a", kind, scale)


def test_exactly_one_key() -> None:
    key, text = Column("uscc", ColumnType.KEY), Column("a", ColumnType.TEXT)
    assert key_of([text, key]) is key
    with pytest.raises(DeclarationError, match="0 columns are of type key"):
        key_of([text])
    with pytest.raises(DeclarationError, match="2 columns are of type key"):
        key_of([key, Column("other", ColumnType.KEY)])


def test_names_are_declared_once() -> None:
    with pytest.raises(DeclarationError, match="columns a are declared more than once"):
        key_of([Column("uscc", ColumnType.KEY), Column("a", ColumnType.TEXT), Column("a", ColumnType.DATE)])
