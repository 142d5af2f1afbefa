"""Texts that pass for others, or for code, and how each route takes them: in its path, its query and its body."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import marshmallow
from msgspec import inspect

MARKS = ("a\u202eb", "a\u2066b", "a\u200fb", "a\u2028b", "a\x00b", "a\x1bb")
"""Marks of direction, a line separator, controls."""
MARKUP = "<img src=x onerror=alert(1)>"
QUOTES = "' OR 1=1 --"
Path = tuple[str, ...]


def parts_of(kind: inspect.Type) -> list[tuple[str, inspect.Type]]:
    """What a type is made of, with the names of the parts; a name is empty where it adds nothing to a place."""
    match kind:
        case inspect.Metadata():
            return [("", kind.type)]
        case inspect.UnionType():
            return [("", each) for each in kind.types]
        case inspect.ListType() | inspect.VarTupleType():
            return [("[]", kind.item_type)]
        case inspect.DictType():
            return [("{}", kind.key_type), ("{}", kind.value_type)]
        case inspect.StructType():
            return [(field.encode_name, field.type) for field in kind.fields]
    return []


def texts_of(kind: inspect.Type, path: Path = ()) -> Iterator[tuple[Path, inspect.StrType]]:
    """Every text in a body of this type, with its place."""
    if isinstance(kind, inspect.StrType):
        yield path, kind
    for name, part in parts_of(kind):
        yield from texts_of(part, (*path, name) if name else path)


def filled(kind: inspect.Type, value: str) -> Any:
    """A body of this type in which every text is `value`, and everything else as little as it may be."""
    parts = [(name, filled(part, value)) for name, part in parts_of(kind)]
    match kind:
        case inspect.Metadata() | inspect.UnionType():
            made: object = parts[0][1]
        case inspect.StructType():
            made = dict(parts)
        case inspect.DictType():
            made = {value: parts[1][1]}
        case inspect.ListType() | inspect.VarTupleType():
            made = [parts[0][1]]
        case inspect.EnumType():
            made = next(iter(kind.cls)).value
        case inspect.LiteralType():
            made = kind.values[0]
        case inspect.IntType():
            made = max(1, kind.ge or 1)
        case _:
            made = {inspect.StrType: value, inspect.BoolType: False, inspect.BytesType: "AAAA"}.get(type(kind))
    return made


def queries_of(view: Callable[..., object]) -> Mapping[str, marshmallow.fields.Field[Any]]:
    """The fields of a view's query."""
    args = getattr(view, "_spec", {}).get("args", ())
    found: dict[str, marshmallow.fields.Field[Any]] = {}
    for schema, location, *_ in args:
        if location == "query":
            found |= schema.fields
    return found
