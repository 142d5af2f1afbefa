"""A provider's table that cannot be used keeps its node from starting."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from processes.live_market import SOCIAL_SECURITY, Market, rows, write_rows

pytestmark = pytest.mark.long


def spoiled_cell(table: list[dict[str, str]]) -> None:
    table[3]["employees"] = "planted-cell-4471"


def invalid_key(table: list[dict[str, str]]) -> None:
    table[5]["uscc"] = table[5]["uscc"][:-1] + ("0" if table[5]["uscc"][-1] != "0" else "1")


def repeated_key(table: list[dict[str, str]]) -> None:
    table[9]["uscc"] = table[2]["uscc"]


def unknown_column(table: list[dict[str, str]]) -> None:
    for row in table:
        row["staff"] = row.pop("jobs_created")


def missing_column(table: list[dict[str, str]]) -> None:
    for row in table:
        del row["jobs_created"]


TABLES = {
    spoiled_cell: "line 5, column employees: not ",
    invalid_key: "line 7, column uscc: check character 18",
    repeated_key: "line 11, column uscc: the same key as on line 4",
    unknown_column: "staff",
    missing_column: "jobs_created",
}


@pytest.mark.parametrize("spoil", TABLES)
def test_a_provider_does_not_start_over_a_table_with_a_fault(
    market: Market, tmp_path: Path, spoil: object
) -> None:
    """It names line and column, never the cell, in one line and without a traceback."""
    site = market.provider(SOCIAL_SECURITY)
    for name in ("tls.pem", "tls.key", "authority.pem", "social-insurance.toml", "identity.jwe", "unlock.key"):
        (tmp_path / name).write_bytes((site.folder / name).read_bytes())
        (tmp_path / name).chmod(0o600)
    text = site.config.read_text("utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "config.toml").write_text(re.sub(r"(?m)^port = \d+", f"port = {port}", text), "utf-8")
    table = rows(market.examples / "social_security.csv")[:20]
    assert callable(spoil)
    spoil(table)
    write_rows(tmp_path / "social_security.csv", table)
    command = [sys.executable, "-m", "veilmart", "node", "serve", "--role", "provider"]
    result = subprocess.run(  # noqa: S603 -- our own command
        [*command, "--config", str(tmp_path / "config.toml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = result.stdout + result.stderr
    assert result.returncode != 0
    (line,) = [line for line in said.splitlines() if line.startswith("Error: ")]
    assert "social_security.csv" in line
    assert TABLES[spoil] in line  # type: ignore[index]
    assert "Traceback" not in said
    assert "planted" not in said
    assert not any(row["uscc"] in said for row in table)
