"""A version's life: drafted, submitted past the gate, reviewed twice, listed, stopped; its resources."""

import msgspec
import pytest
from derived import derived
from market import (
    BANK,
    DAY,
    DESCRIPTIONS,
    LABOUR,
    NOW,
    REGISTRATION,
    RESOURCES,
    STOP,
    SUPERVISOR,
    TAX,
    VERSIONS,
    Market,
    passing,
)

from compute.market.products import (
    Conclusion,
    Outcome,
    ProductStop,
    Review,
    ReviewDecision,
    ReviewReason,
    RiskAssessment,
    StopReason,
    Submission,
)
from marketplace.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    StaleError,
    WrongStateError,
)
from marketplace.flow.product import Listing
from marketplace.flow.resource import Registration
from marketplace.flow.states import ProductState, ResourceState
from marketplace.store.notice_tables import notices

KEY = VERSIONS[TAX]
FULL = DESCRIPTIONS[TAX]
BARE = FULL.replace(b'theme = "legal_entity"\n', b"").replace(b'price = { plan = "free" }\n', b"")
IMPORTANT = FULL.replace(b'grade = "general_2"\ntheme', b'grade = "important"\ntheme').replace(
    b'["encrypted", "aggregate"]', b'["encrypted"]'
)
ASSESSMENT = RiskAssessment(reference="HN-2026-7", day="2026-10-01", conclusion=Conclusion.ACCEPTABLE)
YEAR = 365 * DAY


@pytest.fixture
def ready(empty: Market) -> Market:
    """All parties are enrolled, the departments have entered their resources, nothing is listed."""
    empty.enrol()
    for provider, code in RESOURCES.items():
        empty.exchange.resources.enter(provider, code, REGISTRATION, ResourceState.REGISTERED)
    return empty


def submitted(market: Market, description: bytes = FULL) -> Listing:
    return market.exchange.products.publish(TAX, description)


def decision(listing: Listing, outcome: Outcome, review: Review = Review.COMPLIANCE) -> ReviewDecision:
    reason = None if outcome is Outcome.PASSED else ReviewReason.GRADING
    remark = None if outcome is Outcome.PASSED else "naics 的级别偏低"
    return ReviewDecision(review=review, outcome=outcome, digest=listing.digest, reason=reason, remark=remark)


def gaps(market: Market, description: bytes) -> dict[str, str]:
    with pytest.raises(InvalidError) as refused:
        submitted(market, description)
    return refused.value.fields


def told(market: Market) -> list[tuple[str, str, dict[str, object]]]:
    """The notices: to whom, of what, with which data."""
    with market.exchange.log.snapshot() as connection:
        rows = connection.execute(notices.select().order_by(notices.c.id)).mappings().all()
    return [(row["organisation"], row["topic"], msgspec.json.decode(row["data"])) for row in rows]


# --- drafts ---------------------------------------------------------------------------------------------------


def test_a_draft_is_its_provider_s_and_is_edited_by_who_has_read_it(ready: Market) -> None:
    products = ready.exchange.products
    draft = products.draft(TAX, BARE)
    assert draft.state is ProductState.DRAFT
    for actor in (LABOUR, BANK):
        with pytest.raises(NotFoundError):
            products.record(actor, KEY)
    with pytest.raises(NotFoundError):
        products.version(KEY)
    edited = products.edit(TAX, KEY, FULL, draft.digest)
    assert (edited.state, edited.description.encode()) == (ProductState.DRAFT, FULL)
    with pytest.raises(StaleError, match="changed meanwhile"):
        products.edit(TAX, KEY, BARE, draft.digest)
    with pytest.raises(InvalidError, match="another version as a draft of its own"):
        products.edit(TAX, KEY, FULL.replace(b'"1.0.0"', b'"1.0.1"'), edited.digest)
    with pytest.raises(ForbiddenError, match="describe your own"):
        products.edit("operator", KEY, FULL, edited.digest)
    with pytest.raises(ConflictError, match="described already"):
        products.draft(TAX, FULL)
    assert ready.listed() == []
    assert [each.key for each in products.page(TAX, None, ("", "", ""), 10)] == [KEY]
    assert list(products.page(LABOUR, None, ("", "", ""), 10)) == []


def test_a_draft_is_discarded_and_nothing_else(ready: Market) -> None:
    products = ready.exchange.products
    products.draft(TAX, FULL)
    with pytest.raises(NotFoundError):
        products.discard(LABOUR, KEY)
    with pytest.raises(ForbiddenError):
        products.discard("operator", KEY)
    products.discard(TAX, KEY)
    listing = submitted(ready)
    with pytest.raises(WrongStateError):
        products.discard(TAX, KEY)
    products.review("operator", KEY, decision(listing, Outcome.RETURNED))
    with pytest.raises(ConflictError, match="no draft any more"):
        products.discard(TAX, KEY)


def test_the_gate_is_asked_without_keeping_anything(ready: Market) -> None:
    listing, facts = ready.exchange.products.check(TAX, BARE)
    assert listing.state is ProductState.DRAFT
    assert set(facts.resources) == {RESOURCES[TAX]}
    assert list(ready.exchange.products.page(TAX, None, ("", "", ""), 10)) == []


# --- the gate -------------------------------------------------------------------------------------------------


def test_a_refusal_names_every_gap_in_both_languages_and_changes_nothing(ready: Market) -> None:
    found = gaps(ready, BARE)
    assert list(found) == ["theme", "price"]
    assert "主题" in found["theme"]
    assert "theme" in found["theme"]
    assert ready.kinds()[-1] == "refused"
    assert list(ready.exchange.products.page(TAX, None, ("", "", ""), 10)) == []


def test_a_submission_is_of_what_was_read(ready: Market) -> None:
    products = ready.exchange.products
    draft = products.draft(TAX, BARE)
    with pytest.raises(InvalidError, match="cannot be listed: theme, price"):
        products.submit(TAX, KEY, Submission(digest=draft.digest))
    edited = products.edit(TAX, KEY, FULL, draft.digest)
    with pytest.raises(ConflictError, match="read the draft"):
        products.submit(TAX, KEY, Submission(digest=draft.digest))
    assert products.submit(TAX, KEY, Submission(digest=edited.digest)).state is ProductState.SUBMITTED
    with pytest.raises(WrongStateError):
        products.edit(TAX, KEY, FULL, edited.digest)


def test_lineage_leads_to_the_provider_s_own_valid_resources(ready: Market) -> None:
    resources = ready.exchange.resources
    assert list(gaps(ready, FULL.replace(b"DEMO-MR-0001", b"DEMO-SS-0001"))) == ["lineage.DEMO-SS-0001"]
    later = Registration("later", "2027-01-01", None)
    resources.enter(TAX, "DEMO-MR-0002", later, ResourceState.CHANGED)
    found = gaps(ready, FULL.replace(b"DEMO-MR-0001", b"DEMO-MR-0002"))
    assert "有效期" in found["lineage.DEMO-MR-0002"]
    resources.cancel(TAX, (TAX, RESOURCES[TAX]))
    assert list(gaps(ready, FULL)) == ["lineage.DEMO-MR-0001"]


def test_important_data_comes_with_its_risk_assessment(ready: Market) -> None:
    products = ready.exchange.products
    assert list(gaps(ready, IMPORTANT)) == ["assessment"]
    draft = products.draft(TAX, IMPORTANT)
    late = msgspec.structs.replace(ASSESSMENT, day="2026-11-30")
    with pytest.raises(InvalidError, match="is to come"):
        products.submit(TAX, KEY, Submission(digest=draft.digest, assessment=late))
    listing = products.submit(TAX, KEY, Submission(digest=draft.digest, assessment=ASSESSMENT))
    assert ready.reviewed(listing).state is ProductState.LISTED
    _, facts, steps = products.record("operator", KEY)
    assert facts.is_assessed
    assert steps[0].assessment == ASSESSMENT


def test_core_data_is_refused_at_once(ready: Market) -> None:
    with pytest.raises(InvalidError, match="core data can never be listed"):
        ready.exchange.products.draft(TAX, FULL.replace(b'grade = "general_2"\n', b'grade = "core"\n'))


def test_derived_data_is_graded_from_what_the_catalog_says(ready: Market) -> None:
    assert list(gaps(ready, derived(KEY, "general_2"))) == ["derivation.sources.market-registration"]
    submitted(ready)
    assert "未上架" in gaps(ready, derived(KEY, "general_2"))["derivation.sources.market-registration"]
    ready.reviewed(ready.exchange.products.record(TAX, KEY)[0])
    found = gaps(ready, derived(KEY, "general_1"))
    assert list(found) == ["derivation.reason", "derivation.sources.market-registration"]
    assert list(gaps(ready, derived(KEY, "general_2", own="general_3"))) == ["derivation.reason"]
    reason = 'reason = { zh = "可推断经营规模", en = "It lets one infer the size" }'
    assert submitted(ready, derived(KEY, "general_2", "general_3", reason)).state is ProductState.SUBMITTED


# --- review ---------------------------------------------------------------------------------------------------


def test_two_reviews_list_a_version(ready: Market) -> None:
    products = ready.exchange.products
    listing = submitted(ready)
    with pytest.raises(NotFoundError):
        products.version(KEY)
    for actor in (TAX, LABOUR, BANK, SUPERVISOR):
        with pytest.raises((ForbiddenError, NotFoundError)):
            products.review(actor, KEY, passing(listing.digest, Review.QUALITY))
    with pytest.raises(ConflictError, match="another description"):
        products.review("operator", KEY, passing("0" * 64, Review.QUALITY))
    first = products.review("operator", KEY, passing(listing.digest, Review.QUALITY))
    assert first.state is ProductState.SUBMITTED
    with pytest.raises(ConflictError, match=r"quality review .* is passed already"):
        products.review("operator", KEY, passing(listing.digest, Review.QUALITY))
    assert ready.listed() == []
    second = products.review("operator", KEY, passing(listing.digest, Review.COMPLIANCE))
    assert second.state is ProductState.LISTED
    assert [each.key for each in ready.listed()] == [KEY]
    kinds = [kind for kind in ready.kinds() if kind.startswith("product")]
    assert kinds == ["product_submitted", "product_reviewed", "product_reviewed", "product_published"]
    assert [each.move for each in products.record(TAX, KEY)[2]] == ["submit", "approve", "approve", "list"]
    assert ready.check().size == ready.exchange.log.size()


def test_what_is_returned_is_corrected_and_reviewed_anew(ready: Market) -> None:
    products = ready.exchange.products
    listing = submitted(ready)
    products.review("operator", KEY, passing(listing.digest, Review.QUALITY))
    returned = products.review("operator", KEY, decision(listing, Outcome.RETURNED))
    assert returned.state is ProductState.RETURNED
    assert told(ready)[-1] == (
        TAX,
        "product_reviewed",
        {"outcome": "returned", "reason": "grading", "review": "compliance"},
    )
    assert products.record(TAX, KEY)[2][-1].remark == "naics 的级别偏低"
    corrected = products.edit(TAX, KEY, FULL + b"\n# corrected\n", listing.digest)
    again = products.submit(TAX, KEY, Submission(digest=corrected.digest))
    assert (
        products.review("operator", KEY, passing(again.digest, Review.COMPLIANCE)).state is ProductState.SUBMITTED
    )
    assert products.review("operator", KEY, passing(again.digest, Review.QUALITY)).state is ProductState.LISTED


def test_what_is_rejected_stays_so(ready: Market) -> None:
    products = ready.exchange.products
    listing = submitted(ready)
    assert products.review("operator", KEY, decision(listing, Outcome.REJECTED)).state is ProductState.REJECTED
    for command in (
        lambda: products.submit(TAX, KEY, Submission(digest=listing.digest)),
        lambda: products.edit(TAX, KEY, BARE, listing.digest),
        lambda: products.review("operator", KEY, passing(listing.digest, Review.QUALITY)),
    ):
        with pytest.raises(WrongStateError):
            command()
    with pytest.raises(NotFoundError):
        products.version(KEY)
    with pytest.raises(NotFoundError):
        products.suspend(BANK, KEY, STOP)


def test_no_remark_gets_into_the_log(ready: Market) -> None:
    listing = submitted(ready)
    ready.exchange.products.review("operator", KEY, decision(listing, Outcome.RETURNED))
    assert "级别偏低" not in str(list(ready.exchange.log.entries()))


def test_a_resource_that_ends_during_review_keeps_the_version_off_the_market(ready: Market) -> None:
    products = ready.exchange.products
    listing = submitted(ready)
    products.review("operator", KEY, passing(listing.digest, Review.QUALITY))
    ready.exchange.resources.cancel(TAX, (TAX, RESOURCES[TAX]))
    with pytest.raises(InvalidError, match=r"lineage\.DEMO-MR-0001"):
        products.review("operator", KEY, passing(listing.digest, Review.COMPLIANCE))
    assert products.record(TAX, KEY)[0].state is ProductState.SUBMITTED
    assert products.review("operator", KEY, decision(listing, Outcome.RETURNED)).state is ProductState.RETURNED


def test_versions_stand_beside_each_other(market: Market) -> None:
    newer = FULL.replace(b'"1.0.0"', b'"1.1.0"')
    market.offer(TAX, newer)
    keys = [each.key for each in market.listed()]
    assert keys == [KEY, (*KEY[:2], "1.1.0"), VERSIONS[LABOUR]]
    market.exchange.products.delist(TAX, KEY, ProductStop(reason=StopReason.REPLACED))
    assert market.exchange.products.version(KEY).state is ProductState.DELISTED


def test_why_a_version_stopped_is_told_and_kept(market: Market) -> None:
    products = market.exchange.products
    with pytest.raises(InvalidError, match="itself stops"):
        products.suspend("operator", KEY, ProductStop(reason=StopReason.RESOURCE))
    products.suspend("operator", KEY, ProductStop(reason=StopReason.SECURITY, remark="泄露调查中"))
    last = products.record(TAX, KEY)[2][-1]
    assert (last.move, last.reason, last.remark) == ("suspend", "security", "泄露调查中")
    data = {"product": KEY[1], "reason": "security", "version": KEY[2]}
    assert told(market)[-1] == (TAX, "product_stopped", data)


def test_a_page_is_of_one_s_own_and_in_a_state(market: Market) -> None:
    products = market.exchange.products
    products.publish(TAX, FULL.replace(b'"1.0.0"', b'"2.0.0"'))
    queue = products.page("operator", ProductState.SUBMITTED, ("", "", ""), 10)
    assert [each.key for each in queue] == [(*KEY[:2], "2.0.0")]
    first = products.page("operator", None, ("", "", ""), 2)
    rest = products.page("operator", None, first[-1].key, 2)
    assert [each.key for each in [*first, *rest]] == [KEY, (*KEY[:2], "2.0.0"), VERSIONS[LABOUR]]


# --- resources ------------------------------------------------------------------------------------------------

RESOURCE = (TAX, RESOURCES[TAX])


def test_a_resource_is_entered_as_the_registrar_has_it(ready: Market) -> None:
    resources = ready.exchange.resources
    for actor in (BANK, "operator", SUPERVISOR):
        with pytest.raises(ForbiddenError):
            resources.enter(actor, "DEMO-0009", REGISTRATION, ResourceState.REGISTERED)
    with pytest.raises(ConflictError, match="entered already"):
        resources.enter(TAX, RESOURCES[TAX], REGISTRATION, ResourceState.REGISTERED)
    resources.enter(LABOUR, RESOURCES[TAX], REGISTRATION, ResourceState.REGISTERED)  # in nobody's way
    for code, registration, state, field in (
        ("demo", REGISTRATION, ResourceState.REGISTERED, "code"),
        ("DEMO-0009", Registration("a", "2026-02-30", None), ResourceState.REGISTERED, "first_day"),
        ("DEMO-0009", Registration("a", "2026-02-01", "2026-01-31"), ResourceState.REGISTERED, "last_day"),
        ("DEMO-0009", REGISTRATION, ResourceState.CANCELLED, "state"),
    ):
        with pytest.raises(InvalidError) as refused:
            resources.enter(TAX, code, registration, state)
        assert list(refused.value.fields) == [field]
    for actor in (LABOUR, BANK):
        with pytest.raises(NotFoundError):
            resources.load(actor, RESOURCE)
    assert resources.load("operator", RESOURCE).is_valid(NOW)
    assert [each.key for each in resources.page(TAX, ("", ""), 10)] == [RESOURCE]
    assert len(resources.page("operator", ("", ""), 10)) == 3


def test_a_cancelled_resource_suspends_what_comes_from_it(market: Market) -> None:
    exchange = market.exchange
    permit = exchange.permits.load(BANK, market.active(), TAX).id
    assert exchange.permits.status(BANK, permit, b"\1" * 32).statement.active
    assert exchange.resources.cancel(TAX, RESOURCE).state is ResourceState.CANCELLED
    assert exchange.products.version(KEY).state is ProductState.SUSPENDED
    assert exchange.products.version(VERSIONS[LABOUR]).state is ProductState.LISTED
    assert not exchange.permits.status(BANK, permit, b"\2" * 32).statement.active
    assert market.kinds()[-2:] == ["resource_ended", "product_suspended"]
    stopped = {"product": KEY[1], "reason": "resource", "version": KEY[2]}
    assert told(market)[-3:] == [
        (TAX, "product_stopped", stopped),
        (BANK, "product_stopped", stopped),
        (TAX, "resource_ended", {"state": "cancelled", "stopped": 1}),
    ]
    with pytest.raises(InvalidError, match=r"lineage\.DEMO-MR-0001"):
        exchange.products.reinstate("operator", KEY)
    with pytest.raises(WrongStateError):
        exchange.resources.change(TAX, RESOURCE, REGISTRATION)


def test_a_resource_ends_with_its_last_day_and_begins_again_with_its_renewal(market: Market) -> None:
    exchange = market.exchange
    exchange.resources.correct(TAX, RESOURCE, Registration("更正", "2026-01-01", "2026-11-18"))
    market.clock.now = NOW  # 2026-11-18 in China, until 16:00 UTC
    assert exchange.expire() == 0
    market.clock.now = NOW + DAY
    assert exchange.expire() == 1
    assert exchange.products.version(KEY).state is ProductState.SUSPENDED
    assert exchange.expire() == 0
    assert market.kinds()[-2:] == ["resource_ended", "product_suspended"]
    renewed = exchange.resources.change(TAX, RESOURCE, Registration("续期", "2026-01-01", "2027-11-18"))
    assert renewed.is_valid(market.clock.now)
    assert exchange.products.version(KEY).state is ProductState.SUSPENDED  # the operator decides
    assert exchange.products.reinstate("operator", KEY).state is ProductState.LISTED
    market.clock.now += YEAR
    assert exchange.expire() == 1
    assert exchange.products.version(KEY).state is ProductState.SUSPENDED


def test_a_change_that_begins_later_suspends_until_then(market: Market) -> None:
    exchange = market.exchange
    exchange.resources.change(TAX, RESOURCE, Registration("变更", "2027-01-01", None))
    assert exchange.products.version(KEY).state is ProductState.SUSPENDED
    market.clock.now = NOW + 60 * DAY
    assert exchange.products.reinstate("operator", KEY).state is ProductState.LISTED


def test_only_its_provider_and_the_registrar_s_word_move_a_resource(ready: Market) -> None:
    resources = ready.exchange.resources
    for actor, error in ((LABOUR, NotFoundError), (BANK, NotFoundError), ("operator", ForbiddenError)):
        with pytest.raises(error):
            resources.change(actor, RESOURCE, REGISTRATION)
    with pytest.raises(InvalidError):
        resources.change(TAX, RESOURCE, Registration("a", "2026-13-01", None))
    assert resources.cancel("operator", RESOURCE).state is ResourceState.CANCELLED
    assert ready.kinds()[-1] == "resource_ended"
    with pytest.raises(NotFoundError):
        resources.load(TAX, (TAX, "NO-SUCH-CODE"))
