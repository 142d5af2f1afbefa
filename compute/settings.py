"""What a process is told: one TOML file, strictly typed, none of its keys unknown, no secret in it.

A program declares its keys as a `Section`; a section within one is a table of the file.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, inspect

from compute.wording import explain

Port = Annotated[int, Meta(ge=1, le=65535)]
Workers = Annotated[int, Meta(ge=1, le=64)]
"""Processes."""
MaxBody = Annotated[int, Meta(ge=2**16, le=2**26)]
"""Bytes of a request's body."""


class SettingsError(ValueError):
    """The configuration cannot be used: which file and key, why, what to do."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of what a configuration holds; a key with a default may be left out."""


S = TypeVar("S", bound=Section)


def load(path: Path, expected: type[S], example: str, *, partial: bool = False) -> S:
    """Give the settings in a file; raise `SettingsError`, in one line, for one that cannot be used.

    Paths in it are relative to its folder. `example` is a file that shows what is missing. With `partial` the
    keys at the top that `expected` does not have belong to another program, and are passed over.
    """
    try:
        members = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; name a file that can be read") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: not TOML: {error}; correct it") from error
    if partial:
        members = {name: members[name] for name in expected.__struct_fields__ if name in members}
    kind = inspect.type_info(expected)
    if unknown := sorted(_unknown(members, kind)):
        raise SettingsError(f"{path}: unknown: {', '.join(map(repr, unknown))}; remove it or correct its spelling")
    if absent := sorted(_absent(members, kind)):
        raise SettingsError(f"{path}: missing: {', '.join(absent)}; set it as {example} does")
    if untouched := sorted(_untouched(members)):
        raise SettingsError(f"{path}: {', '.join(untouched)}: still the example's text; put your own value there")
    try:
        return msgspec.convert(members, expected, dec_hook=lambda kind, value: _path(path.parent, kind, value))
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {explain(error, expected)}; correct the value") from error


_EXAMPLE = re.compile(r"put .+ here")
"""What stands in an example for a value that nobody can know beforehand."""


def _untouched(value: object, place: str = "") -> Iterator[str]:
    """The dotted names of keys that have an example's text."""
    match value:
        case dict():
            for name, each in value.items():
                yield from _untouched(each, f"{place}.{name}" if place else str(name))
        case str() if _EXAMPLE.fullmatch(value):
            yield place


def _unknown(value: object, kind: inspect.Type, place: str = "") -> Iterator[str]:
    """The dotted names of keys that no section has."""
    for table, section, prefix in _tables(value, kind, place):
        yield from (f"{prefix}{name}" for name in table.keys() - {field.name for field in section.fields})


def _absent(value: object, kind: inspect.Type, place: str = "") -> Iterator[str]:
    """The dotted names of keys that a section requires."""
    for table, section, prefix in _tables(value, kind, place):
        required = {field.name for field in section.fields if field.required}
        yield from (f"{prefix}{name}" for name in required - table.keys())


def _tables(
    value: object, kind: inspect.Type, place: str
) -> Iterator[tuple[dict[str, object], inspect.StructType, str]]:
    """Every table that stands for a section, the section, and what the dotted names of its keys begin with.

    A value of another type than expected is left to msgspec.
    """
    match kind, value:
        case inspect.StructType(), dict():
            yield value, kind, place
            for field in kind.fields:
                if field.name in value:
                    yield from _tables(value[field.name], field.type, f"{place}{field.name}.")
        case inspect.UnionType(types=types), _:
            for each in types:
                yield from _tables(value, each, place)
        case inspect.VarTupleType(item_type=item), list():
            for number, each in enumerate(value):
                yield from _tables(each, item, f"{place}{number}.")
        case inspect.DictType(value_type=item), dict():
            for name, each in value.items():
                yield from _tables(each, item, f"{place}{name}.")


def _path(folder: Path, kind: type, value: Any) -> Path:  # noqa: ANN401 -- msgspec's hook: whatever stood in the file
    if kind is not Path:
        raise NotImplementedError(f"a configuration holds no {kind}; use a type that msgspec knows, or a path")
    if not isinstance(value, str) or not value:
        raise ValueError("not a path")
    return folder.absolute() / value
