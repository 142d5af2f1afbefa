"""Runs that are killed: what was finished is not done again, and nothing is left running."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import engine
import gmpy2
import pytest
import resumed_run

from compute.paillier.histogram import group_sum
from compute.paillier.lookup import lookup_sum
from compute.paillier.packing import SlotLayout
from compute.paillier.partials import PartialFiles, Partials, SealedPartials
from compute.paillier.private import PrivateKey
from compute.paillier.public import PublicKey
from compute.paillier.runner import Runner

TESTS = Path(resumed_run.__file__).parent
MANY = Runner(costs=engine.large)
PATIENCE = 30.0


def start(folder: Path, processes: int, seconds: float) -> "subprocess.Popen[str]":
    environment = os.environ | {
        "PYTHONPATH": str(TESTS),
        engine.TASK_LOG: str(folder / "log"),
        engine.TASK_SECONDS: str(seconds),
    }
    command = [sys.executable, str(TESTS / "resumed_run.py"), str(folder), str(processes)]
    return subprocess.Popen(  # noqa: S603 -- the tests' own script
        command, env=environment, stdout=subprocess.PIPE, text=True
    )


def finished_parts(folder: Path) -> list[Path]:
    parts = folder / "parts"
    return [path for path in parts.iterdir() if "." not in path.name] if parts.exists() else []


def begun_tasks(folder: Path) -> list[int]:
    """The process of each task that was begun."""
    log = folder / "log"
    return [int(line) for line in log.read_text(encoding="ascii").splitlines()] if log.exists() else []


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # dead, and not yet waited for by whoever took it over


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes where Linux tells of them")
@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_run_goes_on_where_it_was(key: PrivateKey, tmp_path: Path, processes: int) -> None:
    with start(tmp_path, processes, 0.4) as run:
        wait_until(lambda: len(finished_parts(tmp_path)) >= 3)
        time.sleep(0.15)  # both processes are in the midst of their next tasks
        run.kill()
    kept, begun = {path.name for path in finished_parts(tmp_path)}, begun_tasks(tmp_path)
    if processes == 1:
        assert set(begun) == {run.pid}
        assert len(begun) <= len(kept) + 1
    else:
        assert run.pid not in begun
        assert len(begun) <= len(kept) + 2 * processes  # each had begun one, and its last one may be on its way
    wait_until(lambda: not any(map(is_alive, set(begun))))
    assert begun_tasks(tmp_path) == begun

    with start(tmp_path, processes, 0) as again:
        output, _ = again.communicate(timeout=PATIENCE)
    assert again.returncode == 0
    tasks = {path.name for path in finished_parts(tmp_path)}
    assert kept < tasks
    assert len(tasks) > 4
    assert len(begun_tasks(tmp_path)) - len(begun) == len(tasks) - len(kept)  # what was kept is not done again

    result = json.loads(output)
    sizes, rows, layout = resumed_run.SIZES, resumed_run.ROWS, resumed_run.LAYOUT
    tables, codes = engine.tables_of(key.public, sizes), engine.columns(sizes, rows)
    assert result["sums"] == [str(c) for c in engine.plain_lookup(key.public, tables, codes, layout)]
    done = [count for count, _ in result["heard"]]
    assert done == sorted(done)
    assert result["heard"][-1] == [rows, rows]
    assert len(done) == len(tasks)


class Memory:
    """Partials that count, and break off after so many."""

    def __init__(self, most: int = 1000) -> None:
        self.kept: dict[str, bytes] = {}
        self.most, self.puts, self.gets = most, 0, 0

    def get(self, name: str) -> bytes | None:
        self.gets += 1
        return self.kept.get(name)

    def put(self, name: str, data: bytes) -> None:
        if self.puts == self.most:
            raise InterruptedError
        self.puts += 1
        self.kept[name] = data


Kernel = Callable[[PublicKey, int, Partials | None], object]
SIZES = (3, 5, 2)


def looked_up(key: PublicKey, seed: int, partials: Partials | None) -> object:
    codes = engine.columns(SIZES, 20, seed)
    return lookup_sum(key, engine.tables_of(key, SIZES), codes, SlotLayout(9, 2, 0), MANY, partials)


def grouped(key: PublicKey, seed: int, partials: Partials | None) -> object:
    return group_sum(key, engine.units(key, 20), engine.columns(SIZES, 20, seed), SIZES, MANY, partials)


KERNELS = pytest.mark.parametrize("kernel", [looked_up, grouped])


@KERNELS
@pytest.mark.parametrize("most", [0, 1, 3])
def test_a_run_that_breaks_off_goes_on(key: PrivateKey, kernel: Kernel, most: int) -> None:
    partials = Memory(most)
    with pytest.raises(InterruptedError):
        kernel(key.public, 1, partials)
    assert len(partials.kept) == most
    partials.most = 1000
    assert kernel(key.public, 1, partials) == kernel(key.public, 1, None)
    assert partials.puts == len(partials.kept) >= 5
    before = partials.puts
    assert kernel(key.public, 1, partials) == kernel(key.public, 1, None)
    assert partials.puts == before


@KERNELS
def test_parts_of_other_codes_or_another_key_are_never_taken(key: PrivateKey, kernel: Kernel) -> None:
    partials = Memory()
    other = PublicKey(gmpy2.next_prime(key.factors[0]) * key.factors[1])
    runs = [(key.public, 1), (key.public, 2), (other, 1)]
    for public, seed in runs:
        assert kernel(public, seed, partials) == kernel(public, seed, None)
        assert partials.puts == len(partials.kept) == partials.gets


def test_parts_of_other_tables_and_layouts_are_never_taken(key: PrivateKey) -> None:
    partials, codes = Memory(), engine.columns(SIZES, 20)
    tables = engine.tables_of(key.public, SIZES)
    swapped = [tables[0][::-1], *tables[1:]]
    for given, layout in (
        (tables, SlotLayout(9, 5, 0)),
        (swapped, SlotLayout(9, 5, 0)),
        (tables, SlotLayout(8, 5, 0)),
        (tables, SlotLayout(9, 4, 0)),
    ):
        before = partials.puts
        sums = lookup_sum(key.public, given, codes, layout, MANY, partials)
        assert sums == engine.plain_lookup(key.public, given, codes, layout)
        assert partials.puts > before


def altered(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


DAMAGES: dict[str, Callable[[list[Path]], object]] = {
    "altered": lambda paths: paths[0].write_bytes(altered(paths[0].read_bytes())),
    "altered hmac": lambda paths: paths[0].write_bytes(altered(paths[0].read_bytes()[::-1])[::-1]),
    "truncated": lambda paths: paths[0].write_bytes(paths[0].read_bytes()[:-512]),
    "empty": lambda paths: paths[0].write_bytes(b""),
    "longer": lambda paths: paths[0].write_bytes(paths[0].read_bytes() + bytes(512)),
    "another part's": lambda paths: paths[0].write_bytes(paths[1].read_bytes()),
    "made up": lambda paths: paths[0].write_bytes((1).to_bytes(512, "big") * 4),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_part_is_computed_again(key: PrivateKey, tmp_path: Path, damage: str) -> None:
    files = PartialFiles(tmp_path / "parts")
    expected = looked_up(key.public, 1, SealedPartials(files, b"secret"))
    paths = sorted(finished_parts(tmp_path))
    whole = [path.read_bytes() for path in paths]
    DAMAGES[damage](paths)
    assert paths[0].read_bytes() != whole[0]
    assert looked_up(key.public, 1, SealedPartials(files, b"secret")) == expected
    assert [path.read_bytes() for path in paths] == whole


def test_anothers_parts_are_not_taken(tmp_path: Path) -> None:
    files = PartialFiles(tmp_path)
    SealedPartials(files, b"one").put("name", b"data")
    assert SealedPartials(files, b"one").get("name") == b"data"
    assert SealedPartials(files, b"two").get("name") is None
    assert SealedPartials(files, b"one").get("other") is None


def test_files_appear_whole_and_are_the_owners_alone(tmp_path: Path) -> None:
    files = PartialFiles(tmp_path / "a" / "b")
    assert files.get("x") is None
    files.put("x", b"1")
    files.put("x", b"")
    assert files.get("x") == b""
    (path,) = (tmp_path / "a" / "b").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_one_task_keeps_no_parts(key: PrivateKey) -> None:
    partials = Memory()
    lookup_sum(key.public, [[1]], [[0]], SlotLayout(1, 1, 0), Runner(costs=engine.small), partials)
    assert (partials.gets, partials.puts) == (0, 0)
