"""Opens what of the log is shown to witnesses, with the policy that everybody who relies on the log holds too."""

from base64 import b64encode
from dataclasses import replace
from pathlib import Path

from audit.errors import LogError
from audit.log import Log
from audit.note import VerifierKey
from audit.policy import Operator, Policy
from audit.storage.publication import Publication
from audit.storage.watermark import Watermark
from compute.membership import load_policy
from compute.settings import SettingsError
from marketplace.gate import Setting
from marketplace.settings import Settings


def open_publication(settings: Settings, setting: Setting, log: Log) -> Publication:
    """Give the publication of the log.

    Raises `SettingsError` for a policy that cannot be used or is of another log, and for a database that does not
    reach the watermark: it signs nothing then.
    """
    policy = _own_policy(settings.policy, setting)
    try:
        return Publication(log, policy, Watermark(settings.watermark, policy.log), setting.clock)
    except LogError as error:
        raise SettingsError(str(error)) from error


def _own_policy(path: Path, setting: Setting) -> Policy:
    """Give the policy; its log has to be the marketplace's own, under the key that it signs with."""
    policy, signer = load_policy(path), setting.signer
    own = replace(
        policy,
        party=setting.market,
        log=VerifierKey.of(signer.origin, signer.key),
        operator=policy.operator and Operator(setting.operator, setting.operator_key),
    )
    for name, found, expected in (
        ("log.party", policy.party, own.party),
        ("log.key", policy.log.encode(), own.log.encode()),
        ("operator", _told(policy.operator), _told(own.operator)),
    ):
        if found != expected:
            raise SettingsError(
                f"{path}: {name} is not this marketplace's; put {expected} there, and tell the others"
            )
    return policy


def _told(operator: Operator | None) -> str:
    return "" if operator is None else f"{operator.name}, {b64encode(operator.public_key).decode()}"
