"""People of an organisation: invited once, with roles that fit the organisation, one of them its administrator."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from compute.canonical import DAY
from compute.records import PartyKind
from marketplace.errors import ConflictError, ForbiddenError, InvalidError
from marketplace.flow.permission import AccessRole

INVITATION_TERM = 7 * DAY
"""For which an invitation stands, in milliseconds."""
_OF_OPERATOR = frozenset(
    {AccessRole.OPERATOR_ADMINISTRATOR, AccessRole.OPERATOR_CLERK, AccessRole.OPERATOR_REVIEWER}
)
_OF_SUPERVISOR = frozenset({AccessRole.ADMINISTRATOR, AccessRole.SUPERVISOR_OFFICER, AccessRole.AUDITOR_READER})
_OF_OTHERS = frozenset(
    {
        AccessRole.ADMINISTRATOR,
        AccessRole.HANDLER,
        AccessRole.SECTION_CHIEF,
        AccessRole.LEADER,
        AccessRole.AUDITOR_READER,
    }
)
ADMINISTRATORS = frozenset({AccessRole.ADMINISTRATOR, AccessRole.OPERATOR_ADMINISTRATOR})


class MemberState(StrEnum):
    """A person is invited, has taken the account, or is no member any more."""

    INVITED = "invited"
    ACTIVE = "active"
    REMOVED = "removed"


@dataclass(frozen=True)
class Member:
    """A person of an organisation; `id` says nothing about who it is."""

    id: str
    organisation: str
    login: str
    name: str
    roles: tuple[AccessRole, ...]
    email: str | None
    state: MemberState
    unconfirmed_by: tuple[str, ...] = ()
    """Who made the account what it is, until somebody else has confirmed whose it is: ids of administrators, or an
    organisation's name for its key. Until then the person stands on no side of anything that takes two.
    """

    @property
    def is_confirmed(self) -> bool:
        """Whether the account counts as a person of its own."""
        return not self.unconfirmed_by

    @property
    def administers(self) -> bool:
        """Whether the person can manage the members."""
        return not ADMINISTRATORS.isdisjoint(self.roles)


def roles_of(kind: PartyKind | None) -> frozenset[AccessRole]:
    """Give the roles that people of such an organisation can have; None stands for the operator itself."""
    if kind is None:
        return _OF_OPERATOR
    return _OF_SUPERVISOR if kind is PartyKind.SUPERVISOR else _OF_OTHERS


def checked_roles(roles: Collection[str], kind: PartyKind | None) -> tuple[AccessRole, ...]:
    """Give the roles in their order; raise `InvalidError` for one that people of such a kind cannot have."""
    possible = roles_of(kind)
    if wrong := sorted(set(roles) - possible):
        told = f"Here people can be {', '.join(sorted(possible))}."
        raise InvalidError(f"nobody here can be {', '.join(wrong)}", "choose other roles", fields={"roles": told})
    return tuple(role for role in AccessRole if role in roles)


def change(
    old: Member,
    name: str,
    roles: tuple[AccessRole, ...],
    email: str | None,
    administrators: Collection[str],
    *,
    by: str,
) -> Member:
    """Give the member with other roles; `administrators` are the ids of those who manage the members now.

    Who gains a role waits for a confirmation, as after an invitation: `by` is who changes it.
    Raises `ConflictError` for who is removed, and where nobody would manage the members any more.
    """
    _require_present(old)
    new = replace(old, name=name, roles=roles, email=email)
    if not new.administers:
        _require_another(old, administrators)
    return new if set(roles) <= set(old.roles) else _unconfirmed(new, by)


def remove(old: Member, administrators: Collection[str]) -> Member:
    """Give the member as removed; raise as `change` does."""
    _require_present(old)
    _require_another(old, administrators)
    return replace(old, state=MemberState.REMOVED)


def reinvite(old: Member, by: str) -> Member:
    """Give the member as invited anew, whose password and codes stand no more: what helps who has lost them.

    `by` holds the invitation and could take the account, so it waits for somebody else's confirmation.
    """
    _require_present(old)
    return _unconfirmed(replace(old, state=MemberState.INVITED), by)


def confirm(old: Member, by: str, *, is_confirmed: bool) -> Member:
    """Give the member as a person of its own.

    1. The account is taken: before, nobody can have seen whose it is.
    2. It waits for a confirmation.
    3. Who confirms is neither the person nor anybody who has invited or changed it since the last confirmation.
    4. Who confirms is confirmed: nobody makes an administrator to confirm with.

    Raises `ConflictError` (1, 2), `ForbiddenError` (3, 4).
    """
    if old.state is not MemberState.ACTIVE:  # 1
        raise ConflictError(f"{old.login} is {old.state}", "wait until the person has taken the account")
    if old.is_confirmed:  # 2
        raise ConflictError(f"{old.login} is confirmed already", "nothing is left to do")
    if by in {old.id, *old.unconfirmed_by}:  # 3
        raise ForbiddenError(
            "you have made this account what it is", "have another administrator confirm it, or the operator"
        )
    if not is_confirmed:  # 4
        raise unconfirmed()
    return replace(old, unconfirmed_by=())


def unconfirmed() -> ForbiddenError:
    """Give the error for whoever is not confirmed and would be one of two."""
    return ForbiddenError(
        "this takes two people, and your account was not confirmed since an administrator invited or changed it",
        "have another administrator confirm it, or the operator",
    )


def _unconfirmed(member: Member, by: str) -> Member:
    return replace(member, unconfirmed_by=tuple(sorted({*member.unconfirmed_by, by})))


def _require_present(member: Member) -> None:
    if member.state is MemberState.REMOVED:
        raise ConflictError(f"{member.login} is removed", "invite the person under another login")


def _require_another(member: Member, administrators: Collection[str]) -> None:
    # Someone who has only been invited may never come, so such a one does not count.
    if set(administrators) == {member.id}:
        raise ConflictError("this is the last administrator", "make somebody else administrator first")
