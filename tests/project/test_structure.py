"""Claims about the project itself: import rules, loaded modules, documents, lock files."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("audit", "catalog", "compute", "connectors", "marketplace", "veilmart")


def run(*command: str) -> str:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 -- our own commands
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_imports_go_down_only() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    assert "0 broken" in run(str(linter), "--no-cache")


def loaded_by(statement: str) -> set[str]:
    return set(run(sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')").split())


def test_a_provider_process_never_loads_the_private_key() -> None:
    loaded = loaded_by("import compute.node.provider.serve, compute.node.provider.work")
    assert "compute.paillier.public" in loaded
    assert not loaded & {"compute.paillier.private", "phe", "compute.protocols.risk_score.bank"}


def test_a_reviewer_process_loads_no_table_and_no_private_key() -> None:
    loaded = loaded_by("import compute.node.reviewer.serve, compute.node.reviewer.work")
    assert "compute.protocols.risk_score.reviewer" in loaded
    assert not loaded & {"compute.paillier.private", "duckdb", "connectors.files", "phe"}


def test_the_marketplace_and_the_catalog_load_nothing_that_reads_or_computes() -> None:
    loaded = loaded_by("import marketplace, catalog.description, catalog.vocabulary, audit.log")
    assert not {
        name for name in loaded if name.split(".")[0] in {"connectors", "duckdb", "gmpy2", "phe", "compute"}
    }


def test_phe_is_imported_in_one_module() -> None:
    importers = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\s*(import phe|from phe)", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert importers == ["compute/paillier/interchange.py"]


def test_config_holds_no_python() -> None:
    assert {path.suffix for path in (ROOT / "config").rglob("*") if path.is_file()} == {".toml"}


def test_the_map_of_folders_is_the_folders() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    mapped = set(re.findall(r"^\| `([a-z_/]+)/` \|", text, re.MULTILINE))
    folders = {
        path.parent.relative_to(ROOT).as_posix()
        for package in (*PACKAGES, "config")
        for path in (ROOT / package).rglob("*")
        if path.suffix in {".py", ".toml"}
    }
    assert mapped == folders


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_commands_of_the_readme_exist(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    targets = set(re.findall(r"^make ([a-z]+)", blocks, re.MULTILINE))
    listed = set(re.findall(r"^(\w+)", run("make", "--no-print-directory", "help"), re.MULTILINE))
    assert {"demo", "test"} <= targets <= listed
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT / link).exists(), link


def test_the_python_of_the_readme_runs() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102 -- our own document


def test_locks_carry_hashes_and_no_address() -> None:
    for name in ("run", "dev"):
        text = (ROOT / "requirements" / f"{name}.lock").read_text("utf-8")
        pinned = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
        assert len(pinned) > 20
        assert all("--hash=sha256:" in entry for entry in pinned)
        assert "://" not in text


def test_what_is_declared_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    declared = [*project["project"]["dependencies"], *extras["node"], *extras["web"]]
    names = {re.split(r"[<>=]", requirement)[0] for requirement in declared} - {"veilmart[web]"}
    lock = (ROOT / "requirements" / "run.lock").read_text("utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    assert names <= locked
    assert "phe" not in locked
