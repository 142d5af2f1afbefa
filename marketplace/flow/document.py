"""`docs/flow.md`, made of the tables in `states.py`: every move with who, where to, why, and within what time."""

from collections.abc import Iterator
from typing import Any

from catalog.vocabulary import label
from marketplace.flow.states import AMENDMENT, APPLICATION, CONTRACT, PERMIT, Due, Machine

MACHINES: tuple[Machine[Any], ...] = (APPLICATION, CONTRACT, AMENDMENT, PERMIT)
_HEAD = """# The authorization flow 授权流程

Made from the tables in `marketplace/flow/states.py` by `python -m marketplace.flow.document`; a test keeps it
current. What is not here cannot happen: it is refused with 409 and the moves that there are. `market` is the
marketplace by itself, when all have signed or a time is over. A part of an application is each provider's, and the
operator's where the data is of grade general 4 or above. Reasons are of one vocabulary, with labels in
`config/vocabulary.toml`. Terms are in working days of the People's Republic; when one is over, whoever holds the
step is told, then whoever is above it. What *lapses* comes to nothing once three terms are over.
"""


def document() -> str:
    """Give the whole file."""
    return "\n".join([_HEAD, *(line for machine in MACHINES for line in _machine(machine))])


def _machine(machine: Machine[Any]) -> Iterator[str]:
    yield f"## {machine.noun}\n"
    yield "| from | move | to | by | reasons |"
    yield "|---|---|---|---|---|"
    for (state, move), (following, roles) in machine.moves.items():
        reasons = ", ".join(sorted(machine.reasons.get(move, ()))) or "–"
        who = ", ".join(sorted(roles))
        yield f"| {_state(machine, state)} | {move} | {_state(machine, following)} | {who} | {reasons} |"
    yield ""
    if machine.due:
        yield "| state | who moves next | within |"
        yield "|---|---|---|"
        for state, due in machine.due.items():
            yield f"| {_state(machine, state)} | {due.role} | {_term(due)} |"
        yield ""


def _state(machine: Machine[Any], state: str) -> str:
    return f"{state} {label(f'{machine.noun}_state', state, 'zh')}"


def _term(due: Due) -> str:
    return f"{due.working_days} working days{', then lapses' if due.lapses else ''}"


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201 -- a program of one line
