"""Keys for an organisation's programs: part of what their issuer may do, for a year at most."""

from collections.abc import Collection
from dataclasses import dataclass

from compute.canonical import DAY
from marketplace.errors import ForbiddenError, InvalidError
from marketplace.flow.actor import Actor


@dataclass(frozen=True)
class ApiKey:
    """A key; the secret is nowhere."""

    id: str
    organisation: str
    label: str
    permissions: frozenset[str]
    issuer: str
    """The member who issued it; the key ends with the member."""
    created: int
    expires: int
    """UTC, milliseconds since 1970-01-01."""
    revoked: int | None = None
    last_used: int | None = None

    def stands(self, now: int) -> bool:
        """Whether it opens anything now."""
        return self.revoked is None and now < self.expires


def issue(
    id_: str,
    actor: Actor,
    label: str,
    asked: Collection[str],
    of_machines: Collection[str],
    *,
    days: int,
    now: int,
) -> ApiKey:
    """Give a new key of the actor's organisation.

    Raises `ForbiddenError` unless a person issues it, `InvalidError` that names what it asks for beyond what the
    issuer may do, or beyond what machines may.
    """
    if actor.member is None:
        raise ForbiddenError("only a person issues keys", "have an administrator log in")
    if beyond := sorted(set(asked) - actor.permissions):
        raise InvalidError(
            "nobody gives what they do not have",
            "ask for what your roles allow",
            fields={"permissions": f"Not yours: {', '.join(beyond)}."},
        )
    if beyond := sorted(set(asked) - set(of_machines)):
        raise InvalidError(
            "some permissions are people's only",
            "leave them out",
            fields={"permissions": f"For people only: {', '.join(beyond)}."},
        )
    return ApiKey(id_, actor.name, label, frozenset(asked), actor.member, now, now + days * DAY)
