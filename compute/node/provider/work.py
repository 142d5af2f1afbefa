"""What a provider's worker does: it answers queries, and once makes the ring-Pedersen parameters."""

from collections.abc import Sequence
from functools import partial

from compute.node.computing import open_runner
from compute.node.holding import open_holding
from compute.node.jobs.context import Handler, JobContext
from compute.node.provider.desk import open_desk
from compute.node.provider.kinds import ALIGNMENT, ANSWER, BANDS, LABELS, RING_PEDERSEN, STATISTICS
from compute.node.provider.parts import forget_parts, open_parts
from compute.node.provider.pools import PoolStore
from compute.node.provider.ring_pedersen import RingPedersenStore
from compute.node.settings import ProviderSettings
from compute.node.site import open_site
from compute.protocols.joint_statistics.provider import Means as StatisticsMeans
from compute.protocols.risk_score.provider import BLIND, LOOK_UP, TEST, Means

STEP = "compute 计算"
"""An answer's one step: each row is looked up, tested for bands if the model has some, and then blinded."""
STEPS = {ANSWER: (LOOK_UP, BLIND), BANDS: (LOOK_UP, TEST, BLIND)}
MAKE = "make parameters 生成参数"
"""The one step of the parameters, in primes and proofs."""
_PARTS = 1000


def work(settings: ProviderSettings) -> dict[str, Handler]:
    """Give the handlers of the worker."""
    answers = {kind: partial(_answer, settings, steps) for kind, steps in STEPS.items()}
    statistics = dict.fromkeys((LABELS, ALIGNMENT, STATISTICS), partial(_statistics, settings))
    return {**answers, **statistics, RING_PEDERSEN: partial(_make_parameters, settings)}


def _answer(settings: ProviderSettings, steps: Sequence[str], context: JobContext) -> bytes:
    computing, query = settings.computing, context.parameters
    with (
        open_site(settings, settings.patience) as site,
        open_holding(settings, site.key) as holding,
        open_runner(computing) as runner,
    ):
        pool = partial(PoolStore(computing, site.key).find_or_make, runner=runner)
        means = Means(runner, pool, open_parts(computing, query, site.key), partial(_report, context, steps))
        reply = open_desk(site, holding, means).dispatcher.handle_bytes(query)
        forget_parts(computing, query, site.at_rest)
    return reply


def _make_parameters(settings: ProviderSettings, context: JobContext) -> bytes:
    with open_site(settings, settings.patience) as site, open_holding(settings, site.key) as holding:
        RingPedersenStore(site.engine, settings.name).find_or_make(partial(context.progress, MAKE))
        return open_desk(site, holding, Means()).dispatcher.handle_bytes(context.parameters)


def _statistics(settings: ProviderSettings, context: JobContext) -> bytes:
    with (
        open_site(settings, settings.patience) as site,
        open_holding(settings, site.key) as holding,
        open_runner(settings.computing) as runner,
    ):
        of_statistics = StatisticsMeans(runner, context.progress)
        return open_desk(site, holding, Means(), of_statistics).dispatcher.handle_bytes(context.parameters)


def _report(context: JobContext, steps: Sequence[str], step: str, done: int, total: int) -> None:
    """Tell the steps of an answer as one, so that the time left is the job's."""
    before = steps.index(step) * _PARTS
    context.progress(STEP, before + _PARTS * done // max(total, 1), len(steps) * _PARTS)
