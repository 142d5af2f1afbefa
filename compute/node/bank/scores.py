"""The scores or bands of one scoring, as files of the bank's own: CSV and Parquet, whole or not there."""

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Self

import duckdb
import pandas as pd

from compute.web.files import write_atomically

CSV, PARQUET = "scores.csv", "scores.parquet"
_DIGITS = 18
"""Of a DECIMAL in the Parquet file."""


class ScoreWriter:
    """Writes scores; its DuckDB, which makes the Parquet file, takes longer to open than a few scores to write."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Self]:
        """Open a writer."""
        with duckdb.connect() as connection:
            yield cls(connection)

    def write(self, folder: Path, scores: Mapping[str, Decimal], decimals: int) -> Path:
        """Write ``uscc,score`` in both forms into the folder, and give the path of the CSV."""
        written = {subject: str(score) for subject, score in scores.items()}
        return self._write(folder, "score", f"DECIMAL({_DIGITS}, {decimals})", written)

    def write_bands(self, folder: Path, bands: Mapping[str, str]) -> Path:
        """Write ``uscc,band`` likewise, under the same names of files."""
        return self._write(folder, "band", "VARCHAR", bands)

    def _write(self, folder: Path, name: str, kind: str, told: Mapping[str, str]) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["uscc", name])
        writer.writerows(told.items())
        self._write_parquet(folder / PARQUET, name, kind, told)
        write_atomically(folder / CSV, text.getvalue().encode(), mode=0o600)
        return folder / CSV

    def _write_parquet(self, path: Path, name: str, kind: str, told: Mapping[str, str]) -> None:
        part = path.with_suffix(".part")
        columns = {"uscc": list(told), name: list(told.values())}
        with self._connection.cursor() as cursor:  # what is registered goes with it
            cursor.register("told", pd.DataFrame(columns, dtype=object))
            query = f"SELECT uscc, CAST({name} AS {kind}) AS {name} FROM told"  # noqa: S608 -- our own words
            cursor.sql(query).write_parquet(str(part))
        part.replace(path)
