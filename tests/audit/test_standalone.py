"""`verify.pyz`, copied out and run alone."""

import io
import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import cryptography
import log_story as story
import pytest
from log_story import BANK, NOW, ORIGIN, flip, lay, without_progress

from audit import checkpoint as checkpoints
from audit import receipt as receipts
from audit.checkpoint import Checkpoint
from audit.merkle import Frontier, closed_by, inclusion_proof, leaf_hash
from audit.tile import Bundle
from audit.verifying.standalone import main
from audit.verifying.verifier import MODULES, archive, build

LEAVES = story.leaves(1500)
"""More than one process checks alone."""
FOREIGN = {"audit.log", "audit.database", "sqlalchemy", "msgspec", "click", "compute", "veilmart"}
_LISTING = """
import sys, runpy
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as error:
    print("exit", error.code)
print("loaded", *sorted(sys.modules))
own = [module for name, module in sys.modules.items() if name.split(".")[0] == "audit"]
print("from", *sorted({str(getattr(module, "__file__", "")) for module in own}))
"""


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the verifier, a log and its policy, far from the project."""
    folder = tmp_path_factory.mktemp("away")
    (folder / "verify.pyz").write_bytes(build())
    now = int(time.time())
    lay(folder / "log", LEAVES, story.checkpoint(LEAVES, now))
    (folder / "policy.toml").write_text(story.policy_text(max_age=3600))
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own program
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "", "PYTHONUTF8": "1"},
    )


def only_cryptography(folder: Path) -> list[str]:
    """Python without the project and its packages: no site, and a folder with links to those that are needed."""
    packages = folder / "packages"
    if not packages.exists():
        packages.mkdir()
        installed = Path(cryptography.__file__).parents[1]
        for name in ("cryptography", "cffi", "_cffi_backend", "pycparser"):
            for path in [installed / name, *installed.glob(f"{name}.*.so")]:
                if path.exists():
                    (packages / path.name).symlink_to(path)
    start = f"import sys; sys.path.insert(0, {str(packages)!r})\n{_LISTING}"
    return [sys.executable, "-I", "-S", "-c", start]


def test_the_verifier_is_the_same_bytes_whenever_it_is_built() -> None:
    made = build()
    assert made == build()
    with zipfile.ZipFile(io.BytesIO(made)) as opened:
        assert opened.namelist() == sorted(["__main__.py", *(f"audit/{name}.py" for name in MODULES)])
        assert {info.date_time for info in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert archive({"b": b"1", "a": b"2"}) == archive({"a": b"2", "b": b"1"})


def test_it_verifies_alone_and_loads_nothing_else_of_the_project(away: Path) -> None:
    result = run(
        away,
        *only_cryptography(away),
        str(away / "verify.pyz"),
        "log",
        "--policy",
        "policy.toml",
        "--processes",
        "1",
    )
    assert without_progress(result.stderr) == ""
    *told, ended, loaded, files = result.stdout.splitlines()
    assert (told[0], ended) == ("The log is intact 日志完整", "exit 0")
    modules = set(loaded.split()[1:])
    assert not modules & FOREIGN
    assert {f"audit/{name}".replace("/__init__", "").replace("/", ".") for name in MODULES} <= modules
    assert all(path.startswith(str(away / "verify.pyz")) for path in files.split()[1:])


def test_it_uses_all_processors_where_it_lies(away: Path) -> None:
    command = (
        sys.executable,
        "-I",
        "verify.pyz",
        "log",
        "--policy",
        "policy.toml",
        "--checkpoint",
        "seen",
        "--json",
    )
    result = run(away, *command, "--processes", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert without_progress(result.stderr) == ""
    assert json.loads(result.stdout)["checkpoint"]["size"] == 1500
    assert (away / "seen").read_bytes() == (away / "log" / "checkpoint").read_bytes()


def test_its_exit_codes(away: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = ["--policy", str(away / "policy.toml")]
    assert main([str(tmp_path / "absent"), *policy]) == 2
    assert main([str(away / "log"), "--policy", str(tmp_path / "absent.toml")]) == 2
    assert "absent.toml: No such file or directory" in capsys.readouterr().out
    folder = lay(tmp_path / "old", LEAVES[:9], story.checkpoint(LEAVES[:9], 1_000_000))
    assert main([str(folder), *policy]) == 3
    flip(folder / Bundle(0, 9).path, 300)
    assert main([str(folder), *policy]) == 1
    assert "entry changed 条目被篡改: entry 0 is not the one" in capsys.readouterr().out
    assert main([str(folder), *policy, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["index"] == 0
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(
        text in shown for text in ("0  intact 完整", "1  tampered", "2  unavailable", "3  stale", "审计日志")
    )


# --- receipts -------------------------------------------------------------------------------------------------


def receipt(index: int, head: Checkpoint | None = None) -> bytes:
    nodes: dict[tuple[int, int], bytes] = {}
    for at, leaf in enumerate(LEAVES[:20]):
        closed = closed_by(at, leaf_hash(leaf), lambda level, position: nodes[level, position])
        nodes.update({(level, position): node for level, position, node in closed})
    proof = inclusion_proof(index, 20, lambda level, position: nodes[level, position])
    return receipts.Receipt(index, tuple(proof), head or story.checkpoint(LEAVES[:20])).encode()


def checked(folder: Path, given: bytes, entry: bytes) -> int:
    (folder / "receipt").write_bytes(given)
    (folder / "entry").write_bytes(entry)
    (folder / "policy.toml").write_text(story.policy_text())
    arguments = ["receipt", str(folder / "receipt"), "--entry", str(folder / "entry")]
    return main([*arguments, "--policy", str(folder / "policy.toml")], lambda: NOW)


def test_a_receipt_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(tmp_path, receipt(7), LEAVES[7]) == 0
    assert capsys.readouterr().out == (
        "The entry is in the log 条目已包含于日志\nEntry 条目 7/20, quorum 法定见证时间 2026-11-18T11:06:40Z\n"
    )


def test_a_receipt_for_another_entry_index_root_or_log_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(tmp_path, receipt(7), LEAVES[8]) == 1
    assert checked(tmp_path, receipt(7).replace(b"index 7", b"index 6"), LEAVES[7]) == 1
    assert checked(tmp_path, receipt(7, story.checkpoint(LEAVES[:21])), LEAVES[7]) == 1
    assert checked(tmp_path, receipt(7, story.checkpoint(LEAVES[:20], origin="other")), LEAVES[7]) == 1
    frontier = Frontier()
    frontier.append(leaf_hash(LEAVES[8]))
    forged = checkpoints.parse(checkpoints.signed(ORIGIN, 1, frontier.root(), story.KEYS[BANK]))
    own = receipts.Receipt(0, (), forged).encode()  # a root that follows from the proof, and not from the log
    assert checked(tmp_path, own, LEAVES[8]) == 1
    assert checked(tmp_path, receipt(7, story.checkpoint(LEAVES[:20], witnesses=[BANK])), LEAVES[7]) == 3
    assert "missing: market-regulation, review-office" in capsys.readouterr().out
    assert checked(tmp_path, b"nonsense", LEAVES[7]) == 2
