"""A request for statistics: from options, or from a TOML file like ``examples/sba/statistics.toml``."""

import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Required, TypedDict, Unpack

import msgspec
from msgspec import Meta

from compute.binning import BinningError, Category, CategoryBins, Edge, NumberBins
from compute.canonical import Date, Name
from compute.node.console.statistics_messages import Column, CrossColumns, StatisticsPart, StatisticsRequest
from compute.protocols.joint_statistics.messages import MAX_MILLIEPSILON
from compute.wording import explain
from veilmart.bank.references import reference_now


class RequestError(ValueError):
    """A request that cannot be sent: what is wrong, and what to do."""


class ColumnInBins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column in bins of one's own: `edges` of a number, or `groups` of a text's values."""

    column: Name
    edges: tuple[Edge, ...] | None = None
    groups: tuple[tuple[Category, ...], ...] | None = None
    prefix: int | None = None


Wanted = ColumnInBins | Name


class PartFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one provider is asked."""

    provider: Name
    histograms: tuple[Wanted, ...] = ()
    crosses: tuple[Annotated[tuple[Wanted, ...], Meta(min_length=2, max_length=2)], ...] = ()
    moments: tuple[Name, ...] = ()


class RequestFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of the file."""

    contract: Name
    labels: Name
    as_of: Date
    parts: Annotated[tuple[PartFile, ...], Meta(min_length=1)]
    epsilon: str = "0"
    weighted: bool = True
    reference: Name | None = None


def read_request(path: Path) -> StatisticsRequest:
    """Give the request that a file holds; raise :class:`RequestError`."""
    try:
        members = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RequestError(f"{path}: {error.strerror}; name a file that can be read") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path}: not TOML: {error}; correct it") from error
    try:
        return _request(msgspec.convert(members, RequestFile))
    except msgspec.ValidationError as error:
        raise RequestError(f"{path}: {explain(error, RequestFile)}; correct it") from error
    except ValueError as error:
        raise RequestError(f"{path}: {error}") from error


class RequestOptions(TypedDict, total=False):
    """A request without a file: columns as PROVIDER:COLUMN, pairs of them as PROVIDER:COLUMN,COLUMN."""

    contract: Required[str]
    labels: Required[str]
    histograms: Sequence[str]
    crosses: Sequence[str]
    moments: Sequence[str]
    epsilon: str
    """Price at each provider; it stays 0 where nothing is weighted."""
    weighted: bool
    """Whether the labels are the weights; True if not given."""
    as_of: str | None
    """Day of the values; today, in UTC, if not given."""
    reference: str | None
    """The request's own name; one that tells the time if not given."""


def request_of(**options: Unpack[RequestOptions]) -> StatisticsRequest:
    """Give the request of options; raise :class:`RequestError`."""
    if not any(options.get(kind) for kind in ("histograms", "crosses", "moments")):
        raise RequestError("no column is asked for; name some by histogram, cross or moments")
    wanted = {
        "histograms": options.pop("histograms", ()),
        "crosses": options.pop("crosses", ()),
        "moments": options.pop("moments", ()),
    }
    parts: dict[str, dict[str, list[str | list[str]]]] = {}
    for kind, columns in wanted.items():
        for each in columns:
            provider, colon, column = each.partition(":")
            if not colon:
                raise RequestError(f"{each}: write PROVIDER:COLUMN")
            named = column.split(",") if kind == "crosses" else column
            parts.setdefault(provider, {}).setdefault(kind, []).append(named)
    members = {
        **options,
        "as_of": options.get("as_of") or datetime.now(UTC).date().isoformat(),
        "parts": [{"provider": provider, **asked} for provider, asked in parts.items()],
    }
    try:
        return _request(msgspec.convert(members, RequestFile))
    except msgspec.ValidationError as error:
        raise RequestError(f"{explain(error, RequestFile)}; correct it") from error
    except RequestError:
        raise
    except ValueError as error:
        raise RequestError(str(error)) from error


def milliepsilon_of(epsilon: str) -> int:
    """Give ε in thousandths; raise :class:`RequestError` for what is none."""
    try:
        exact = Decimal(epsilon) * 1000
    except InvalidOperation as error:
        raise RequestError(f"ε {epsilon} is no number; write it like 3 or 0.5") from error
    if not exact.is_finite() or exact != exact.to_integral_value() or not 0 <= exact <= MAX_MILLIEPSILON:
        raise RequestError(f"ε {epsilon}: give 0 to {MAX_MILLIEPSILON // 1000}, with three decimals at most")
    return int(exact)


def _request(file: RequestFile) -> StatisticsRequest:
    return StatisticsRequest(
        reference=file.reference or reference_now("stats"),
        contract=file.contract,
        labels=file.labels,
        weighted=file.weighted,
        parts=tuple(map(_part, file.parts)),
        milliepsilon=milliepsilon_of(file.epsilon),
        as_of=file.as_of,
    )


def _part(part: PartFile) -> StatisticsPart:
    return StatisticsPart(
        provider=part.provider,
        histograms=tuple(map(column_of, part.histograms)),
        crosses=tuple(CrossColumns(first=column_of(one), second=column_of(other)) for one, other in part.crosses),
        moments=part.moments,
    )


def column_of(wanted: Wanted) -> Column:
    """Give the column as it is asked for: its name, or bins; raise :class:`BinningError` for what makes none."""
    if isinstance(wanted, str):
        return wanted
    if (wanted.edges is None) == (wanted.groups is None):
        raise BinningError(f"{wanted.column}: give either the edges of numbers or the groups of texts")
    if wanted.groups is None:
        return NumberBins(column=wanted.column, edges=wanted.edges or ())
    return CategoryBins(column=wanted.column, groups=wanted.groups, prefix=wanted.prefix)
