"""The scores of one scoring, as files of the bank's own: CSV and Parquet, whole or not there."""

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
        folder.mkdir(parents=True, exist_ok=True)
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["uscc", "score"])
        writer.writerows(scores.items())
        self._write_parquet(folder / PARQUET, scores, decimals)
        write_atomically(folder / CSV, text.getvalue().encode(), mode=0o600)
        return folder / CSV

    def _write_parquet(self, path: Path, scores: Mapping[str, Decimal], decimals: int) -> None:
        part = path.with_suffix(".part")
        columns = {"uscc": list(scores), "score": [str(score) for score in scores.values()]}
        with self._connection.cursor() as cursor:  # what is registered goes with it
            cursor.register("scores", pd.DataFrame(columns, dtype=object))
            query = f"SELECT uscc, CAST(score AS DECIMAL({_DIGITS}, {decimals})) AS score FROM scores"  # noqa: S608 -- two integers
            cursor.sql(query).write_parquet(str(part))
        part.replace(path)
