"""A provider node: key enrolment and the risk score behind one front door."""

from collections.abc import Callable

from audit.log import Log
from compute.canonical import Message
from compute.node.dispatch import Dispatcher, Handlers
from compute.protocols.key_enrolment.messages import EnrolKey
from compute.protocols.key_enrolment.provider import enrol
from compute.protocols.risk_score.messages import Acknowledge, AskProviderTerms, Query, RegisterTables
from compute.protocols.risk_score.provider import Provider


def provider_node(role: Provider, log: Log, clock: Callable[[], int]) -> Dispatcher:
    """Give the front door of a provider."""

    def enrol_key(message: EnrolKey) -> Message:
        return role.enrol(*enrol(message, role.setting.pins))

    handlers: Handlers = {
        EnrolKey: enrol_key,
        AskProviderTerms: role.terms,
        RegisterTables: role.register,
        Query: role.answer,
        Acknowledge: role.acknowledge,
    }
    return Dispatcher(role.setting.name, handlers, log, clock)
