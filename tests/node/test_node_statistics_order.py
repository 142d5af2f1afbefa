"""From an analyst's request to each provider's question: columns on published grids, cohorts by their digests."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from world import EXAMPLES, NOW, TODAY

from compute.binning import NumberBins
from compute.market.products import CatalogEntry
from compute.node.bank.label_sets import LabelSet, SetVector
from compute.node.console.statistics_messages import CrossColumns, StatisticsPart, StatisticsRequest
from compute.node.console.statistics_order import ALL, order_of
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.label_vector.messages import DisclosedCohort, HiddenCohort, LabelStatement
from compute.signing import sign
from compute.web.errors import ProblemError

PRODUCTS = {"market-regulation": "market-registration", "social-security": "social-insurance"}
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ALPHABET = Alphabet(classes=2, width=64, with_zero=True)


def offers() -> list[CatalogEntry]:
    return [
        CatalogEntry(
            provider=provider,
            product=product,
            version="1.0.0",
            state="listed",
            digest="d" * 64,
            description=(EXAMPLES / f"{product}.toml").read_text("utf-8"),
        )
        for provider, product in PRODUCTS.items()
    ]


def labels(*, is_hidden: bool = True, registered: int = 1) -> LabelSet:
    def vector(place: int, provider: str) -> SetVector:
        hidden = HiddenCohort(frame="f" * 64, rows=500)
        cohort = hidden if is_hidden else DisclosedCohort(alignment=bytes([place]) * 32, rows=200)
        statement = LabelStatement(
            suite="intl",
            bank="bank",
            contract="loans-2026",
            n=b"\xff" * 256,
            cohort=cohort,
            alphabet=ALPHABET,
            parts=(bytes(32),),
            issued_at=NOW,
            nonce=bytes(32),
        )
        signed = sign(statement, "bank", KEY)
        return SetVector(provider, bytes([10 + place]) * 32, signed, registered)

    vectors = tuple(vector(place, provider) for place, provider in enumerate(PRODUCTS))
    return LabelSet("loans-2026", "loans", is_hidden, ("good", "bad"), 200, NOW, vectors)


def request(*parts: StatisticsPart, **changes: Any) -> StatisticsRequest:
    members = {
        "reference": "stats-1",
        "contract": "loans-2026",
        "labels": "loans",
        "weighted": True,
        "parts": parts or (StatisticsPart(provider="social-security", histograms=("employees",)),),
        "milliepsilon": 3000,
        "as_of": TODAY,
    }
    return StatisticsRequest(**(members | changes))


def test_a_column_that_is_named_comes_in_all_cells_of_its_grid() -> None:
    own = NumberBins(column="employees", edges=("5", "20"))
    part = StatisticsPart(
        provider="social-security",
        histograms=("jobs_created", own),
        crosses=(CrossColumns(first="employees", second="jobs_retained"),),
        moments=("employees",),
    )
    order = order_of("bank", request(part), offers(), labels())
    (question,) = order.questions
    whole, given = question.histograms
    assert isinstance(whole, NumberBins)
    assert whole.edges == ("1", "2", "3", "4", "6", "8", "10", "15", "20", "30")
    assert given == own
    assert question.crosses[0].second.column == "jobs_retained"
    assert (question.cohort, question.milliepsilon) == (bytes([11]) * 32, 3000)
    assert order.alphabets == {"social-security": ALPHABET}
    assert order.decimals == {"social-security": {"employees": 0}}
    assert (order.classes, order.size) == (("good", "bad"), 500 * (2 + 1 + 3))


def test_each_provider_is_asked_about_its_own_vector() -> None:
    parts = (
        StatisticsPart(provider="market-regulation", histograms=("naics",)),
        StatisticsPart(provider="social-security", histograms=("employees",)),
    )
    order = order_of("bank", request(*parts), offers(), labels())
    assert [(each.provider, each.product, each.cohort[0]) for each in order.questions] == [
        ("market-regulation", "market-registration", 10),
        ("social-security", "social-insurance", 11),
    ]


def test_without_weights_the_cohort_is_the_alignment_and_there_is_one_class() -> None:
    order = order_of("bank", request(weighted=False, milliepsilon=0), offers(), labels(is_hidden=False))
    assert order.questions[0].cohort == bytes([1]) * 32
    assert (order.classes, order.alphabets) == ((ALL,), {})
    assert order.rows == {"social-security": 200}


@pytest.mark.parametrize(
    ("held", "changes", "slug"),
    [
        (None, {}, "unknown-labels"),
        (labels(registered=0), {}, "labels-not-registered"),
        (labels(), {"weighted": False, "milliepsilon": 0}, "hidden-cohort"),
        (labels(), {"milliepsilon": 0}, "invalid"),
        (labels(), {"parts": (StatisticsPart(provider="social-security"),)}, "invalid"),
        (labels(), {"parts": (StatisticsPart(provider="social-security", histograms=("uscc",)),)}, "invalid"),
    ],
)
def test_what_cannot_be_asked_is_told(held: LabelSet | None, changes: dict[str, Any], slug: str) -> None:
    with pytest.raises(ProblemError) as error:
        order_of("bank", request(**changes), offers(), held)
    assert error.value.slug == slug
