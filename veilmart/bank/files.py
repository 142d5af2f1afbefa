"""Statistics as files: JSON as the node keeps them, or the frames of ``told_frames`` as CSV, Parquet or xlsx."""

import io
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import duckdb
import pandas as pd

from compute.canonical import encode
from compute.node.console.statistics_messages import StatisticsResult
from compute.node.console.told_frames import counts_frame, moments_frame
from compute.web.files import write_atomically
from veilmart.bank.measured import Measures

FORMS = (".json", ".csv", ".parquet", ".xlsx")
MODE = 0o600
EXCEL: Literal["openpyxl"] = "openpyxl"


class OutputError(ValueError):
    """A file that cannot be written: why, and what to do."""


def check_output(path: Path) -> None:
    """Raise :class:`OutputError` for what could not be written: better before anything is asked."""
    if path.suffix not in FORMS:
        raise OutputError(f"{path}: give a name that ends in {', '.join(FORMS)}")
    if path.suffix == ".xlsx" and find_spec(EXCEL) is None:
        raise OutputError(f"{path}: {EXCEL} is not installed; pip install 'veilmart[excel]', or write csv")
    if not path.resolve().parent.is_dir():
        raise OutputError(f"{path}: there is no such folder; make it")


def write(result: StatisticsResult, path: Path, measures: Measures | None = None) -> list[Path]:
    """Write the statistics in the form that the name's end says, for nobody else to read; give the files.

    Moments lie on a sheet of their own in xlsx, and in a file ``….moments.…`` beside CSV and Parquet; so do the
    measures, as ``bins`` and ``figures``. Beside JSON they are in one file ``….measures.json``.
    """
    if path.suffix == ".json":
        write_atomically(path, encode(result), mode=MODE)
        return (
            [path] if measures is None else [path, *write_measures(measures, path.with_suffix(".measures.json"))]
        )
    frames = {"counts": counts_frame(result), "moments": moments_frame(result)}
    wanted = {name: frame for name, frame in frames.items() if len(frame)}
    return _write_frames(wanted | ({} if measures is None else measures.frames), path, "counts")


def write_measures(measures: Measures, path: Path) -> list[Path]:
    """Write measures alone likewise: the figures under the name given, the bins beside or on another sheet."""
    if path.suffix == ".json":
        write_atomically(path, f"{measures.json()}\n".encode(), mode=MODE)
        return [path]
    return _write_frames(measures.frames, path, "figures")


def _write_frames(wanted: Mapping[str, pd.DataFrame], path: Path, main: str) -> list[Path]:
    """The frame called ``main`` under the path itself, the others beside it."""
    if path.suffix == ".xlsx":
        _write_sheets(wanted, path)
        return [path]
    paths = {name: path if name == main else path.with_suffix(f".{name}{path.suffix}") for name in wanted}
    for name, frame in wanted.items():
        if path.suffix == ".csv":
            write_atomically(paths[name], frame.to_csv(index=False, lineterminator="\n").encode(), mode=MODE)
        else:
            _write_parquet(frame, paths[name])
    return list(paths.values())


def _write_sheets(frames: Mapping[str, pd.DataFrame], path: Path) -> None:
    content = io.BytesIO()
    with pd.ExcelWriter(content, engine=EXCEL) as writer:
        for name, frame in frames.items():
            frame.to_excel(writer, sheet_name=name, index=False)
    write_atomically(path, content.getvalue(), mode=MODE)


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.resolve().parent) as folder, duckdb.connect() as connection:
        part = Path(folder) / "part.parquet"
        connection.register("told", frame)
        connection.sql("SELECT * FROM told").write_parquet(str(part))
        write_atomically(path, part.read_bytes(), mode=MODE)
