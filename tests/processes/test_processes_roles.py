"""No process loads what its role may not: noted by every process from its first import on."""

from dataclasses import dataclass

import pytest
from processes.live_market import MARKET_REGULATION, SOCIAL_SECURITY, Market
from processes.module_spy import Noted, noted

from veilmart.demo.sites import BANK, REVIEWER, SUPERVISOR

pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Family:
    """All processes that one command started: itself, gunicorn's workers or the worker's children."""

    members: list[Noted]

    @property
    def modules(self) -> set[str]:
        return {name for member in self.members for name in member.modules}

    def loaded(self, *packages: str) -> list[str]:
        """Those modules that are one of the packages or below it."""
        return sorted(
            name for name in self.modules if any(name == each or name.startswith(f"{each}.") for each in packages)
        )

    @property
    def jobs(self) -> list[Noted]:
        """The processes that a fork server forked off."""
        return [
            each
            for each in self.members
            if any(each.parent == other.pid and "forkserver" in other.command for other in self.members)
        ]


@pytest.fixture(scope="module")
def families(market: Market) -> dict[str, Family]:
    by_session: dict[int, list[Noted]] = {}
    for process in noted(market.folder):
        by_session.setdefault(process.session, []).append(process)
    started = {process.running.pid: process.name for process in market.processes if process.running is not None}
    assert len(started) == 12
    return {name: Family(by_session[session]) for session, name in started.items()}


def test_every_process_was_seen_with_its_children(families: dict[str, Family]) -> None:
    for name, family in families.items():
        (first,) = [member for member in family.members if member.is_first]
        assert "-m veilmart" in first.command
        if name in {"marketplace-work", f"{SUPERVISOR}-work"}:
            assert family.jobs == []  # they have none
        elif name.endswith("-work"):
            assert len(family.jobs) >= 1, name
            assert "compute.node.jobs.worker" in first.modules
        else:
            workers = [member for member in family.members if member.parent == first.pid]
            assert any({"gunicorn.workers.gthread", "flask"} <= worker.modules for worker in workers), name
    assert len(families[f"{BANK}-work"].jobs) >= 1  # a short job leaves its process to the next


def test_the_sets_are_plausible(families: dict[str, Family]) -> None:
    provider, bank, reviewer = (families[f"{name}-work"] for name in (MARKET_REGULATION, BANK, REVIEWER))
    assert any("compute.paillier.lookup" in job.modules for job in provider.jobs)
    assert any("compute.paillier.private" in job.modules for job in bank.jobs)
    assert "compute.paillier.private" in bank.modules
    assert any("compute.protocols.risk_score.sealing" in job.modules for job in reviewer.jobs)
    assert {"marketplace.exchange", "audit.log"} <= families["marketplace"].modules
    for family in families.values():
        assert all(len(member.modules) > 30 for member in family.members)


def test_the_marketplace_reads_no_row_and_computes_on_none(families: dict[str, Family]) -> None:
    forbidden = ("connectors", "duckdb", "gmpy2", "numpy", "pandas", "phe")
    own = ("compute.paillier", "compute.protocols", "compute.node", "compute.binning")
    for name in ("marketplace", "marketplace-work"):
        assert families[name].loaded(*forbidden, *own) == []


@pytest.mark.parametrize("command", ["serve", "work"])
def test_who_only_watches_reads_no_table_and_decrypts_nothing(families: dict[str, Family], command: str) -> None:
    family = families[f"{SUPERVISOR}-{command}"]
    forbidden = ("duckdb", "compute.paillier.private", "phe", "compute.node.bank", "compute.node.provider")
    assert family.loaded(*forbidden, "marketplace") == []
    assert "audit.witness" in family.modules


@pytest.mark.parametrize("provider", [MARKET_REGULATION, SOCIAL_SECURITY])
@pytest.mark.parametrize("command", ["serve", "work"])
def test_a_provider_has_no_private_key_and_no_role_of_a_bank(
    families: dict[str, Family], provider: str, command: str
) -> None:
    family = families[f"{provider}-{command}"]
    assert family.loaded("compute.paillier.private", "phe", "compute.node.bank") == []
    assert [name for name in family.loaded("compute.protocols") if name.endswith(".bank")] == []
    assert family.loaded("marketplace") == []


def test_the_bank_s_server_has_no_private_key(families: dict[str, Family]) -> None:
    """It presents permits by `compute.protocols.permit_presentation.bank`, which signs with its identity alone."""
    family = families[f"{BANK}-serve"]
    assert family.loaded("compute.paillier.private", "phe", "compute.node.bank.work") == []
    assert family.loaded("compute.node.bank.paillier_key", "compute.protocols.risk_score.bank") == []
    assert [name for name in family.loaded("compute.protocols") if name.endswith((".provider", ".reviewer"))] == []


def test_the_bank_s_worker_has_no_role_but_the_bank_s(families: dict[str, Family]) -> None:
    family = families[f"{BANK}-work"]
    assert [name for name in family.loaded("compute.protocols") if name.endswith((".provider", ".reviewer"))] == []
    assert family.loaded("phe", "marketplace") == []


@pytest.mark.parametrize("command", ["serve", "work"])
def test_the_reviewer_reads_no_table_and_decrypts_nothing(families: dict[str, Family], command: str) -> None:
    """Of the connectors it has the form of company codes, which the messages need: no reader of a table."""
    family = families[f"{REVIEWER}-{command}"]
    assert family.loaded("duckdb", "compute.paillier.private", "phe", "compute.node.bank", "marketplace") == []
    assert set(family.loaded("connectors")) <= {"connectors", "connectors.uscc", "connectors.errors"}
    assert [name for name in family.loaded("compute.protocols") if name.endswith((".provider", ".bank"))] == []
