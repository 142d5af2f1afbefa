"""Disputes 异议: what a subject objects to, who has to answer until when, and how it ends.

The clock is that of credit information: checked, corrected and answered in writing within 20 days of receipt
(征信业管理条例, article 25). Who answers for data is the department that holds them; for a consent, a use or a
decision it is the bank, which explains it and has a human being review it (PIPL 24).
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from compute.canonical import DAY
from compute.records import DisputeMatter
from compute.terms import Terms
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, missing
from marketplace.flow.actor import Actor
from marketplace.flow.consent_states import DISPUTE, DisputeState
from marketplace.flow.states import Move, Role, advance

ANSWER_DAYS = 20
"""征信业管理条例 (State Council Decree 631), article 25."""
SILENCE_DAYS = 30
"""After so many days without a word of the subject's an answered dispute is closed."""
MOST_OPEN = 20
"""Disputes of one subject that are open at once."""


@dataclass(frozen=True)
class Dispute:
    """A dispute as the marketplace keeps it; what people wrote lies beside it, and in no log."""

    number: str
    """The receipt number: a verification code, which nobody guesses."""
    contract: str
    respondent: str
    matter: DisputeMatter
    tag: bytes
    commitment: bytes
    """By which the respondent finds the subject, with the salts that it shares."""
    at: int
    due: int
    """Until when an answer is due; once there is one, when silence closes it."""
    state: DisputeState
    snapshot_date: str | None = None
    """Of the data as they were corrected at the source."""


def open_dispute(
    terms: Terms,
    matter: DisputeMatter,
    respondent: str | None,
    subject: tuple[bytes, bytes],
    number: str,
    now: int,
) -> Dispute:
    """Give a new dispute of a subject, `(tag, commitment)`, under a contract.

    `respondent` is the provider whose data are wrong, and None where the bank answers. Raises `InvalidError` for
    another.
    """
    providers = terms.parties[1:]
    if matter is DisputeMatter.DATA:
        if respondent not in providers:
            raise InvalidError(
                "name the department whose data are wrong",
                "choose one of the contract's",
                fields={"respondent": f"One of {', '.join(providers)}."},
            )
        answers = respondent
    else:
        answers = terms.consumer
    tag, commitment = subject
    return Dispute(
        number, terms.contract, answers, matter, tag, commitment, now, now + ANSWER_DAYS * DAY, DisputeState.OPENED
    )


def role_of(dispute: Dispute, actor: Actor) -> Role:
    """Give the actor's role: the respondent's, or its office; raise `NotFoundError` for everybody else."""
    if actor.name == dispute.respondent:
        return Role.PROVIDER if dispute.matter is DisputeMatter.DATA else Role.CONSUMER
    if actor.office in {Role.OPERATOR, Role.MARKET}:
        return actor.office
    raise missing("dispute", dispute.number)


def answer(dispute: Dispute, actor: Actor, now: int) -> Dispute:
    """Give the dispute answered, by its respondent; raises as `role_of` and `advance` do."""
    state = advance(DISPUTE, dispute.number, dispute.state, Move.ANSWER, role_of(dispute, actor))
    return replace(dispute, state=state, due=now + SILENCE_DAYS * DAY)


def correct(dispute: Dispute, actor: Actor, snapshot_date: str, now: int) -> Dispute:
    """Give the dispute corrected at the source, by the provider, in the table of a day since it was opened.

    Raises as `role_of` and `advance` do, and `InvalidError` for another day.
    """
    role = role_of(dispute, actor)
    if dispute.matter is not DisputeMatter.DATA:
        raise ForbiddenError("only a dispute about data is corrected at the source", "answer it")
    state = advance(DISPUTE, dispute.number, dispute.state, Move.CORRECT, role)
    day = _day(snapshot_date)
    # A day on either side for the time zones.
    if not _day_of(dispute.at - DAY) <= day <= _day_of(now + DAY):
        raise InvalidError(
            f"the corrected table is of {snapshot_date}, not of a day since the dispute was opened",
            "name the day of the table that has the correction",
            fields={"snapshot_date": f"From {_day_of(dispute.at)} to {_day_of(now)}."},
        )
    return replace(dispute, state=state, snapshot_date=snapshot_date, due=now + SILENCE_DAYS * DAY)


def reopen(dispute: Dispute, now: int) -> Dispute:
    """Give the dispute open again, with a new clock, because the subject is not content; raises as `advance`."""
    state = advance(DISPUTE, dispute.number, dispute.state, Move.REOPEN, Role.SUBJECT)
    return replace(dispute, state=state, due=now + ANSWER_DAYS * DAY)


def close(dispute: Dispute, role: Role) -> Dispute:
    """Give the dispute closed, by the subject, or by the market after silence; raises as `advance` does."""
    return replace(dispute, state=advance(DISPUTE, dispute.number, dispute.state, Move.CLOSE, role))


def require_room(count: int) -> None:
    """Return unless a subject has too many disputes open; raise `ConflictError`."""
    if count >= MOST_OPEN:
        raise ConflictError(f"{count} of your disputes are open", "wait for an answer, or close one")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidError(
            f"{text} is no day", "write it as YYYY-MM-DD", fields={"snapshot_date": "No such day."}
        ) from error


def _day_of(time: int) -> date:
    return datetime.fromtimestamp(time / 1000, UTC).date()
