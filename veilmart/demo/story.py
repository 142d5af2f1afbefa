"""The story that the demo walks, over the HTTP interfaces that real users have: from onboarding to a score.

Each person acts by their own key at their own party's node; the operator at the marketplace.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from catalog.description import load_product
from compute.canonical import DAY, HOUR, Message
from compute.client.marketplace import MarketplaceClient
from compute.node.console.client import NodeClient
from compute.node.console.messages import (
    ApplicationDraft,
    ConsentRegistration,
    JobView,
    KeyEnrolment,
    ModelRegistered,
    ModelRegistration,
    ModelSubmitted,
    Scored,
    Scoring,
)
from compute.node.jobs.states import State
from compute.node.site import clock
from compute.protocols.risk_score.scorecard import Scorecard
from compute.records import ConsentKind, contract_name
from compute.terms import Grant, Operation, Purpose, Terms
from compute.web.client import PeerClient
from veilmart.demo.data import APPLICANTS_FILE, PROVIDERS, SCORECARD_FILE, DemoError, existing
from veilmart.demo.entering import enter, publish_agreement
from veilmart.demo.listing import resources, review
from veilmart.demo.sites import BANK, MARKET, OPERATOR, REVIEWER, NodeSite, Sites

REFERENCE = "small-business-loans"
"""The bank's own name for its application."""

Watch = Callable[[str, int, int, int | None], None]
"""Hears of a step's name, the units done and in all, and the milliseconds left, if they are known."""

R = TypeVar("R", bound=Message)


@dataclass(frozen=True)
class Outcome:
    """What came of the story."""

    contract: str
    model: ModelRegistered
    scored: Scored
    estimated: float
    """Seconds that the scoring was expected to take, before it started."""
    seconds: float
    """Seconds from the analyst's request to the scores."""
    scores: bytes
    """The CSV as the analyst fetched it."""


def walk(sites: Sites, examples: Path, card: Scorecard, watch: Watch) -> Outcome:
    """Walk the whole story once; raises :class:`DemoError` where a job fails."""
    with staff(sites.nodes[BANK]) as analyst:
        contract, model = prepare(sites, analyst, examples, card, watch)
        return score(analyst, contract, model, watch)


def prepare(
    sites: Sites, analyst: NodeClient, examples: Path, card: Scorecard, watch: Watch
) -> tuple[str, ModelRegistered]:
    """Walk the story up to the scoring, and give the contract and the model to score under."""
    begin(sites, analyst, watch)
    return adopt(sites, analyst, existing(examples / SCORECARD_FILE).read_text("utf-8"), card, watch)


def begin(sites: Sites, analyst: NodeClient, watch: Watch) -> None:
    """Walk the story up to where contracts can be concluded."""
    onboard(sites, watch)
    enrol_key(analyst, watch)
    publish(sites, watch)


def adopt(
    sites: Sites, analyst: NodeClient, scorecard: str, card: Scorecard, watch: Watch
) -> tuple[str, ModelRegistered]:
    """Conclude the contract for a card's fields, and have it reviewed and registered; `scorecard` is its file."""
    terms = agree(sites, analyst, card, watch)
    consent(sites, analyst, terms, watch)
    asked = ModelRegistration(reference=card.name, contract=terms.contract, scorecard=scorecard)
    return terms.contract, model(sites, analyst, asked, watch)


@contextmanager
def staff(site: NodeSite, person: str | None = None) -> Iterator[NodeClient]:
    """Open the console of a node for a person who works there; without a name for the first."""
    name, pins = person or site.staff, {site.name: site.public_key}
    with PeerClient(site.url, name, site.key_of(name), site.name, pins, verify=site.authority) as peer:
        yield NodeClient(peer)


@contextmanager
def operator(sites: Sites) -> Iterator[MarketplaceClient]:
    """Open the marketplace for its operator."""
    market = sites.market
    with PeerClient(
        market.url, OPERATOR, sites.operator_key, MARKET, {MARKET: market.public_key}, verify=market.authority
    ) as peer:
        yield MarketplaceClient(peer)


def onboard(sites: Sites, watch: Watch) -> None:
    """Every organisation applies and accepts the entry agreement; the operator admits it and enrols its node."""
    with operator(sites) as desk:
        agreement = publish_agreement(desk)
        for number, site in enumerate(sites.nodes.values(), start=1):
            with staff(site) as person:
                application = person.identity()
            record = application.statement
            if (record.name, record.public_key) != (site.name, site.public_key):
                raise DemoError(f"{site.name} applies with another name or key than it was met with")
            enter(sites, desk, agreement, application)
            watch("onboard 入驻", number, len(sites.nodes), None)


def enrol_key(analyst: NodeClient, watch: Watch) -> None:
    """The bank proves to every provider that its Paillier modulus is well formed."""
    asked = KeyEnrolment(reference=REFERENCE, providers=tuple(sorted(PROVIDERS)))
    done(analyst, analyst.enrol_key(asked), "key enrolment 密钥登记", Message, watch)


def publish(sites: Sites, watch: Watch) -> None:
    """Every provider enters the resources behind its product and submits it; the operator reviews and lists it."""
    with operator(sites) as desk:
        for number, (provider, (description, _)) in enumerate(PROVIDERS.items(), start=1):
            site = sites.nodes[provider]
            with staff(site) as clerk:
                for entry in resources(load_product(site.folder / description), clock()):
                    clerk.enter_resource(entry)
                submitted = clerk.publish()
            review(desk, submitted)
            watch("publish 上架", number, len(PROVIDERS), None)


def agree(sites: Sites, analyst: NodeClient, card: Scorecard, watch: Watch) -> Terms:
    """The bank applies for the fields of its scorecard, the providers approve, everybody signs."""
    fields = {
        product: tuple(feature.bins.column for feature in features) for product, features in card.sources.items()
    }
    return conclude(sites, analyst, draft(REFERENCE, grants(sites, fields)), "contract 签约", watch)


def draft(
    reference: str,
    granted: tuple[Grant, ...],
    operation: Operation = "risk_score",
    purpose: Purpose = "credit_approval",
) -> ApplicationDraft:
    """Give an application of the bank for a month from now."""
    return ApplicationDraft(
        reference=reference,
        grants=granted,
        operation=operation,
        purpose=purpose,
        model_reviewer=REVIEWER,
        max_uses=100_000,
        not_before=clock() - HOUR,
        not_after=clock() + 30 * DAY,
        subject_types=("enterprise",),
    )


def grants(sites: Sites, fields: Mapping[str, tuple[str, ...]]) -> tuple[Grant, ...]:
    """Give the grants of these fields, product → names, of the versions on offer."""
    with operator(sites) as desk:
        offers = {offer.product: offer for offer in desk.products()}
    missing = sorted(fields.keys() - offers.keys())
    if missing:
        raise DemoError(f"nobody offers {', '.join(missing)}, which the scorecard names")
    return tuple(
        Grant(
            provider=offers[product].provider,
            product=product,
            product_version=offers[product].version,
            fields=names,
        )
        for product, names in sorted(fields.items(), key=lambda item: offers[item[0]].provider)
    )


def conclude(sites: Sites, analyst: NodeClient, drafted: ApplicationDraft, name: str, watch: Watch) -> Terms:
    """The bank applies, the providers approve, everybody signs, the bank shows its permits."""
    terms = analyst.apply(drafted).terms
    if terms.contract != contract_name(BANK, drafted.reference):
        raise DemoError("the marketplace took the application under another name")
    watch(name, 1, 4, None)
    clerks = [grant.provider for grant in drafted.grants]
    for provider in clerks:
        with staff(sites.nodes[provider]) as clerk:
            clerk.approve(terms)
    watch(name, 2, 4, None)
    analyst.sign(terms)
    for provider in clerks:
        with staff(sites.nodes[provider]) as clerk:
            clerk.sign(terms)
    watch(name, 3, 4, None)
    analyst.present(terms.contract)
    watch(name, 4, 4, None)
    return terms


def consent(sites: Sites, analyst: NodeClient, terms: Terms, watch: Watch) -> None:
    """The bank registers the consents that came with the loan applications.

    The loan records have no letters of authorisation, so the file of applications stands for the evidence.
    """
    evidence = hashlib.sha256((sites.nodes[BANK].folder / APPLICANTS_FILE).read_bytes()).digest()
    registration = ConsentRegistration(
        batch="applicants",
        kind=ConsentKind.ENTERPRISE_LETTER,
        evidence=evidence,
        expires=terms.not_after,
        subjects=None,
    )
    count = analyst.register_consents(terms.contract, registration)
    watch("consents 主体授权", count, count, None)


def model(sites: Sites, analyst: NodeClient, asked: ModelRegistration, watch: Watch) -> ModelRegistered:
    """The bank submits its scorecard, two examiners read and approve it, the bank registers it."""
    job = analyst.submit_model(asked)
    submitted = done(analyst, job, "submit 提交模型", ModelSubmitted, watch)
    site = sites.nodes[REVIEWER]
    for number, person in enumerate(site.people, start=1):
        with staff(site, person) as examiner:
            approve(examiner, submitted)
        watch("review 模型审查", number, len(site.people), None)
    job = analyst.register_model(submitted.model, submitted.model_version)
    return done(analyst, job, "register 模型登记", ModelRegistered, watch)


def approve(examiner: NodeClient, submitted: ModelSubmitted) -> None:
    """An examiner reads the case of a submission and approves it, unless it is approved already."""
    case = next(each.case for each in examiner.cases() if submitted.submission.startswith(each.case))
    if examiner.case(case).approval is None:
        examiner.approve_case(case)


def score(analyst: NodeClient, contract: str, model: ModelRegistered, watch: Watch) -> Outcome:
    """The bank scores all its applicants."""
    asked = Scoring(
        reference=REFERENCE,
        contract=contract,
        model=model.model,
        model_version=model.model_version,
        as_of=today(),
        subjects=None,
    )
    began = time.monotonic()
    job = analyst.score(asked)
    estimated = job.estimated_milliseconds / 1000
    scored = done(analyst, job, f"score 评分, about 预计 {estimated:.0f} s", Scored, watch)
    seconds = time.monotonic() - began
    return Outcome(contract, model, scored, estimated, seconds, analyst.scores(job.job))


def today() -> str:
    """Give the date in UTC, ISO 8601."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def done(analyst: NodeClient, job: JobView, name: str, expected: type[R], watch: Watch) -> R:
    """Give what a job gave, once it is done."""
    job = analyst.follow(job, lambda now: watch(name, now.done, now.total, now.milliseconds_left))
    if job.state != State.DONE:
        raise DemoError(f"{name}: {job.state}: {job.reason}; {job.remedy}")
    watch(name, 1, 1, None)
    result = analyst.result(job.job)
    if not isinstance(result, expected):
        raise DemoError(f"{name}: the node gave a {type(result).__name__}")
    return result
