"""A provider takes the reviewer's word that an approval stands no more; pure."""

from compute.protocols.base import RefusalError
from compute.protocols.risk_score.checks import Domain
from compute.protocols.risk_score.messages import Withdrawal, WithdrawModel
from compute.signing import SignatureError, verify


def check_withdrawal(domain: Domain, message: WithdrawModel) -> Withdrawal:
    """Give the withdrawal, or raise :class:`RefusalError` with the number of the check.

    It may come before the tables that it is about, and then keeps them out; sent again it changes nothing.

    1. It is signed by the pinned reviewer of this provider.
    2. It names that reviewer as the one who withdraws.
    """
    try:
        withdrawal = verify(message.withdrawal, domain.reviewer, "model_reviewer", domain.pins)  # 1
    except SignatureError as error:
        raise RefusalError(1, str(error), "let the reviewer of this provider withdraw it") from error
    if withdrawal.reviewer != domain.reviewer:  # 2
        raise RefusalError(2, f"{withdrawal.reviewer} withdraws it, not {domain.reviewer}", "sign your own")
    return withdrawal
