"""The entry agreement: the operator publishes versions, organisations accept each by an administrator."""

from collections.abc import Sequence

from audit.entry import EntryKind as Kind
from marketplace.errors import ForbiddenError, missing
from marketplace.flow import agreement as agreeing
from marketplace.flow.actor import Principal
from marketplace.flow.agreement import Acceptance, Agreement
from marketplace.flow.states import Role
from marketplace.gate import Gate
from marketplace.store import organisations


class Agreements:
    """The commands about the entry agreement, behind the exchange's gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def publish(self, actor: str | Principal, text_zh: str, text_en: str, grace_days: int) -> Agreement:
        """Publish the next version; who takes part accepts it within its days of grace, who enters before."""
        with self._gate.command("publish_agreement", actor) as step:
            if step.actor.office is not Role.OPERATOR:
                raise ForbiddenError("to publish the entry agreement is not yours", "ask the operator")
            newest = organisations.agreement(step.connection)
            made = agreeing.publish(newest, text_zh, text_en, grace_days, step.now)
            organisations.publish(step.connection, made)
            step.record(Kind.AGREEMENT_PUBLISHED, version=made.version, agreement=made.digest, until=made.due)
            return made

    def load(self, version: int | None = None) -> Agreement:
        """A version, or the newest. Public: whoever thinks of taking part reads it."""
        with self._gate.unproven_glance() as step:
            found = organisations.agreement(step.connection, version)
        if found is None:
            raise missing("agreement", "of any version" if version is None else f"version {version}")
        return found

    def accept(self, actor: str | Principal, version: int, text: str, signatory: str) -> Acceptance:
        """Accept the newest version for the actor's organisation; `text` is the SHA-256 of what was read."""
        with self._gate.command("accept_agreement", actor, suspended_too=True, enrolled=False) as step:
            name, member = step.actor.name, step.actor.member
            newest = organisations.agreement(step.connection)
            made = agreeing.accept(newest, name, version, text, signatory, member, step.now)
            organisations.accept(step.connection, made)
            step.record(Kind.AGREEMENT_ACCEPTED, version=version, agreement=made.digest)
            return made

    def acceptances(self, actor: str | Principal, version: int, after: str, limit: int) -> Sequence[Acceptance]:
        """Who has accepted a version, behind a name, by name: for the operator."""
        with self._gate.query("acceptances", actor) as step:
            if step.actor.office is not Role.OPERATOR:
                raise ForbiddenError("who has accepted is the operator's to know", "ask the operator")
            return organisations.acceptances_of(step.connection, version, after, limit)
