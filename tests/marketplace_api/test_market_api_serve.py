"""`veilmart marketplace serve`: its configuration, its key, and one line for what is wrong with either."""

import base64
import re
import socket
import stat
import subprocess
import tomllib
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from locks import lay_key, unlock
from market import KEYS
from marketplace_api.process import ROOT, Server, command, configuration, free_port, lay_policy, prepare

from audit import checkpoint
from compute.settings import SettingsError
from compute.web.keyfile import load_or_make
from marketplace.gate import Setting
from marketplace.settings import Settings, load
from veilmart.cli import main

EXAMPLE = ROOT / "examples" / "config" / "marketplace.toml"


def invoke(config: Path) -> Result:
    """Run the command in this process: it must fail before it serves."""
    return CliRunner().invoke(main, ["marketplace", "serve", "--config", str(config)])


def rejected(config: Path) -> str:
    result = invoke(config)
    assert result.exit_code == 1, result.output
    assert result.output.count("\n") == 1
    assert result.output.startswith("Error: ")
    assert "; " in result.output
    return result.output


# --- the configuration --------------------------------------------------------------------------------------


def test_the_example_needs_the_operator_s_key_and_nothing_else(tmp_path: Path) -> None:
    assert "operator_key" in rejected(EXAMPLE)
    path = tmp_path / "marketplace.toml"
    key = KEYS["operator"].public_key().public_bytes_raw()
    path.write_text(EXAMPLE.read_text("utf-8").replace("put yours here", base64.b64encode(key).decode()))
    settings = load(path)
    assert settings.operator_key == key
    assert settings.database == tmp_path / "market.db"


def test_the_example_explains_every_key() -> None:
    lines = re.findall(r"^(?:# )?(\w+) = .+ # .+$", EXAMPLE.read_text("utf-8"), re.MULTILINE)
    assert lines == list(Settings.__struct_fields__)


@pytest.mark.parametrize("name", [field.name for field in msgspec.structs.fields(Settings) if field.required])
def test_every_key_is_required(tmp_path: Path, name: str) -> None:
    lines = configuration(tmp_path, 8443).splitlines(keepends=True)
    path = tmp_path / "marketplace.toml"
    path.write_text("".join(line for line in lines if not line.startswith(f"{name} =")))
    with pytest.raises(SettingsError, match=f"missing: {name}; set it"):
        load(path)


@pytest.mark.parametrize("url", [None, "postgresql:///market"])
def test_either_database_is_named_and_not_both(tmp_path: Path, url: str | None) -> None:
    text = configuration(tmp_path, 8443)
    without = re.sub("^database = .*$", "", text, flags=re.MULTILINE)
    path = tmp_path / "marketplace.toml"
    path.write_text(without if url is None else f"postgresql = '{url}'\n{text}")
    with pytest.raises(SettingsError, match="name either database"):
        load(path)
    if url is not None:
        path.write_text(f"postgresql = '{url}'\n{without}")
        assert load(path).store == url


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"colour": "red"}, "'colour'"),
        ({"port": 0}, "port"),
        ({"port": "8443"}, "port"),
        ({"workers": 0}, "workers"),
        ({"max_body": 2**27}, "max_body"),
        ({"name": "Market"}, "name"),
        ({"name": "operator"}, "both operator"),
        ({"public_url": "http://market.example"}, "public_url"),
        ({"public_url": "https://market.example/path"}, "public_url"),
        ({"operator_key": "AAAA"}, "operator_key"),
        ({"operator_key": "no base64"}, "operator_key"),
        ({"database": 3}, "database"),
        ({"log_origin": "two words"}, "log_origin"),
        ({"postgresql": "postgresql://user:secret@host/market"}, "postgresql"),
        ({"key": ""}, "key"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, changes: dict[str, object], named: str) -> None:
    path = tmp_path / "marketplace.toml"
    path.write_text(configuration(tmp_path, 8443, **changes))
    with pytest.raises(SettingsError, match=named):
        load(path)
    assert named in rejected(path)


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path: Path) -> None:
    assert "No such file" in rejected(tmp_path / "absent.toml")
    path = tmp_path / "marketplace.toml"
    path.write_text("name = \nport")
    assert "not TOML" in rejected(path)
    path.write_bytes(b"\xff\xfe")
    assert "not TOML" in rejected(path)


def test_no_secret_is_in_a_configuration() -> None:
    assert not {
        name for name in tomllib.loads(EXAMPLE.read_text("utf-8")) if "secret" in name or "password" in name
    }


# --- the files that it names --------------------------------------------------------------------------------


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = prepare(tmp_path, 8443, certificate="absent.pem")
    assert "absent.pem" in rejected(path)
    path = prepare(tmp_path, 8443, certificate_key="ca.key")
    assert "its own key" in rejected(path)
    assert not (tmp_path / "identity.jwe").exists()


def test_a_database_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 100)
    assert "not a database" in rejected(prepare(tmp_path, 8443, database="text"))
    assert "absent/nonces.db" in rejected(prepare(tmp_path, 8443, nonces="absent/nonces.db"))


def test_the_operator_s_key_is_not_the_server_s(tmp_path: Path) -> None:
    lay_key(tmp_path / "identity.jwe", KEYS["operator"])
    assert "operator's own key" in rejected(prepare(tmp_path, 8443))


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        path = prepare(tmp_path, port)
        lay_policy(tmp_path, port)
        assert f"127.0.0.1:{port}" in rejected(path)


def test_the_process_itself_ends_with_one_line(tmp_path: Path) -> None:
    path = prepare(tmp_path, free_port(), workers=-1)
    result = subprocess.run(command(path), cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 -- our own command
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("max_age = 600", "max_age = 0", "max_age: not an integer from 1"),
        ("max_age = 600", "max_ages = 600", "'max_ages': unknown"),
        ('party = "market"', 'party = "fair"', "log.party is not this marketplace's; put market there"),
        (
            "max_age = 600",
            f'max_age = 600\noperator = {{ name = "operator", public_key = "{"A" * 43}=" }}',
            "put operator",
        ),
    ],
)
def test_a_policy_that_cannot_be_used_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = prepare(tmp_path, 8443)
    lay_policy(tmp_path, 8443)
    policy = tmp_path / "policy.toml"
    policy.write_text(policy.read_text().replace(old, new))
    assert told in rejected(path)


def test_a_policy_of_another_log_is_refused_with_the_key_that_belongs_there(tmp_path: Path) -> None:
    path = prepare(tmp_path, 8443)
    lay_policy(tmp_path, 8443)
    policy = (tmp_path / "policy.toml").read_text()
    own = re.search(r'key = "(market[^"]+)"', policy)
    assert own is not None
    (tmp_path / "identity.jwe").unlink()
    lay_policy(tmp_path, 8443)
    right = re.search(r'key = "(market[^"]+)"', (tmp_path / "policy.toml").read_text())
    (tmp_path / "policy.toml").write_text(policy)
    assert right is not None
    assert f"log.key is not this marketplace's; put {right[1]} there" in rejected(path)


def test_a_database_behind_the_watermark_is_not_served(tmp_path: Path) -> None:
    """It was restored from a backup: whoever asks would be shown what contradicts what others have seen."""
    path = prepare(tmp_path, 8443)
    lay_policy(tmp_path, 8443)
    signer = Setting.of(load(path), load_or_make(tmp_path / "identity.jwe", unlock)).signer
    shown = checkpoint.signed(signer.origin, 7, b"r" * 32, signer.key)
    (tmp_path / "watermark.checkpoint").write_bytes(shown)
    assert "has not the 7 entries that witnesses were shown" in rejected(path)
    (tmp_path / "watermark.checkpoint").write_bytes(shown.replace(b"\n7\n", b"\n6\n"))
    assert "no watermark of this log" in rejected(path)


# --- the key ------------------------------------------------------------------------------------------------


def test_the_served_key_has_mode_0600(server: Server) -> None:
    assert stat.S_IMODE((server.folder / "identity.jwe").stat().st_mode) == 0o600


def test_a_process_that_holds_a_key_leaves_no_core_dump(server: Server) -> None:
    for process in (server.process.pid, *server.workers):
        limits = Path(f"/proc/{process}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE), limits


def test_the_public_key_is_printed_and_made_at_its_first_use(tmp_path: Path) -> None:
    path = prepare(tmp_path, 8443)
    arguments = ["marketplace", "key", "--config", str(path)]
    printed = [CliRunner().invoke(main, arguments) for _ in range(2)]
    key = load_or_make(tmp_path / "identity.jwe", unlock).public_key().public_bytes_raw()
    for result in printed:
        assert result.exit_code == 0, result.output
        assert base64.b64decode(result.output.strip(), validate=True) == key
    (tmp_path / "identity.jwe").chmod(0o644)
    assert "mode is 0644" in CliRunner().invoke(main, arguments).output


# --- help ---------------------------------------------------------------------------------------------------


def test_help_is_in_both_languages() -> None:
    for arguments, chinese in (
        (["marketplace"], "数据产品超市"),
        (["marketplace", "serve"], "签名密钥"),
        (["marketplace", "work"], "见证方"),
    ):
        result = CliRunner().invoke(main, [*arguments, "--help"])
        assert result.exit_code == 0
        assert chinese in result.output
    assert "marketplace" in CliRunner().invoke(main, ["--help"]).output
