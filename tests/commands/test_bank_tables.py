"""The tables of `veilmart bank` at the widths of terminals: names stay whole, lines stay within."""

import msgspec
import pytest
from rich.console import Console
from told import cross_table, histogram, moments, told

from compute.node.console.statistics_messages import Prechecks, ProviderPrecheck
from compute.protocols.joint_statistics.messages import Precheck
from veilmart.bank.showing import precheck_table, result_tables

FOUND = Precheck(
    question=bytes(32),
    cells=104,
    bound=130,
    milliepsilon=500,
    bank_left=400,
    is_stored=False,
    snapshot="c" * 64,
    snapshot_date="2026-11-01",
    is_present_only=True,
    milliseconds=3200,
)
PROVIDER = "market-regulation"


def lines(width: int, *shown: object) -> list[str]:
    console = Console(width=width)
    with console.capture() as captured:
        for each in shown:
            console.print(each)
    return captured.get().splitlines()


def prechecks(found: Precheck | None) -> Prechecks:
    reason = "no answer of it (ConnectError: [Errno 111] Connection refused)" if found is None else None
    remedy = "see that it runs, then ask again" if found is None else None
    each = ProviderPrecheck(provider=PROVIDER, precheck=found, reason=reason, remedy=remedy)
    return Prechecks(providers=(each,), estimated_milliseconds=4500)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("found", [FOUND, None])
def test_a_precheck_fits(width: int, found: Precheck | None) -> None:
    told_lines = lines(width, precheck_table(prechecks(found)))
    assert all(len(line) <= width for line in told_lines)
    assert any(line.startswith(f"│ {PROVIDER} ") for line in told_lines)


@pytest.mark.parametrize("width", [80, 120])
def test_statistics_fit(width: int) -> None:
    result = told(histogram(), cross_table(), *moments())
    told_lines = lines(width, *result_tables(result))
    assert all(len(line) <= width for line in told_lines)
    assert any(line.startswith(f"│ {result.providers[0].provider} ") for line in told_lines)


def test_a_precheck_warns_of_a_budget_that_does_not_reach() -> None:
    warning = "more than what is left"
    enough = msgspec.structs.replace(FOUND, bank_left=500)
    assert warning in " ".join(lines(120, precheck_table(prechecks(FOUND))))
    assert warning not in " ".join(lines(120, precheck_table(prechecks(enough))))
