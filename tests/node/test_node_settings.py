"""The configurations that a user starts from, and what is said of one that cannot be used."""

import base64
from pathlib import Path
from typing import get_args

import pytest

from compute.membership import load_membership
from compute.node.settings import Role, load_settings
from compute.settings import SettingsError
from veilmart.person import load_person

EXAMPLES = Path(__file__).parents[2] / "examples" / "config"


def key(number: int) -> str:
    return base64.b64encode(number.to_bytes(32, "big")).decode()


def filled_in(name: str, folder: Path, old: str = "", new: str = "") -> Path:
    """An example with keys in place of the hints where to get them."""
    lines = (EXAMPLES / name).read_text("utf-8").replace(old, new).splitlines()
    path = folder / name
    path.write_text(
        "\n".join(
            f'{line.split(" = ")[0]} = "{key(number)}"' if ' = "put ' in line else line
            for number, line in enumerate(lines)
        ),
        "utf-8",
    )
    return path


@pytest.mark.parametrize("role", get_args(Role))
def test_the_example_of_each_role_is_complete_and_exact(tmp_path: Path, role: Role) -> None:
    settings = load_settings(filled_in(f"{role}.toml", tmp_path), role)
    assert settings.key == tmp_path / "identity.jwe"
    assert settings.kind.signing_role in {"provider", "consumer", "model_reviewer"}
    assert len(settings.staff) == (2 if role == "reviewer" else 1)
    assert load_membership(filled_in(f"{role}.toml", tmp_path)).name == settings.name


def test_the_examples_of_people_without_a_node_are_exact(tmp_path: Path) -> None:
    assert load_person(filled_in("person.toml", tmp_path)).peer.name == "market-regulation"
    assert load_membership(filled_in("auditor.toml", tmp_path)).marketplace.name == "market"


def test_two_names_with_one_key_are_not_two_people(tmp_path: Path) -> None:
    """Else one examiner were four eyes."""
    path = filled_in("reviewer.toml", tmp_path, '"put yours here"', f'"{key(7)}"')
    with pytest.raises(SettingsError, match="staff: examiner, second-examiner have one key; give each person"):
        load_settings(path, "reviewer")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("min_cohort = 10", "min_cohorts = 10", "unknown: 'min_cohorts'"),
        ("min_cohort = 10", "", "missing: min_cohort"),
        (
            'snapshot_date = "2026-11-22"',
            'snapshot_date = "22.11.2026"',
            "snapshot_date: Expected a day as YYYY-MM-DD",
        ),
        ('snapshot_date = "2026-11-22"', 'snapshot_date = "2026-02-30"', "2026-02-30 is no day of the calendar"),
        ('snapshot_date = "2026-11-22"', 'snapshot_date = "2999-11-22"', "2999-11-22 lies in the future"),
        ('"https://node.example:8443"', '"http://node.example"', "public_url: Expected https://, a host in lower"),
        ('clerk = "put', 'market = "put', "staff: market is a party's name"),
        ("port = 8443 ", "port = 0 ", "port"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(filled_in("provider.toml", tmp_path, old, new), "provider")
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
