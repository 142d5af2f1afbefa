"""Delivery modes 交付方式: which a product may list, and why the others stay locked."""

from dataclasses import dataclass
from enum import StrEnum

from catalog.errors import ProductError
from catalog.grade import Grade
from catalog.kind import ProductKind


class Delivery(StrEnum):
    """The way a consumer may use a product."""

    ENCRYPTED = "encrypted"  # computed on under the consumer's key; no value leaves
    AGGREGATE = "aggregate"  # statistics under disclosure control
    API = "api"  # single values, on request
    FILE = "file"  # rows


class Lock(StrEnum):
    """Why a mode is locked; `config/vocabulary.toml` says it in both languages."""

    GRADE = "grade"
    KIND = "kind"
    NOT_ENFORCED = "not_enforced"


@dataclass(frozen=True)
class Mode:
    """A delivery mode, open, or locked for reasons."""

    delivery: Delivery
    locks: tuple[Lock, ...]

    @property
    def is_open(self) -> bool:
        """Whether a product may list it."""
        return not self.locks


ENFORCED = frozenset({Delivery.ENCRYPTED, Delivery.AGGREGATE})
"""What this version carries out and controls: scoring under encryption (`compute.protocols.risk_score`), and
joint statistics under disclosure control (`compute.protocols.joint_statistics`)."""

HIGHEST = {
    Delivery.ENCRYPTED: Grade.IMPORTANT,
    Delivery.AGGREGATE: Grade.GENERAL_4,
    Delivery.API: Grade.GENERAL_3,
    Delivery.FILE: Grade.GENERAL_2,
}
"""The highest grade that each mode may carry. GB/T 43697-2024 grades and does not say what follows; this is the
market's rule: the more of a value leaves, the less harm may come of it."""

FITTING = {
    ProductKind.DATASET: frozenset({Delivery.ENCRYPTED, Delivery.AGGREGATE, Delivery.FILE}),
    ProductKind.API: frozenset({Delivery.ENCRYPTED, Delivery.AGGREGATE, Delivery.API}),
    ProductKind.REPORT: frozenset({Delivery.AGGREGATE, Delivery.FILE}),
    ProductKind.MODEL: frozenset({Delivery.ENCRYPTED, Delivery.AGGREGATE, Delivery.API}),
    ProductKind.SERVICE: frozenset(Delivery),
}
"""What each kind can come as: rows are not called one by one, and a report is read, not computed on."""


def unlocked(grade: Grade, kind: ProductKind) -> tuple[Mode, ...]:
    """Give every mode in its order with what locks it for this grade and kind; core data has none open."""
    return tuple(Mode(delivery, _locks(delivery, grade, kind)) for delivery in Delivery)


def _locks(delivery: Delivery, grade: Grade, kind: ProductKind) -> tuple[Lock, ...]:
    found = {
        Lock.GRADE: grade > HIGHEST[delivery],
        Lock.KIND: delivery not in FITTING[kind],
        Lock.NOT_ENFORCED: delivery not in ENFORCED,
    }
    return tuple(lock for lock, holds in found.items() if holds)


def check_delivery(delivery: tuple[Delivery, ...], grade: Grade) -> None:
    """Return if the modes are some, none twice, and allowed for the grade; raise `ProductError` if not.

    What the kind and this version lock may stand in a draft: the listing gate tells it (`catalog.gate`).
    """
    if not delivery:
        raise ProductError("no delivery mode is given; name at least one")
    if len(set(delivery)) < len(delivery):
        raise ProductError("a delivery mode is given twice; keep one")
    if locked := [mode for mode in delivery if grade > HIGHEST[mode]]:
        raise ProductError(f"a product of grade {grade} is not delivered as {', '.join(locked)}; remove that mode")
