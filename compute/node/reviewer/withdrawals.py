"""Telling providers of withdrawn approvals, again and again until each has taken it in."""

import logging

from compute.node.reviewer.cases import CaseStore
from compute.protocols.base import Accepted, ProtocolError, Transport, ask
from compute.protocols.risk_score.messages import WithdrawModel
from compute.web.errors import WebError

logger = logging.getLogger(__name__)


def deliver(cases: CaseStore, transport: Transport) -> None:
    """Send every withdrawal that a provider has not taken yet, once; what fails waits for the next time."""
    for delivery in cases.deliveries():
        withdrawal = cases.get(delivery.case).withdrawal
        if withdrawal is None:
            raise LookupError(f"case {delivery.case} is withdrawn without a withdrawal; restore the database")
        try:
            accepted = ask(transport, delivery.provider, WithdrawModel(withdrawal=withdrawal), Accepted)
        except (ProtocolError, WebError) as error:
            logger.warning("the withdrawal of case %s waits: %s", delivery.case, error)
        else:
            cases.note_delivered(delivery, accepted.at)
            logger.info("%s took the withdrawal of case %s", delivery.provider, delivery.case)
