"""Who may do what at all, before any rule looks at whose a thing is: roles of principals and their permissions.

A permission is `scope:resource:action`, a route needs a `resource:action`. Both are a closed table.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from catalog.text import Text

_PERMISSION = re.compile(r"(own|any):[a-z_]+:[a-z_]+")


class AccessRole(StrEnum):
    """What a principal is to the marketplace. A person may have several, all others have one."""

    NODE = "node"
    OPERATOR_KEY = "operator_key"
    ADMINISTRATOR = "administrator"
    HANDLER = "handler"
    SECTION_CHIEF = "section_chief"
    LEADER = "leader"
    AUDITOR_READER = "auditor_reader"
    OPERATOR_CLERK = "operator_clerk"
    OPERATOR_REVIEWER = "operator_reviewer"
    OPERATOR_ADMINISTRATOR = "operator_administrator"
    SUPERVISOR_OFFICER = "supervisor_officer"
    MACHINE = "machine"
    SUBJECT = "subject"
    ANONYMOUS = "anonymous"


class MatrixError(Exception):
    """The matrix contradicts itself, or the routes."""


class RoleEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role's label and what it may do."""

    zh: str
    en: str
    permissions: tuple[str, ...]

    @property
    def label(self) -> Text:
        """What people read."""
        return Text(zh=self.zh, en=self.en)


@dataclass(frozen=True)
class Matrix:
    """The roles with their permissions; `parse` makes one."""

    roles: Mapping[AccessRole, RoleEntry]

    def permissions(self, roles: Iterable[AccessRole]) -> frozenset[str]:
        """Give what somebody with these roles may do: `scope:resource:action`, each."""
        return frozenset(each for role in roles for each in self.roles[role].permissions)

    @property
    def known(self) -> frozenset[str]:
        """Every permission of any role."""
        return self.permissions(self.roles)

    def check(self, needed: Collection[str]) -> None:
        """Return if the routes need just what the matrix gives; `needed` has `resource:action` of each route.

        Raises `MatrixError` that names what no role has, and what no route needs.
        """
        given = {without_scope(each) for each in self.known}
        if ungiven := sorted(set(needed) - given):
            raise MatrixError(f"routes need {', '.join(ungiven)}, which no role has: add it, or correct the route")
        if unneeded := sorted(given - set(needed)):
            raise MatrixError(f"no route needs {', '.join(unneeded)}: take it out, or correct the route")


def parse(data: bytes) -> Matrix:
    """Give the matrix in a TOML file's bytes; raise `MatrixError` for anything but every role with permissions."""
    try:
        found = msgspec.toml.decode(data, type=dict[AccessRole, RoleEntry])
    except msgspec.DecodeError as error:
        raise MatrixError(f"the matrix of permissions: {error}") from error
    if absent := sorted(set(AccessRole) - found.keys()):
        raise MatrixError(f"the matrix of permissions has no {', '.join(absent)}: add each role")
    for role, entry in found.items():
        entry.label  # noqa: B018 -- raises TextError for what nobody could read
        for each in entry.permissions:
            if _PERMISSION.fullmatch(each) is None:
                raise MatrixError(f"{role}: {each!r} is no scope:resource:action")
        if len(set(entry.permissions)) < len(entry.permissions):
            raise MatrixError(f"{role}: a permission stands there twice")
    return Matrix(found)


def without_scope(permission: str) -> str:
    """Give the `resource:action` of a permission."""
    return permission.partition(":")[2]


def allows(permissions: Iterable[str], needed: str) -> bool:
    """Whether one of the permissions is the needed `resource:action`, in whatever scope."""
    return any(without_scope(each) == needed for each in permissions)
