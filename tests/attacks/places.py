"""Every place of a live market where a value could have got to: files, exports, processes, traffic."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
from click.testing import CliRunner
from processes.live_market import Market
from processes.started_market import TEMPORARY

from veilmart.cli import main
from veilmart.demo.sites import BANK, SUPERVISOR


@dataclass(frozen=True)
class Place:
    """Its name begins with its kind: file, export, said, process, log, traffic."""

    name: str
    data: bytes


def everywhere(market: Market, folder: Path) -> Iterator[Place]:
    """Give every place; exports are written below `folder`."""
    yield from files(market)
    yield from exports(market, folder)
    yield from processes(market)
    yield from traffic(market)


def files(market: Market) -> Iterator[Place]:
    """All files of all parties, logs and write-ahead logs among them, and what their processes left behind."""
    for root in (market.sites.directory, market.folder / TEMPORARY, market.folder / "notes"):
        for path in sorted(root.rglob("*")):
            if path.is_file():
                yield Place(f"file {path.relative_to(root)}", path.read_bytes())


def exports(market: Market, folder: Path) -> Iterator[Place]:
    """What a party takes out of the log, in every form, and what the commands say."""
    supervisor, bank = (str(market.sites.nodes[name].config) for name in (SUPERVISOR, BANK))
    commands = {
        "copy": ["--config", supervisor, "--out", str(folder / "copy")],
        "uses": ["--config", supervisor],
        "findings": ["--config", bank],
        "trace": ["--config", bank, "--contract", market.outcome.contract],
        "timeline": ["--config", bank, "--contract", market.outcome.contract],
        "evidence": ["--config", bank, "--contract", market.outcome.contract, "--out", str(folder / "pack.zip")],
    }
    for form in ("csv", "parquet", "prov", "openlineage"):
        commands[f"export {form}"] = ["--config", bank, "--format", form, "--out", str(folder / form)]
    for name, options in commands.items():
        result = CliRunner().invoke(main, ["audit", name.partition(" ")[0], *options])
        assert result.exit_code == 0, f"{name}: {result.output}"
        yield Place(f"said {name}", result.output.encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield from _unpacked(f"export {path.relative_to(folder)}", path)


def processes(market: Market) -> Iterator[Place]:
    """What everybody on the machine sees of the processes, and what their own user does."""
    for process in market.processes:
        assert process.running is not None
        for member in family(process.running.pid):
            for name in ("cmdline", "environ"):
                try:
                    yield Place(f"process {process.name} {name}", (member / name).read_bytes())
                except (PermissionError, ProcessLookupError, FileNotFoundError):
                    continue  # not even its own user may, or it has ended meanwhile


def family(session: int) -> Iterator[Path]:
    """Give the folder in /proc of each living process of a session."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        fields = stat[stat.rindex(")") :].split()
        if int(fields[4]) == session and fields[1] != "Z":
            yield folder


def traffic(market: Market) -> Iterator[Place]:
    """Everything that passed between processes, behind TLS, by the request that it belongs to."""
    for stream in list(market.proxy.streams):
        others = [bytes(stream.asked), bytes(stream.answered)]
        for exchange in stream.exchanges():
            name = f"{exchange.party or 'anybody'} at {exchange.server}: {exchange.method} {exchange.path}"
            for number, (way, body) in enumerate((("asked", exchange.asked), ("answered", exchange.answered))):
                yield Place(f"traffic {name} {way}", body)
                others[number] = others[number].replace(body, b"", 1)
        yield Place(f"traffic heads at {stream.server}", b"\n".join(others))


def _unpacked(name: str, path: Path) -> Iterator[Place]:
    """Give the file, and what is compressed in it."""
    data = path.read_bytes()
    yield Place(name, data)
    if path.suffix == ".parquet":
        text = duckdb.read_parquet(str(path)).df().to_csv(index=False)
        yield Place(f"{name} read", text.encode())
    elif path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as pack:
            for member in pack.namelist():
                yield Place(f"{name} {member}", pack.read(member))
