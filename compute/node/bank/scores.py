"""The scores of one scoring, as files of the bank's own: CSV and Parquet, whole or not there."""

import csv
import io
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd

from compute.web.files import write_atomically

CSV, PARQUET = "scores.csv", "scores.parquet"
_DIGITS = 18
"""Of a DECIMAL in the Parquet file."""


def write_scores(folder: Path, scores: Mapping[str, Decimal], decimals: int) -> Path:
    """Write ``uscc,score`` in both forms into the folder, and give the path of the CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["uscc", "score"])
    writer.writerows(scores.items())
    _write_parquet(folder / PARQUET, scores, decimals)
    write_atomically(folder / CSV, text.getvalue().encode(), mode=0o600)
    return folder / CSV


def _write_parquet(path: Path, scores: Mapping[str, Decimal], decimals: int) -> None:
    part = path.with_suffix(".part")
    frame = pd.DataFrame({"uscc": list(scores), "score": [str(score) for score in scores.values()]}, dtype=object)
    with duckdb.connect() as connection:
        connection.register("scores", frame)
        query = f"SELECT uscc, CAST(score AS DECIMAL({_DIGITS}, {decimals})) AS score FROM scores"  # noqa: S608 -- two integers
        connection.sql(query).write_parquet(str(part))
    part.replace(path)
