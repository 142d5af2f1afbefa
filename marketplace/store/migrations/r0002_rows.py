"""What becomes of the rows of revision 0001 in 0002, and back; written against the columns of then, for ever.

A party of 0001 was an organisation and its node in one. What it never said of the organisation (titles, code,
desk, address) is not made up: the placeholder says so, and its code is one that no organisation can have.
"""

import json

import sqlalchemy as sa

from audit.storage.tables import Big

UNKNOWN_CODE = "-" * 18
"""Of an organisation from 0001, until the operator has completed its profile."""
UNKNOWN_ZH, UNKNOWN_EN = "待补录", "to be completed"
_STATES = {"enrolled": "admitted", "suspended": "suspended"}

_parties = sa.table(
    "parties", sa.column("name", sa.Text), sa.column("state", sa.Text), sa.column("application", sa.LargeBinary)
)
_organisations = sa.table(
    "organisations",
    *(sa.column(name, sa.Text) for name in ("name", "kind", "code", "state", "application", "reason", "opinion")),
    sa.column("profile", sa.LargeBinary),
    sa.column("since", Big),
)
_withdrawals = sa.table(
    "withdrawals", sa.column("id", Big), sa.column("signer", sa.Text), sa.column("withdrawal", sa.LargeBinary)
)


def add_organisations(connection: sa.Connection) -> None:
    """Give each party its organisation, in its state; raise ValueError for a state that 0001 does not have."""
    rows = connection.execute(sa.select(_parties).order_by(_parties.c.name)).all()
    if unknown := sorted({row.state for row in rows} - _STATES.keys()):
        raise ValueError(f"a party of revision 0001 is {', '.join(unknown)}, which is no state of one")
    made = [_organisation(row.name, _STATES[row.state], json.loads(row.application)["statement"]) for row in rows]
    if made:
        connection.execute(sa.insert(_organisations), made)


def _organisation(name: str, state: str, record: dict[str, str]) -> dict[str, object]:
    unknown = f"{UNKNOWN_ZH} {UNKNOWN_EN}"
    profile = {
        "type": "organisation_profile",
        "title_zh": f"{name}({UNKNOWN_ZH})",
        "title_en": f"{name} ({UNKNOWN_EN})",
        "code": UNKNOWN_CODE,
        "kind": record["kind"],
        "desk": {"type": "desk", "title": unknown, "email": "unknown@invalid.invalid", "phone": "000000"},
        "address": unknown,
    }
    # As `compute.canonical.encode` wrote it then: no number in it, so RFC 8785 asks for no more than this.
    text = json.dumps(profile, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {
        "name": name,
        "kind": record["kind"],
        "code": UNKNOWN_CODE,
        "profile": text.encode(),
        "state": state,
        "since": 0,
        "application": "",  # it never applied, so no token leads to it
        "reason": None,
        "opinion": None,
    }


def name_signers(connection: sa.Connection) -> None:
    """Write down who has signed each withdrawal, as the signed statement says it."""
    write = sa.update(_withdrawals).where(_withdrawals.c.id == sa.bindparam("number"))
    write = write.values(signer=sa.bindparam("by"))
    last = -1
    while True:  # not all at once: a withdrawal has up to 100,000 commitments
        found = connection.execute(
            sa.select(_withdrawals.c.id, _withdrawals.c.withdrawal)
            .where(_withdrawals.c.id > last)
            .order_by(_withdrawals.c.id)
            .limit(50)
        ).all()
        if not found:
            return
        connection.execute(
            write, [{"number": row.id, "by": json.loads(row.withdrawal)["signer"]} for row in found]
        )
        last = found[-1].id


def restore_party_states(connection: sa.Connection) -> None:
    """Give each party the state of its organisation again."""
    organisation = sa.select(_organisations.c.state).where(_organisations.c.name == _parties.c.name)
    for old, new in _STATES.items():
        of_it = organisation.scalar_subquery() == new
        connection.execute(sa.update(_parties).where(of_it).values(state=old))
