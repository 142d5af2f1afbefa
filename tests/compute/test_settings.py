"""A configuration: what is wrong with it is said in one line, by file and key."""

from pathlib import Path

import pytest

from compute.canonical import Bytes32, Name
from compute.membership import EXAMPLE, Membership, load_membership
from compute.settings import MaxBody, Port, Section, SettingsError, Workers, load
from compute.signing import Pin

ROOT = Path(__file__).parents[2]


class Listener(Section, frozen=True):
    host: str
    port: Port
    workers: Workers = 2


class Source(Section, frozen=True):
    name: Name
    file: Path


class Program(Section, frozen=True):
    name: Name
    key: Bytes32
    max_body: MaxBody
    listen: Listener
    backup: Listener | None = None
    sources: tuple[Source, ...] = ()


TOP = """
name = "tax"
key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
max_body = 65536
"""
LISTEN = """
[listen]
host = "127.0.0.1"
port = 8443
"""
SOURCE = """
[[sources]]
name = "jobs"
file = "data/jobs.csv"
"""


def loaded(folder: Path, text: str) -> Program:
    path = folder / "program.toml"
    path.write_text(text)
    return load(path, Program, "examples/program.toml")


def test_sections_nest_and_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    found = loaded(tmp_path, TOP + LISTEN + SOURCE)
    assert (found.name, found.key) == ("tax", b"\1" * 32)
    assert (found.listen.port, found.listen.workers, found.backup) == (8443, 2, None)
    assert [source.file for source in found.sources] == [tmp_path / "data" / "jobs.csv"]
    with pytest.raises(AttributeError):
        found.name = "other"  # type: ignore[misc]  # frozen


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TOP, "missing: listen; set it as examples/program.toml does"),
        ("", "missing: key, listen, max_body, name; set it"),
        (TOP + "[listen]", "missing: listen.host, listen.port; set it"),
        (TOP + LISTEN + "[backup]\nport = 1", "missing: backup.host; set it"),
        (TOP + LISTEN + "[[sources]]\nname = 'a'", "missing: sources.0.file; set it"),
        (TOP + LISTEN + "colour = 'red'", "unknown: 'listen.colour'; remove it"),
        ("colour = 'red'\nshape = 1" + TOP + LISTEN, "unknown: 'colour', 'shape'; remove it"),
        (TOP + LISTEN.replace("8443", "0"), "listen.port: Expected int >= 1; correct"),
        (TOP + LISTEN.replace("8443", "'8443'"), "listen.port: Expected int, got str; correct"),
        (TOP + LISTEN + SOURCE.replace("data/jobs.csv", ""), r"sources.0.file: not a path; correct"),
        (TOP + "listen = 3", "listen: Expected object, got int; correct"),
        (TOP.replace("AQEB", "AQ") + LISTEN, "key: "),
        (TOP.replace("tax", "Tax") + LISTEN, "name: Expected a lower-case letter"),
        ("name = ", "not TOML"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason) as raised:
        loaded(tmp_path, text)
    assert str(raised.value).startswith(f"{tmp_path / 'program.toml'}: ")
    assert "\n" not in str(raised.value)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent.toml: No such file or directory; name a file"):
        load(tmp_path / "absent.toml", Program, "examples/program.toml")


# --- membership ---------------------------------------------------------------------------------------------


def membership(folder: Path, before: str = "", after: str = "") -> Membership:
    path = folder / "auditor.toml"
    text = (ROOT / EXAMPLE).read_text("utf-8")
    for who, byte in (("marketplace", "A"), ("operator", "B")):
        text = text.replace(f"put the {who}'s here", byte + 42 * "A" + "=")
    path.write_text(before + text + after)
    return load_membership(path)


def test_the_example_of_a_membership_needs_two_keys_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"marketplace.public_key, operator.public_key: still the example's text"
    ):
        load_membership(ROOT / EXAMPLE)
    found = membership(tmp_path)
    assert found.key == tmp_path / "auditor-key.jwe"
    assert found.marketplace.url == "https://market.example:8443"
    assert found.pins == {
        "market": Pin("operator", bytes(32)),
        "operator": Pin("operator", b"\4" + bytes(31)),
    }


def test_a_membership_is_read_out_of_another_program_s_configuration(tmp_path: Path) -> None:
    alone = membership(tmp_path)
    assert membership(tmp_path, "port = 8443\n", "[listen]\nhost = 'here'\n") == alone


def test_within_a_membership_nothing_is_passed_over(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"unknown: 'operator\.colour'"):
        membership(tmp_path, after="colour = 'red'\n")
