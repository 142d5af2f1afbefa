"""What a provider's worker does: it answers queries."""

from functools import partial

from compute.node.holding import open_holding
from compute.node.jobs.context import Handler, JobContext
from compute.node.provider.desk import open_desk
from compute.node.provider.kinds import ANSWER
from compute.node.settings import ProviderSettings
from compute.node.site import open_site
from compute.protocols.risk_score.provider import BLIND, LOOK_UP

STEP = "compute 计算"
"""An answer's one step: each row is looked up and then blinded."""
_PARTS = 1000


def work(settings: ProviderSettings) -> dict[str, Handler]:
    """Give the handlers of the worker."""
    return {ANSWER: partial(_answer, settings)}


def _answer(settings: ProviderSettings, context: JobContext) -> bytes:
    with open_site(settings, settings.patience) as site, open_holding(settings) as holding:
        _, dispatcher = open_desk(site, holding, partial(_report, context))
        return dispatcher.handle_bytes(context.parameters)


def _report(context: JobContext, step: str, done: int, total: int) -> None:
    """Tell both steps of an answer as one, so that the time left is the job's."""
    before = {LOOK_UP: 0, BLIND: _PARTS}[step]
    context.progress(STEP, before + _PARTS * done // max(total, 1), 2 * _PARTS)
