"""Joint statistics, as analysts ask for them: what they would cost, the job, the tables."""

from pathlib import Path

from apiflask import APIBlueprint
from flask import Response, send_file

from compute.canonical import encode
from compute.node.bank.agreed import agreed_terms
from compute.node.bank.kinds import STATISTICS
from compute.node.bank.label_sets import LabelSetStore
from compute.node.console.jobs import finished, view
from compute.node.console.labels import require_statistics
from compute.node.console.messages import JobView
from compute.node.console.statistics_messages import (
    Prechecks,
    ProviderPrecheck,
    StatisticsDone,
    StatisticsRequest,
    StatisticsResult,
)
from compute.node.console.statistics_order import StatisticsOrder, order_of
from compute.node.jobs.store import JobStore
from compute.node.settings import BankSettings
from compute.node.site import Site
from compute.node.transport import PeerTransport
from compute.protocols.base import RefusedByPeerError
from compute.protocols.joint_statistics.messages import StatisticsQuestion
from compute.protocols.joint_statistics.precheck import ask_precheck
from compute.web.body import answers, gives, message, takes
from compute.web.errors import PeerUnreachableError


def routes(site: Site[BankSettings], jobs: JobStore, transport: PeerTransport) -> APIBlueprint:
    """Give the routes over a bank's statistics."""
    made = APIBlueprint("statistics", __name__)
    name, market, sets = site.settings.name, site.market, LabelSetStore(site.engine, site.at_rest)

    def order(asked: StatisticsRequest) -> StatisticsOrder:
        terms = agreed_terms(site, asked.contract)
        providers = [part.provider for part in asked.parts]
        require_statistics(terms, providers)
        grants = [grant for grant in terms.grants if grant.provider in providers]
        products = [market.product(each.provider, each.product, each.product_version) for each in grants]
        return order_of(name, asked, products, sets.find(asked.contract, asked.labels))

    @made.post("/statistics")
    @takes(message(StatisticsRequest))
    @gives(JobView, 202)
    def ask(asked: StatisticsRequest) -> JobView:
        """Ask all providers at once; the tables come into the bank's own folder."""
        settled = order(asked)
        return view(jobs.submit(name, STATISTICS, encode(settled), asked.reference, settled.size))

    @made.post("/statistics/precheck")
    @takes(message(StatisticsRequest))
    @gives(Prechecks)
    def precheck(asked: StatisticsRequest) -> Prechecks:
        """What a request would cost and tell at each provider; nothing is computed, charged or counted."""
        settled = order(asked)
        return Prechecks(
            providers=tuple(map(_asked, settled.questions)),
            estimated_milliseconds=round(1000 * jobs.estimate(STATISTICS, settled.size).seconds),
        )

    def _asked(question: StatisticsQuestion) -> ProviderPrecheck:
        try:
            told = ask_precheck(transport, name, site.key, site.directory, question)
        except RefusedByPeerError as error:
            refused = error.refused
            return _refused(question, refused.reason, refused.remedy)
        except PeerUnreachableError as error:
            return _refused(question, f"{error}", "see that it runs, then ask again")
        return ProviderPrecheck(provider=question.provider, precheck=told, reason=None, remedy=None)

    def _refused(question: StatisticsQuestion, reason: str, remedy: str) -> ProviderPrecheck:
        return ProviderPrecheck(provider=question.provider, precheck=None, reason=reason, remedy=remedy)

    @made.get("/statistics/<job>/statistics.json")
    @answers({200: StatisticsResult})
    def statistics(job: str) -> Response:
        """The tables of statistics that are done."""
        (path, *_) = finished(jobs, job, StatisticsDone).files
        return send_file(Path(path), mimetype="application/json")

    return made
