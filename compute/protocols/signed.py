"""Signed statements between the parties of a protocol: whose they are is looked at before all else."""

from compute.protocols.base import AnswerError, RefusalError
from compute.signing import Pins, Role, S, SignatureError, Signed, verify


def of_bank(signed: Signed[S], bank: str, pins: Pins) -> S:
    """Give a bank's statement, or refuse by check 1: it is signed by the bank's pinned identity."""
    try:
        return verify(signed, bank, "consumer", pins)
    except SignatureError as error:
        raise RefusalError(1, str(error), "sign with the key given at onboarding") from error


def of_peer(signed: Signed[S], party: str, role: Role, pins: Pins) -> S:
    """Give what a party replied; raise `AnswerError` unless its pinned identity signed it."""
    try:
        return verify(signed, party, role, pins)
    except SignatureError as error:
        raise AnswerError(f"the reply of {party} cannot be trusted: {error}") from error
