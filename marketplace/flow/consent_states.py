"""The states of a request for consent and of a dispute, and who may move them."""

from enum import StrEnum

from marketplace.flow.states import Machine, Move, Role


class ConsentRequestState(StrEnum):
    """A request waits for its subject, was decided, was taken back, or nobody decided in time."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class DisputeState(StrEnum):
    """A dispute waits for its respondent, was answered, was corrected at the source, or is over."""

    OPENED = "opened"
    ANSWERED = "answered"
    CORRECTED = "corrected"
    CLOSED = "closed"


_SUBJECT = frozenset({Role.SUBJECT})
_CONSUMER = frozenset({Role.CONSUMER})
_PROVIDER = frozenset({Role.PROVIDER})
_RESPONDENT = _CONSUMER | _PROVIDER
_MARKET = frozenset({Role.MARKET})

CONSENT_REQUEST = Machine(
    "consent request",
    {
        (ConsentRequestState.OPEN, Move.GRANT): (ConsentRequestState.GRANTED, _SUBJECT),
        (ConsentRequestState.OPEN, Move.REFUSE): (ConsentRequestState.REFUSED, _SUBJECT),
        (ConsentRequestState.OPEN, Move.CANCEL): (ConsentRequestState.CANCELLED, _CONSUMER),
        (ConsentRequestState.OPEN, Move.EXPIRE): (ConsentRequestState.EXPIRED, _MARKET),
    },
)

DISPUTE = Machine(
    "dispute",
    {
        (DisputeState.OPENED, Move.ANSWER): (DisputeState.ANSWERED, _RESPONDENT),
        # Only a provider has data of the subject to correct; it may do so before or after it explains.
        (DisputeState.OPENED, Move.CORRECT): (DisputeState.CORRECTED, _PROVIDER),
        (DisputeState.ANSWERED, Move.CORRECT): (DisputeState.CORRECTED, _PROVIDER),
        # The subject is content, or not; after a month of silence it is over.
        (DisputeState.ANSWERED, Move.REOPEN): (DisputeState.OPENED, _SUBJECT),
        (DisputeState.CORRECTED, Move.REOPEN): (DisputeState.OPENED, _SUBJECT),
        (DisputeState.OPENED, Move.CLOSE): (DisputeState.CLOSED, _SUBJECT),
        (DisputeState.ANSWERED, Move.CLOSE): (DisputeState.CLOSED, _SUBJECT | _MARKET),
        (DisputeState.CORRECTED, Move.CLOSE): (DisputeState.CLOSED, _SUBJECT | _MARKET),
    },
)
