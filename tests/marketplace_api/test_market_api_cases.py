"""An auditor's case over HTTPS: opened, approved, read under, closed; and sealed until then."""

import pytest
from market import BANK, DAY, INSPECTOR, SUPERVISOR, TAX
from marketplace_api.process import Server, active, batch, now

from audit.entry import EntryKind
from audit.tracing.seals import check_seals
from compute.client.marketplace import MarketplaceClient
from compute.web.errors import PeerProblemError


def slug(call: object, *arguments: object) -> str:
    assert callable(call)
    with pytest.raises(PeerProblemError) as caught:
        call(*arguments)
    assert caught.value.remedy
    return caught.value.slug


def reads(client: MarketplaceClient, contract: str, case: str | None = None) -> list[object]:
    return [
        client.application(contract, case),
        client.contract(contract, case),
        client.permit(contract, TAX, case),
        client.consents(contract, case=case),
        client.trace(contract, case),
    ]


def test_a_case_from_its_opening_to_its_end(server: Server) -> None:
    contract = active(server, "under-a-case")
    with (
        server.client(SUPERVISOR) as supervisor,
        server.client(INSPECTOR) as inspector,
        server.client(BANK) as bank,
    ):
        bank.register_consents(batch(contract, "batch-1"))
        opened = supervisor.open_case("2026/17", now() + DAY)
        assert (opened.state, opened.opener, opened.approver, opened.reads) == ("opened", SUPERVISOR, None, 0)
        assert slug(supervisor.contract, contract) == "forbidden"
        assert slug(supervisor.contract, contract, opened.case) == "wrong-state"
        assert slug(supervisor.approve_case, opened.case) == "forbidden"
        assert slug(bank.case, opened.case) == slug(bank.approve_case, opened.case) == "not-found"
        assert slug(bank.cases) == "forbidden"
        assert inspector.approve_case(opened.case).approver == INSPECTOR
        own = reads(bank, contract)
        assert reads(supervisor, contract, opened.case) == own
        assert slug(inspector.contract, contract, opened.case) == "forbidden"
        assert inspector.case(opened.case).reads == len(own)
        assert [each.number for each in inspector.cases()] == ["2026/17"]
        assert bank.trace(contract) == own[-1]
        before = check_seals(list(enumerate(server.entries())), "market")
        assert (before.flaws, len(before.sealed)) == ([], len(own))
        closed = supervisor.close_case(opened.case)
        assert (closed.state, closed.reads) == ("closed", len(own))
        after = check_seals(list(enumerate(server.entries())), "market")
        assert (after.flaws, after.sealed) == ([], [])
        assert {read.contract for read in after.opened.values()} == {contract}
        told = bank.trace(contract)
        assert [entry.kind for _, entry in told[-len(own) :]] == [EntryKind.CASE_UNSEALED] * len(own)


def test_a_case_is_named_by_its_digest(server: Server, contract: str) -> None:
    with server.client(SUPERVISOR) as supervisor:
        for case in ("2026/17", "0" * 63, "G" * 64):
            assert slug(supervisor.contract, contract, case) == "invalid-fields"
        assert slug(supervisor.contract, contract, "0" * 64) == "not-found"
        assert slug(supervisor.open_case, "late", now() + 400 * DAY) == "invalid"
        assert slug(supervisor.open_case, "", now() + DAY) == "invalid-message"
