"""A reviewer's cases: its examiners list them, read an opened model, approve, refuse, withdraw."""

import flask
from apiflask import APIBlueprint

from compute.node.console.review_messages import (
    MAX_CASES,
    CaseRefusal,
    Cases,
    CaseSummary,
    CaseView,
    CaseWithdrawal,
    WithdrawalDelivery,
)
from compute.node.reviewer.cases import CaseStore
from compute.node.reviewer.telling import tell
from compute.node.settings import ReviewerSettings
from compute.node.site import Site, clock
from compute.protocols.risk_score.case import Case, aged
from compute.protocols.risk_score.desk import ModelDesk
from compute.protocols.risk_score.leakage import leaked_bits
from compute.signing import digest
from compute.web.body import gives, message, takes


def routes(site: Site[ReviewerSettings], desk: ModelDesk, cases: CaseStore) -> APIBlueprint:
    """Give the routes over a reviewer's cases; who asks is the member of the staff that signed."""
    made = APIBlueprint("reviewing", __name__)

    def summary(case: Case) -> CaseSummary:
        case = aged(case, clock())
        return CaseSummary(
            case=case.case,
            bank=case.bank,
            model=case.model,
            model_version=case.model_version,
            purpose=case.draft.purpose,
            state=case.state,
            opened_at=case.opened_at,
            lapses_at=case.lapses_at,
            approvers=case.approvers,
            needed=desk.office.examiners_needed,
            expires=None if case.approval is None else case.approval.statement.expires,
        )

    def decided(case: Case) -> CaseSummary:
        """Record what was decided, and give it."""
        tell(site.settings.name, cases, site.journal)
        return summary(case)

    @made.get("/reviews")
    @gives(Cases)
    def reviews() -> Cases:
        """The models under review and those that were decided; nothing of their points."""
        return Cases(cases=tuple(map(summary, cases.latest(MAX_CASES))))

    @made.get("/reviews/<case>")
    @gives(CaseView)
    def review(case: str) -> CaseView:
        """One case; while it is undecided with the opened model, and that you read it is written down."""
        examiner = flask.g.party
        found, file = desk.read(case, examiner)
        approval = None if found.approval is None else found.approval.statement
        rests_on = None if approval is None else approval.rests_on
        return CaseView(
            summary=summary(found),
            submission=found.submission.hex(),
            points_id=found.draft.points_id,
            bits=leaked_bits(found.draft.outcomes),
            assessment=found.assessment,
            features=found.marks,
            file=file,
            differences=tuple(desk.compare(found, file, examiner)),
            steps=found.steps,
            readings=found.readings,
            approval=None if approval is None else digest(approval).hex(),
            rests_on=None if rests_on is None else rests_on.hex(),
            deliveries=tuple(
                WithdrawalDelivery(provider=each.provider, accepted_at=each.accepted_at)
                for each in cases.deliveries(case)
            ),
        )

    @made.post("/reviews/<case>/approve")
    @gives(CaseSummary)
    def approve(case: str) -> CaseSummary:
        """Approve a model that you have read; the approval is signed once enough examiners have."""
        return decided(desk.approve(case, flask.g.party))

    @made.post("/reviews/<case>/refuse")
    @takes(message(CaseRefusal))
    @gives(CaseSummary)
    def refuse(asked: CaseRefusal, case: str) -> CaseSummary:
        """Refuse a model for good; the bank is told the reason, the log its code only."""
        return decided(desk.refuse(case, flask.g.party, asked.code, asked.reason))

    @made.post("/reviews/<case>/withdraw")
    @takes(message(CaseWithdrawal))
    @gives(CaseSummary)
    def withdraw(asked: CaseWithdrawal, case: str) -> CaseSummary:
        """Take an approval back for good; the providers are told until each has heard."""
        return decided(desk.withdraw(case, flask.g.party, asked.reason))

    return made
