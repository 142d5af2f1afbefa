"""The policy's file: what is required, and that nothing switches disclosure control off."""

from pathlib import Path

import pytest

from compute.disclosure.errors import DisclosureError
from compute.disclosure.policy import EXAMPLE, Policy, read_policy, require_within
from compute.settings import SettingsError

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / EXAMPLE).read_text("utf-8")


def read(folder: Path, text: str) -> Policy:
    path = folder / "disclosure.toml"
    path.write_text(text, "utf-8")
    return read_policy(path)


def test_the_example_can_be_read() -> None:
    policy = read_policy(ROOT / EXAMPLE)
    assert (policy.min_cohort, policy.question_milliepsilon, policy.bank_milliepsilon) == (10, 3000, 12000)
    assert policy.dominant_share * 4 == 3


@pytest.mark.parametrize("name", Policy.__struct_fields__)
def test_every_key_is_required(tmp_path: Path, name: str) -> None:
    lines = [line for line in TEXT.splitlines() if not line.startswith(name)]
    with pytest.raises(SettingsError, match=rf"missing: {name}; set it as {EXAMPLE} does"):
        read(tmp_path, "\n".join(lines))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("min_cohort = 10", "min_cohort = 1"),
        ("min_cohort = 10", "min_cohort = 0"),
        ("dominant_percent = 75", "dominant_percent = 100"),
        ("question_milliepsilon = 3000", "question_milliepsilon = 3000.5"),
        ("question_milliepsilon = 3000", "question_milliepsilon = 13000"),
        ("least_milliepsilon = 100", "least_milliepsilon = 0"),
        ("bank_milliepsilon = 12000", "bank_milliepsilon = 36001"),
        ("max_cohorts = 8", "max_cohorts = 0"),
        ("hidden_cohorts = true", "hidden_cohorts = 1"),
        ("hidden_cohorts = true", "hidden_cohorts = true\noff = true"),
    ],
)
def test_a_policy_that_would_not_control_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(SettingsError, match=r"disclosure\.toml: "):
        read(tmp_path, TEXT.replace(old, new))


def test_a_policy_under_which_nothing_can_be_asked_is_refused(tmp_path: Path) -> None:
    text = TEXT.replace("hidden_cohorts = true", "hidden_cohorts = false")
    assert not read(tmp_path, text).hidden_cohorts
    with pytest.raises(SettingsError, match="no statistic could be asked"):
        read(tmp_path, text.replace("disclosed_cohorts = true", "disclosed_cohorts = false"))


def test_what_one_question_may_be() -> None:
    policy = read_policy(ROOT / EXAMPLE)
    for milliepsilon in (0, 100, 3000):
        require_within(policy, milliepsilon, policy.max_cells)
    for milliepsilon in (-1, 1, 99, 3001):
        with pytest.raises(DisclosureError, match=r"is not within 0\.1 to 3"):
            require_within(policy, milliepsilon, 1)
    with pytest.raises(DisclosureError, match="4097 cells are more than 4096"):
        require_within(policy, 1000, 4097)
