"""Files that go with approvals within an organisation."""

import hashlib

from marketplace.attachments import kinds
from marketplace.commands.approvals import NOUN, Staffing
from marketplace.errors import ForbiddenError, missing
from marketplace.flow import attachment as attaching
from marketplace.flow.actor import Principal
from marketplace.flow.attachment import Attachment
from marketplace.flow.office import Approval
from marketplace.gate import Gate
from marketplace.store import approvals, attachments
from marketplace.transaction import Transaction


class Attachments:
    """The commands about attached files."""

    def __init__(self, gate: Gate, staffing: Staffing) -> None:
        self._gate, self._staffing = gate, staffing

    def add(self, actor: Principal, approval: str, name: str, content: bytes) -> Attachment:
        """Attach a file, which is kept as what its content is; what `name` says of that is not believed."""
        with self._gate.refusing("attach", actor):
            kind = kinds.recognise(content)  # before the write lock: it takes a while
        with self._gate.command("attach", actor, enrolled=False) as step:
            held = _own(step, approval)
            member, number = step.actor.member, attachments.count(step.connection, approval) + 1
            if member is None:
                raise ForbiddenError("files are attached by members, and this is a node or a machine", "log in")
            staff = self._staffing(step.connection, step.actor.name)
            attaching.check_may_attach(held, member, staff, number - 1, kinds.MAX_FILES)
            made = Attachment(
                approval=approval,
                number=number,
                name=attaching.safe_name(name, kind.suffix),
                media_type=kind.media_type,
                digest=hashlib.sha256(content).hexdigest(),
                size=len(content),
                member=member,
                at=step.now,
            )
            attachments.add(step.connection, made, content)
            return made

    def of(self, actor: str | Principal, approval: str) -> list[Attachment]:
        """The files of an approval, for its own organisation."""
        with self._gate.query("attachments", actor) as step:
            _own(step, approval)
            return attachments.of(step.connection, approval)

    def load(self, actor: str | Principal, approval: str, number: int) -> tuple[Attachment, bytes]:
        """One file with its content, for its own organisation."""
        with self._gate.query("attachment", actor) as step:
            _own(step, approval)
            found = attachments.load(step.connection, approval, number)
            if found is None:
                raise missing("attachment", f"{approval}/{number}")
            return found


def _own(step: Transaction, name: str) -> Approval:
    found = approvals.load(step.connection, name)
    if found is None or found.organisation != step.actor.name:
        raise missing(NOUN, name)
    return found
