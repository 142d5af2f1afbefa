"""Asking a provider beforehand what an answer would cost and tell: it takes no Paillier key."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.protocols.base import AnswerError, Transport, ask
from compute.protocols.joint_statistics.messages import AskPrecheck, Precheck, StatisticsQuestion
from compute.protocols.signed import of_peer
from compute.signing import Pins, Signed, digest, sign


def ask_precheck(
    transport: Transport,
    bank: str,
    identity: Ed25519PrivateKey,
    pins: Pins,
    question: StatisticsQuestion,
    patience: float = 0,
) -> Precheck:
    """Give what the question's provider says of it; raise as :func:`compute.protocols.base.ask`."""
    message, provider = AskPrecheck(question=sign(question, bank, identity)), question.provider
    reply = ask(transport, provider, message, Signed[Precheck], patience)
    told = of_peer(reply, provider, "provider", pins)
    if told.question != digest(question):
        raise AnswerError(f"{provider} answered another question")
    return told
