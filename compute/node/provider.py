"""A provider node: key enrolment and the risk score behind one front door."""

from collections.abc import Callable

from audit.log import Log
from compute.node.dispatch import Dispatcher, Handlers
from compute.protocols.key_enrolment.messages import EnrolKey
from compute.protocols.risk_score.messages import Acknowledge, AskProviderTerms, Query, RegisterTables
from compute.protocols.risk_score.provider import Provider


def provider_node(role: Provider, log: Log, clock: Callable[[], int]) -> Dispatcher:
    """Give the front door of a provider."""
    handlers: Handlers = {
        EnrolKey: role.enrol,
        AskProviderTerms: role.terms,
        RegisterTables: role.register,
        Query: role.answer,
        Acknowledge: role.acknowledge,
    }
    return Dispatcher(role.domain.name, handlers, log, clock)
