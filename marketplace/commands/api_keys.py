"""Keys for an organisation's programs: issued by a person, shown once, revoked at any time."""

from collections.abc import Collection, Sequence

from audit.entry import EntryKind as Kind
from marketplace import credentials, matrix
from marketplace.errors import ConflictError, missing
from marketplace.flow import api_key as issuing
from marketplace.flow.actor import Principal
from marketplace.flow.api_key import ApiKey
from marketplace.flow.login import TOUCH
from marketplace.flow.permission import AccessRole
from marketplace.gate import Gate
from marketplace.store import api_keys, members

PREFIX = "vmk_"
"""Of a key, by which it is known where it should not be."""


class ApiKeys:
    """The commands about keys of machines, behind the exchange's gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def issue(
        self, actor: str | Principal, label: str, permissions: Collection[str], days: int
    ) -> tuple[ApiKey, str]:
        """Issue a key for the actor's organisation; gives it with its secret, which is nowhere else."""
        with self._gate.command("issue_api_key", actor, enrolled=False) as step:
            id_, of_machines = credentials.new_id("key"), matrix.load().permissions([AccessRole.MACHINE])
            key = issuing.issue(id_, step.actor, label, permissions, of_machines, days=days, now=step.now)
            secret = credentials.new_token(PREFIX)
            api_keys.add(step.connection, key, credentials.digest(secret))
            step.record(Kind.API_KEY_ISSUED, key=key.id, permissions=len(key.permissions), until=key.expires)
            return key, secret

    def revoke(self, actor: str | Principal, key: str) -> ApiKey:
        """End a key of the actor's organisation."""
        with self._gate.command("revoke_api_key", actor, enrolled=False) as step:
            found = api_keys.load(step.connection, step.actor.name, key)
            if found is None:
                raise missing("key", key)
            if not api_keys.revoke(step.connection, key, step.now):
                raise ConflictError(f"{key} is revoked already", "issue another if one is needed")
            step.record(Kind.API_KEY_REVOKED, key=key)
            return api_keys.load(step.connection, step.actor.name, key) or found

    def page(self, actor: str | Principal, after: str, limit: int) -> Sequence[ApiKey]:
        """Keys of the actor's organisation behind an id, by id."""
        with self._gate.query("api_keys", actor) as step:
            return api_keys.page(step.connection, step.actor.name, after, limit)

    def principal(self, secret: str) -> Principal | None:
        """Give the machine whose key this is, None if it stands no more; a use is written down once a minute."""
        if not secret.startswith(PREFIX):
            return None
        with self._gate.unproven_glance() as step:
            found = api_keys.find(step.connection, credentials.digest(secret))
            issuer = None if found is None else members.load(step.connection, found.organisation, found.issuer)
        if found is None or issuer is None or not found.stands(step.now):
            return None
        if found.last_used is None or step.now - found.last_used >= TOUCH:
            with self._gate.unproven() as writing:
                api_keys.touch(writing.connection, found.id, writing.now)
        # What machines may do can have become less since, and what the issuer may.
        now = matrix.load()
        permissions = found.permissions & now.permissions([AccessRole.MACHINE]) & now.permissions(issuer.roles)
        return Principal(found.organisation, key=found.id, permissions=permissions)
