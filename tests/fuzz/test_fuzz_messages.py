"""Every type of message that any module defines: whatever bytes come, a message in its one form or a FormatError.

The types are found and not listed; values are drawn from what a type says of itself.
"""

import importlib
import pkgutil
import tracemalloc
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from compute.canonical import FormatError, Message, decode, encode

PACKAGES = ["audit", "catalog", "compute", "connectors", "marketplace"]
ALEMBIC = "marketplace.store.migrations.env"
"""Which Alembic runs; it is not imported."""
MOST_ITEMS = 3
"""Of a list that is drawn, beyond the least that it must have."""


def message_types() -> list[type[Message]]:
    """Give all types of messages but the generic ones, which stand in the fields of others."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if module.name != ALEMBIC:
                importlib.import_module(module.name)
    return sorted(
        (each for each in _subclasses(Message) if not getattr(each, "__parameters__", ())),
        key=lambda each: (each.__module__, each.__name__),
    )


def _subclasses(base: type[Message]) -> Iterator[type[Message]]:
    for each in base.__subclasses__():
        if each.__module__.partition(".")[0] in PACKAGES:
            yield each
            yield from _subclasses(each)


TYPES = message_types()
NAMES = [f"{each.__module__}.{each.__name__}" for each in TYPES]


def drawn(kind: inspect.Type) -> st.SearchStrategy[Any]:  # noqa: C901, PLR0911, PLR0912 -- a case for each kind
    """Give JSON values of a type, within its bounds; rules between the fields of a message are not kept."""
    match kind:
        case inspect.Metadata(type=inner):
            return drawn(inner)
        case inspect.AnyType():
            return st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5)
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return st.integers(_least(kind), _most(kind))
        case inspect.FloatType(ge=least, le=most):
            return st.floats(least, most, allow_nan=False, allow_infinity=False)
        case inspect.StrType(pattern=None):
            return st.text(min_size=kind.min_length or 0, max_size=_cap(kind.min_length, kind.max_length))
        case inspect.StrType(pattern=str() as pattern):
            return st.from_regex(pattern)
        case inspect.BytesType():
            size = st.binary(min_size=kind.min_length or 0, max_size=_cap(kind.min_length, kind.max_length))
            return size.map(msgspec.to_builtins)
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.EnumType(cls=cls):
            return st.sampled_from([each.value for each in cls])
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            least = kind.min_length or 0
            return st.lists(drawn(item), min_size=least, max_size=_cap(least, kind.max_length, MOST_ITEMS))
        case inspect.TupleType(item_types=items):
            return st.tuples(*map(drawn, items)).map(list)
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(drawn(key), drawn(value), max_size=MOST_ITEMS)
        case inspect.UnionType(types=types):
            return st.one_of(*map(drawn, types))
        case inspect.StructType(fields=fields, tag=tag, tag_field=tag_field):
            required = {each.encode_name: drawn(each.type) for each in fields}
            tagged = {tag_field: st.just(tag)} if tag_field else {}
            return st.fixed_dictionaries(required | tagged)
    raise NotImplementedError(f"messages hold no {type(kind).__name__} yet; draw it here")


def _least(kind: inspect.IntType) -> int:
    return -(2**53) + 1 if kind.ge is None and kind.gt is None else kind.ge if kind.ge is not None else kind.gt + 1


def _most(kind: inspect.IntType) -> int:
    return 2**53 - 1 if kind.le is None and kind.lt is None else kind.le if kind.le is not None else kind.lt - 1


def _cap(least: int | None, most: int | None, more: int = 40) -> int:
    wanted = (least or 0) + more
    return wanted if most is None else min(most, wanted)


def accepted(expected: type[Message], data: bytes) -> bool:
    """Decode; what is accepted has these bytes as its only form."""
    try:
        message = decode(data, expected)
    except FormatError:
        return False
    assert type(message) is expected
    assert encode(message) == data
    assert decode(encode(message), expected) == message
    return True


def test_the_types_are_found() -> None:
    found = {each.__name__ for each in TYPES}
    assert len(found) > 60
    assert found >= {"Query", "Answer", "EnrolKey", "ConsentBatch", "Terms", "Scoring", "Opening", "Pending"}


@pytest.mark.long
@pytest.mark.parametrize("expected", TYPES, ids=NAMES)
def test_what_a_type_allows_is_read_back_or_refused_by_a_rule_of_its_own(expected: type[Message]) -> None:
    @settings(max_examples=5)
    @given(members=drawn(inspect.type_info(expected)))
    def send(members: dict[str, Any]) -> None:
        accepted(expected, rfc8785.dumps(members))

    send()


@pytest.mark.long
@pytest.mark.parametrize("expected", TYPES, ids=NAMES)
def test_altered_bytes_are_refused_or_canonical(expected: type[Message]) -> None:
    pieces = [
        b"",
        b"null",
        b'""',
        b"[]",
        b"{}",
        b"1e999",
        b"-0",
        b'"\\ud800"',
        b"\xff",
        b" ",
        b"9" * 400,
        b"[" * 400,
    ]

    @settings(max_examples=15)
    @given(
        members=drawn(inspect.type_info(expected)),
        place=st.floats(0, 1),
        length=st.integers(0, 40),
        piece=st.sampled_from(pieces) | st.binary(max_size=8),
    )
    def send(members: dict[str, Any], place: float, length: int, piece: bytes) -> None:
        data = rfc8785.dumps(members)
        start = int(place * len(data))
        accepted(expected, data[:start] + piece + data[start + length :])

    send()


@settings(max_examples=20)
@given(data=st.binary(max_size=200) | st.from_regex(r'\A\{"type":"[a-z_]{1,20}"\}\Z').map(str.encode))
def test_noise_is_no_message_of_any_type(data: bytes) -> None:
    for each in TYPES:
        accepted(each, data)


@pytest.mark.parametrize("data", [b"[" * 2_000_000, b'{"a":' * 400_000, b'"' + b"\\u0041" * 300_000 + b'"'])
def test_a_long_message_that_is_none_takes_no_more_memory_than_some_of_its_own_length(data: bytes) -> None:
    tracemalloc.start()
    try:
        for expected in TYPES[:5]:
            assert not accepted(expected, data)
        assert tracemalloc.get_traced_memory()[1] < 8 * len(data)
    finally:
        tracemalloc.stop()
