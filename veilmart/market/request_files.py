"""What is asked for in a file of TOML, with the members of the API's own message.

A time may be written as people write it, with its offset: `not_before = 2026-12-01T00:00:00+08:00`.
"""

import tomllib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from compute.canonical import Message
from compute.records import contract_name
from compute.terms import POLICY_VERSION
from compute.wording import explain

M = TypeVar("M", bound=Message)

file_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))


def read_request(file: Path, expected: type[M], complete: Callable[[dict[str, Any]], None] | None = None) -> M:
    """Give the message that a file holds; `complete` adds members that follow from others.

    What is wrong with it ends the command in one line with the key.
    """
    try:
        members: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
        members = _in_milliseconds(members)
        if complete is not None:
            complete(members)
        return msgspec.convert(members, type=expected)
    except msgspec.ValidationError as error:
        raise click.ClickException(f"{file}: {explain(error, expected)}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: {error}; write TOML in UTF-8") from error
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}; name a file that can be read") from error


def complete_terms(members: dict[str, Any]) -> None:
    """Add to terms what follows: the contract's name, from consumer and reference; the policy's version."""
    terms = members.get("terms")
    if not isinstance(terms, dict):
        return
    terms.setdefault("policy_version", POLICY_VERSION)
    consumer, reference = terms.get("consumer"), members.get("reference")
    if isinstance(consumer, str) and isinstance(reference, str):
        terms.setdefault("contract", contract_name(consumer, reference))


def _in_milliseconds(value: Any) -> Any:  # noqa: ANN401 -- whatever TOML holds
    if isinstance(value, dict):
        return {key: _in_milliseconds(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_in_milliseconds(each) for each in value]
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise click.ClickException(f"{value.isoformat()} has no offset; write {value.isoformat()}+08:00, say")
        return (value - _EPOCH) // timedelta(milliseconds=1)
    return value


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
