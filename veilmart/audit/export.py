"""``veilmart audit export``: what the verified log says, for other tools: tables, W3C PROV, OpenLineage."""

import json
from importlib import import_module
from pathlib import Path
from typing import Literal

import click

from audit.tracing import lineage, prov
from audit.tracing.findings import Finding
from audit.tracing.rules import find
from audit.tracing.trace import Criteria, select, select_uses
from audit.tracing.uses import Entries, Use
from audit.verifying.kept import write
from compute.settings import SettingsError
from veilmart.audit.criteria import criteria_options
from veilmart.audit.findings import load_rules, now
from veilmart.audit.reading import config, failing
from veilmart.audit.showing import finish
from veilmart.audit.verified import load_auditing, verified_log

FORMATS = ("parquet", "csv", "prov", "openlineage")


@click.command()
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="格式。")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for tables, file for prov and openlineage. 表格输出目录,或输出文件。",
)
@criteria_options
@config
def export(*, config: Path, form: str, out: Path, criteria: Criteria) -> None:
    """Write the log, or what is selected of it, as tables, as W3C PROV-JSON, or as OpenLineage events, one a line.

    导出日志或所选部分:数据表(parquet、csv)、W3C PROV-JSON 或 OpenLineage 事件(每行一个)。
    """
    with failing():
        rules = load_rules(load_auditing(config))
    with verified_log(config) as log, failing():
        entries: Entries = log.entries if criteria.is_empty else select(log.entries, criteria)
        uses = select_uses(log.entries, criteria)
        match form:
            case "prov":
                document = prov.export(entries, uses)
                write(out, json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n")
                written = [out]
            case "openlineage":
                lines = [json.dumps(event, ensure_ascii=False) for event in lineage.export(uses)]
                write(out, "".join(f"{line}\n" for line in lines).encode())
                written = [out]
            case _:
                findings = find(entries, rules, now())
                written = _tables(entries, uses, findings, out, "csv" if form == "csv" else "parquet")
        finish(log.verdict, {}, [f"Written 已写入 {path}" for path in written], is_json=False)


def _tables(
    entries: Entries, uses: list[Use], findings: list[Finding], out: Path, form: Literal["csv", "parquet"]
) -> list[Path]:
    """Write the tables, with DuckDB, which not every auditor has."""
    try:
        frames = import_module("audit.tracing.frames")
    except ModuleNotFoundError as error:
        raise SettingsError("tables need DuckDB: install veilmart[audit] 需要安装 DuckDB") from error
    try:
        with frames.open_frames(entries, uses, findings) as connection:
            written: list[Path] = frames.export(connection, out, form)
    except OSError as error:
        raise SettingsError(f"{error.filename or out}: {error.strerror}; name a folder of your own") from error
    return written
