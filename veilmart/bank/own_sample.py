"""The bank's own columns of the companies that it labelled: tables in the clear, which cost nothing."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compute.binning import BinningError, Bins, NumberBins, code_columns
from compute.statistics.build import Pairing
from compute.statistics.released import ClassTable, CrossTable, tabulate
from connectors.base import Column, ColumnType
from connectors.errors import ConnectorError
from connectors.files import open_csv
from veilmart.bank.recipe_file import RecipeError

OWN = "bank"
"""Stands for a provider in the tables of the bank's own columns."""
KEY = "uscc"


@dataclass(frozen=True, eq=False)
class OwnSample:
    """The labelled companies as the bank holds them."""

    tables: tuple[ClassTable, ...] = ()
    pairs: tuple[Pairing, ...] = ()
    """Of each two own columns."""
    rows: Mapping[str, int] | None = None
    """Class → companies, exact; None where no labels were given."""


def own_sample(
    path: Path, bins: Sequence[Bins], decimals: int, labels: pd.Series, classes: tuple[str, ...]
) -> OwnSample:
    """Give the exact tables of a CSV's columns; ``labels`` are class names by company.

    A row of the CSV without a label is not counted. Raises :class:`RecipeError` for columns that are not there or
    of another kind, labelled companies that are not there, and labels that are none of the classes.
    """
    columns = _columns(path, bins, decimals)
    try:
        with open_csv(path, columns) as table:
            subjects = table.keys()
            frame = table.select(subjects, [each.column for each in bins])
        scales = {each.column: decimals if isinstance(each, NumberBins) else None for each in bins}
        codes = code_columns(list(bins), frame, scales)
    except (BinningError, ConnectorError, OSError) as error:
        raise RecipeError(f"{path}: {error}") from error
    places = _places(subjects, labels, classes, path)
    tables = tuple(tabulate(OWN, each, code, classes, places) for each, code in zip(bins, codes, strict=True))
    pairs = tuple(
        Pairing((None, None), _crossed((bins[one], bins[two]), (codes[one], codes[two]), classes, places))
        for one, two in combinations(range(len(bins)), 2)
    )
    counts = np.bincount(places[places >= 0], minlength=len(classes)).tolist()
    return OwnSample(tables, pairs, dict(zip(classes, counts, strict=True)))


def _columns(path: Path, bins: Sequence[Bins], decimals: int) -> list[Column]:
    """Give the file's columns by its header: those in bins as what the bins are of, all others as text."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read ({error}); give a CSV in UTF-8") from error
    wanted = {each.column: isinstance(each, NumberBins) for each in bins}
    lacking = [name for name in (KEY, *wanted) if name not in header]
    if lacking:
        raise RecipeError(f"{path}: there is no column {lacking[0]}; name one of {', '.join(header)}")
    number = ColumnType.DECIMAL if decimals else ColumnType.INTEGER
    try:
        return [
            Column(name, number, decimals)
            if wanted.get(name)
            else Column(name, ColumnType.KEY if name == KEY else ColumnType.TEXT)
            for name in header
        ]
    except ConnectorError as error:
        raise RecipeError(f"{path}: {error}") from error


def _places(subjects: Sequence[str], labels: pd.Series, classes: tuple[str, ...], path: Path) -> NDArray[np.int64]:
    """Give each row's place in the classes, -1 without a label."""
    place = {name: index for index, name in enumerate(classes)}
    unknown = sorted({str(each) for each in labels.unique()} - place.keys())
    if unknown:
        raise RecipeError(f"the label {unknown[0]} is none of the statistics' classes, {', '.join(classes)}")
    of = {str(subject): place[str(name)] for subject, name in labels.items()}
    strangers = len(of.keys() - set(subjects))
    if strangers:
        raise RecipeError(f"{path}: {strangers} labelled companies are not in it; give the file of all of them")
    return np.array([of.get(subject, -1) for subject in subjects], dtype=np.int64)


def _crossed(
    bins: tuple[Bins, Bins], codes: tuple[bytes, bytes], classes: tuple[str, ...], places: NDArray[np.int64]
) -> CrossTable:
    one, two = (np.frombuffer(each, dtype=np.uint8).astype(np.int64) for each in codes)
    member = places >= 0
    counts = np.zeros((bins[0].size, bins[1].size, len(classes)), dtype=np.int64)
    np.add.at(counts, (one[member], two[member], places[member]), 1)
    return CrossTable(OWN, bins, classes, counts)
