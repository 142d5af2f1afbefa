"""Labels from a file: CSV with the header ``uscc,class``, a company and the name of its class in each line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Required, TypedDict, Unpack

import msgspec
import pandas as pd

from compute.node.console.statistics_messages import LabelRegistration
from compute.wording import explain
from connectors.base import Column, ColumnType
from connectors.errors import ConnectorError
from connectors.files import open_csv
from veilmart.bank.references import reference_now

COLUMNS = (Column("uscc", ColumnType.KEY), Column("class", ColumnType.TEXT))


class RegistrationOptions(TypedDict, total=False):
    """What is said of labels beside the labels; those that are not required may be None."""

    contract: Required[str]
    name: Required[str]
    """What the bank calls them."""
    providers: Required[Sequence[str]]
    classes: Sequence[str] | None
    """The classes' names in their order; those that occur, sorted, if not given."""
    width: int | None
    """Bits in which a class is counted; as many as can be proven if not given."""
    legal_basis: str | None
    """On what the cohort is disclosed to each provider; without, it stays hidden among the node's frame."""
    declared_rows: Mapping[str, int] | None
    """With a legal basis: how many companies each provider says that it holds."""
    reference: str | None
    """The request's own name; one that tells the time if not given."""


class LabelError(ValueError):
    """Labels that cannot be used: which, why, what to do."""


def read_labels(path: Path) -> pd.Series:
    """Give the classes of a file by company, in its order; raise :class:`LabelError`."""
    try:
        with open_csv(path, COLUMNS) as table:
            subjects = table.keys()
            frame = table.select(subjects, ["class"])
    except (ConnectorError, OSError) as error:
        raise LabelError(f"{path}: {error}") from error
    return pd.Series(frame["class"].tolist(), index=pd.Index(subjects, name="uscc"), dtype=object)


def registration_of(labels: "pd.Series[Any]", **options: Unpack[RegistrationOptions]) -> LabelRegistration:
    """Give the registration of a class for each company, by its code in the index; raise :class:`LabelError`."""
    names, places = coded(labels, options.get("classes"))
    declared = options.get("declared_rows")
    members: dict[str, Any] = {
        "type": "label_registration",
        "reference": options.get("reference") or reference_now("labels"),
        "contract": options["contract"],
        "name": options["name"],
        "providers": tuple(options["providers"]),
        "classes": names,
        "subjects": tuple(map(str, labels.index)),
        "labels": places,
        "width": options.get("width"),
        "legal_basis": options.get("legal_basis"),
        "declared_rows": dict(declared) if declared else None,
    }
    try:
        return msgspec.convert(members, LabelRegistration)
    except msgspec.ValidationError as error:
        raise LabelError(f"{explain(error, LabelRegistration)}; correct it") from error


def coded(labels: pd.Series, classes: Sequence[str] | None) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Give the names of the classes, and each company's class by its place among them, from 1.

    Without `classes` they are those that occur, sorted. Raises :class:`LabelError` for a company without a class,
    or with one that is not among them.
    """
    if len(without := labels[labels.isna()]):
        raise LabelError(f"{len(without)} companies have no class, the first is {without.index[0]}; give each one")
    values = labels.astype(str)
    names = tuple(classes) if classes is not None else tuple(sorted(values.unique().tolist()))
    places = {name: place for place, name in enumerate(names, start=1)}
    if unknown := sorted(set(values.unique().tolist()) - places.keys()):
        raise LabelError(f"the class {unknown[0]} is not among {', '.join(names)}; name all, or correct it")
    return names, tuple(places[value] for value in values)
