"""What a provider's worker does: it answers queries."""

from functools import partial

from compute.node.computing import open_runner
from compute.node.holding import open_holding
from compute.node.jobs.context import Handler, JobContext
from compute.node.provider.desk import open_desk
from compute.node.provider.kinds import ANSWER
from compute.node.provider.parts import forget_parts, open_parts
from compute.node.provider.pools import PoolStore
from compute.node.settings import ProviderSettings
from compute.node.site import open_site
from compute.protocols.risk_score.provider import BLIND, LOOK_UP, Means

STEP = "compute 计算"
"""An answer's one step: each row is looked up and then blinded."""
_PARTS = 1000


def work(settings: ProviderSettings) -> dict[str, Handler]:
    """Give the handlers of the worker."""
    return {ANSWER: partial(_answer, settings)}


def _answer(settings: ProviderSettings, context: JobContext) -> bytes:
    computing, query = settings.computing, context.parameters
    with (
        open_site(settings, settings.patience) as site,
        open_holding(settings, site.key) as holding,
        open_runner(computing) as runner,
    ):
        pool = partial(PoolStore(computing, site.key).find_or_make, runner=runner)
        means = Means(runner, pool, open_parts(computing, query, site.key), partial(_report, context))
        _, dispatcher = open_desk(site, holding, means)
        reply = dispatcher.handle_bytes(query)
        forget_parts(computing, query, site.at_rest)
    return reply


def _report(context: JobContext, step: str, done: int, total: int) -> None:
    """Tell both steps of an answer as one, so that the time left is the job's."""
    before = {LOOK_UP: 0, BLIND: _PARTS}[step]
    context.progress(STEP, before + _PARTS * done // max(total, 1), 2 * _PARTS)
