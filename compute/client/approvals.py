"""An organisation's own steps before it acts, as one of its members sees them."""

from collections.abc import Sequence

from compute.client.base import Noun, read
from compute.market.applications import Decision
from compute.market.approvals import (
    ApprovalOpinion,
    ApprovalPage,
    ApprovalRecord,
    ApprovalRemark,
    ApprovalRuleList,
    ApprovalRuleRecord,
    ApprovalRuleRequest,
    ApprovalStep,
    AttachmentList,
    AttachmentRecord,
    DeadlineList,
    DeputyList,
    DeputyRecord,
    DeputyRequest,
)
from compute.market.contracts import ContractRecord


class Approvals(Noun):
    """The routes about approvals, their rules, deputies and deadlines."""

    def page(self, cursor: str | None = None, limit: int = 20, state: str | None = None) -> ApprovalPage:
        """Give the organisation's approvals, the newest first."""
        return self._get("/approvals", ApprovalPage, cursor=cursor, limit=limit, state=state)

    def load(self, approval: str) -> ApprovalRecord:
        """Give an approval with its history."""
        return self._get(f"/approvals/{approval}", ApprovalRecord)

    def pass_step(
        self, approval: str, opinion: str | None = None, on_behalf_of: str | None = None
    ) -> ApprovalRecord:
        """Pass the step it waits at; with the last one the command is carried out, or its refusal raised."""
        said = ApprovalOpinion(opinion=opinion, on_behalf_of=on_behalf_of)
        return self._post(f"/approvals/{approval}/pass", ApprovalRecord, said)

    def return_for_correction(
        self, approval: str, opinion: str, on_behalf_of: str | None = None
    ) -> ApprovalRecord:
        """Return it to its initiator, saying why."""
        said = ApprovalOpinion(opinion=opinion, on_behalf_of=on_behalf_of)
        return self._post(f"/approvals/{approval}/return", ApprovalRecord, said)

    def reject(self, approval: str, opinion: str, on_behalf_of: str | None = None) -> ApprovalRecord:
        """Reject it, saying why: the organisation does not act."""
        said = ApprovalOpinion(opinion=opinion, on_behalf_of=on_behalf_of)
        return self._post(f"/approvals/{approval}/reject", ApprovalRecord, said)

    def withdraw(self, approval: str, opinion: str | None = None) -> ApprovalRecord:
        """Take it back, as its initiator."""
        return self._post(f"/approvals/{approval}/withdraw", ApprovalRecord, ApprovalRemark(opinion=opinion))

    def resubmit(self, approval: str, opinion: str | None = None) -> ApprovalRecord:
        """Submit a returned one again, as its initiator; to change the command, give it again."""
        return self._post(f"/approvals/{approval}/resubmit", ApprovalRecord, ApprovalRemark(opinion=opinion))

    def ready(self, contract: str, terms: str) -> ContractRecord:
        """Agree that one's node signs the contract with terms of this SHA-256, in hex."""
        return self._post(f"/contracts/{contract}/ready", ContractRecord, Decision(terms=terms))

    # --- what is attached -------------------------------------------------------------------------------------

    def attachments(self, approval: str) -> Sequence[AttachmentRecord]:
        """Give what is attached."""
        return self._get(f"/approvals/{approval}/attachments", AttachmentList).items

    def attach(self, approval: str, name: str, content: bytes) -> AttachmentRecord:
        """Attach a PDF, PNG, JPEG, DOCX or XLSX file of at most 5 MiB."""
        answer = self._peer.request(
            "POST",
            f"/approvals/{approval}/attachments",
            expected=bytes,
            query={"name": name},
            content=content,
            content_type="application/octet-stream",
        )
        return read(answer, AttachmentRecord)

    def attachment(self, approval: str, number: int) -> bytes:
        """Give a file's content."""
        return self._bytes(f"/approvals/{approval}/attachments/{number}")

    # --- how the office is set up -----------------------------------------------------------------------------

    def rules(self) -> Sequence[ApprovalRuleRecord]:
        """Give the matters that the organisation has steps for."""
        return self._get("/approval-rules", ApprovalRuleList).items

    def rule(self, matter: str) -> ApprovalRuleRecord:
        """Give the steps for a matter; a rule without steps where there are none."""
        return self._get(f"/approval-rules/{matter}", ApprovalRuleRecord)

    def put_rule(
        self, matter: str, steps: Sequence[ApprovalStep], revision: str, *, node: bool = False
    ) -> ApprovalRuleRecord:
        """Set the steps for a matter in place of those of this revision, as an administrator."""
        asked = ApprovalRuleRequest(steps=tuple(steps), node=node)
        return self._put(f"/approval-rules/{matter}", ApprovalRuleRecord, asked, revision)

    def deputies(self) -> Sequence[DeputyRecord]:
        """Give who acts for whom."""
        return self._get("/deputies", DeputyList).items

    def name_deputy(self, deputy: str, not_before: int, not_after: int) -> DeputyRecord:
        """Have a colleague act for oneself for a time: UTC, milliseconds."""
        asked = DeputyRequest(deputy=deputy, not_before=not_before, not_after=not_after)
        return self._post("/deputies", DeputyRecord, asked)

    def end_deputy(self, deputy: str) -> DeputyRecord:
        """End a deputation before its time."""
        return self._post(f"/deputies/{deputy}/end", DeputyRecord)

    def deadlines(self) -> DeadlineList:
        """Give what the organisation has to do, the first due first."""
        return self._get("/deadlines", DeadlineList)
