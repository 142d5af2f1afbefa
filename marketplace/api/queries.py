"""The queries: what may stand behind the question mark of a route."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from apiflask import Schema
from apiflask.fields import Boolean, Integer, List, String
from apiflask.validators import Length, OneOf, Range, Regexp
from marshmallow.fields import Field

from catalog.delivery import Delivery
from catalog.grade import Grade
from catalog.kind import ProductKind
from catalog.price import Plan
from catalog.search.document import Sort
from catalog.search.terms import QUERY_CHARACTERS
from catalog.theme import Refresh, Theme
from marketplace.flow.market_states import DemandState, StatementState
from marketplace.flow.office_states import ApprovalState
from marketplace.flow.states import OrganisationState, ProductState

_COUNT = re.compile(r"[0-9]{1,16}")


class Count(Integer):
    """A size or an index of the log, in digits; Python's int() would also read 1_0 and other scripts' digits."""

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, object] | None, **kwargs: object
    ) -> int:
        if not isinstance(value, str) or _COUNT.fullmatch(value) is None:
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Nonce(Schema):
    """The asker's fresh nonce."""

    nonce = String(
        required=True,
        validate=Regexp(r"\A[0-9a-f]{64}\Z", error="Draw 32 bytes at random and write them as 64 hex digits."),
        metadata={"description": "32 bytes drawn at random, in hex"},
    )


class Under(Schema):
    """The case under which a supervisor reads."""

    case = String(
        load_default=None,
        validate=Regexp(r"\A[0-9a-f]{64}\Z", error="Name the case by its digest, 64 hex digits."),
        metadata={"description": "digest of the case under which a supervisor reads; others leave it out"},
    )


class Document(Under):
    """Which version of a contract."""

    version = Count(load_default=None, metadata={"description": "of the contract; the present one if left out"})


class Text(Document):
    """In which language a contract is read."""

    language = String(
        load_default="zh",
        validate=OneOf(["zh", "en"], error="Read it in zh or en."),
        metadata={"description": "zh or en"},
    )


class After(Under):
    """Where a page begins."""

    after = Count(load_default=None, metadata={"description": "index of the last entry of the page before"})


class Known(Under):
    """How many statements the asker has already, of each kind."""

    batches = Count(load_default=0, metadata={"description": "of consents, the first so many"})
    withdrawals = Count(load_default=0, metadata={"description": "the first so many"})


class Page(Schema):
    """Where a page of a list begins, and how long it is."""

    cursor = String(load_default=None, metadata={"description": "`next` of the page before; none for the first"})
    limit = Count(load_default=20, validate=Range(min=1, max=100), metadata={"description": "items at most"})


def _any_of(values: type[StrEnum], of: str) -> Field[Any]:
    one = String(validate=OneOf([value.value for value in values]))
    return List(one, load_default=list, metadata={"description": f"{of}; give it again for alternatives"})


class ProductQuery(Page):
    """What products are looked for by, and in which order."""

    text = String(
        load_default="",
        validate=Length(max=QUERY_CHARACTERS),
        metadata={"description": "words or characters that must all be there; the last word may be unfinished"},
    )
    theme = _any_of(Theme, "subject area")
    kind = _any_of(ProductKind, "form")
    provider = List(
        String(validate=Regexp(r"\A[a-z][a-z0-9_-]{0,63}\Z", error="Not the name of a party.")),
        load_default=list,
        metadata={"description": "the department, by its party's name; give it again for alternatives"},
    )
    grade = _any_of(Grade, "grade by GB/T 43697-2024")
    delivery = _any_of(Delivery, "delivery mode")
    price = _any_of(Plan, "plan by which it is priced")
    refresh = _any_of(Refresh, "how often it is renewed")
    sort = String(
        load_default=None,
        validate=OneOf([sort.value for sort in Sort]),
        metadata={"description": "order; the best match first if there is a text, else the newest"},
    )
    versions = String(
        load_default="latest",
        validate=OneOf(["latest", "all"]),
        metadata={"description": "of each product the latest listed version, or all"},
    )


class OfState(Page):
    """Which organisations."""

    state = String(
        load_default=None,
        validate=OneOf([each.value for each in OrganisationState]),
        metadata={"description": "only those in this state"},
    )


class ApprovalQuery(Page):
    """Where a page of approvals begins, and in which state they are."""

    state = String(
        load_default=None,
        validate=OneOf([state.value for state in ApprovalState]),
        metadata={"description": "those in this state; without it all"},
    )


class NoticeQuery(Page):
    """Where a page of notices begins."""

    unread = Boolean(load_default=False, metadata={"description": "only what is not read yet"})


class FileName(Schema):
    """What a file is called."""

    name = String(
        required=True,
        validate=Length(min=1, max=255),
        metadata={"description": "the file's name, of at most 255 characters"},
    )


class ProductStates(Page):
    """Where a page of versions begins, and in which state they are."""

    state = String(
        load_default=None,
        validate=OneOf([state.value for state in ProductState]),
        metadata={"description": "those in this state; without it all"},
    )


MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
_MONTH = Regexp(rf"\A{MONTH.pattern}\Z", error="Not a month as YYYY-MM.")


class StatementQuery(Page):
    """Where a page of statements begins, and which they are."""

    month = String(load_default=None, validate=_MONTH, metadata={"description": "those of this month, YYYY-MM"})
    state = String(
        load_default=None,
        validate=OneOf([state.value for state in StatementState]),
        metadata={"description": "those in this state; without it all"},
    )


class StatementVersion(Schema):
    """Which version of a statement."""

    version = Count(load_default=None, metadata={"description": "from 1; without it the last"})


class FileLanguage(Schema):
    """In which language a file names its columns."""

    language = String(
        load_default="zh", validate=OneOf(["zh", "en"]), metadata={"description": "of columns and labels"}
    )


class DemandQuery(Page):
    """Where a page of demands begins, and which they are."""

    state = String(
        load_default=None,
        validate=OneOf([state.value for state in DemandState]),
        metadata={"description": "those in this state; without it all"},
    )
    theme = String(
        load_default=None,
        validate=OneOf([theme.value for theme in Theme]),
        metadata={"description": "those of this subject area"},
    )
    own = String(load_default="0", validate=OneOf(["0", "1"]), metadata={"description": "1: one's own only"})
