"""Forms of people: any JSON, and every field at fault by its name."""

from typing import Annotated, Literal

import flask
import pytest
from msgspec import Meta

from compute.canonical import Line, Message, Name, Prose
from compute.web.errors import ProblemError
from compute.web.forms import MAX_FORM_BYTES, InvalidFieldsError, form


class Row(Message, frozen=True):
    code: Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z", description="two capitals")]
    share: Annotated[int, Meta(ge=0, lt=101)]


class Sheet(Message, frozen=True):
    title: Line
    kind: Literal["a", "b"]
    rows: Annotated[tuple[Row, ...], Meta(max_length=3)] = ()
    note: Prose | None = None
    owner: Name | None = None

    def __post_init__(self) -> None:
        if self.kind == "b" and not self.rows:
            raise ValueError("a sheet b has rows; add one")


def errors(data: bytes) -> dict[str, str]:
    with pytest.raises(InvalidFieldsError) as raised:
        form(Sheet).read(data)
    assert raised.value.status == 422
    return {each["field"]: each["message"] for each in raised.value.extra["errors"]}  # type: ignore[attr-defined]


def test_any_layout_is_read_with_defaults() -> None:
    read = form(Sheet).read(b'{ "kind": "a",\n "title": "\xe8\xa1\xa8", "note": "one\\ntwo" }')
    assert read == Sheet(title="表", kind="a", note="one\ntwo")
    assert form(Sheet).read(b'{"type":"sheet","title":"t","kind":"a","note":null}').note is None


def test_every_field_at_fault_is_named() -> None:
    told = errors(b'{"title":"","kind":"c","rows":[{"code":"x","share":101},{"share":-1}],"extra":1,"owner":"A"}')
    assert set(told) == {
        *("title", "kind", "rows.0.code", "rows.0.share", "rows.1.code", "rows.1.share", "extra", "owner"),
    }
    assert told["rows.0.code"] == "Expected two capitals."


@pytest.mark.parametrize(
    "title",
    [
        "a\u202eb",
        "a\u0000b",
        "a\nb",
        " a",
        "a ",
        "x" * 201,
        "a\u2066",
        "a\x85b",
        "x" * 200_000,
    ],
)
def test_a_line_is_what_it_looks_like(title: str) -> None:
    assert set(errors(flask.json.dumps({"title": title, "kind": "a"}).encode())) == {"title"}


def test_markup_is_text() -> None:
    title = "<script>alert(1)</script> & 'x'"
    assert form(Sheet).read(flask.json.dumps({"title": title, "kind": "a"}).encode()).title == title


def test_rules_of_several_fields_are_told_too() -> None:
    (told,) = errors(b'{"title":"t","kind":"b"}').values()
    assert "add one" in told


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"title":"\xff","kind":"a"}', b"\xff\xfe{\x00}\x00", b"[" * 9999]
)
def test_what_is_no_object_in_utf_8_is_a_400(data: bytes) -> None:
    with pytest.raises(ProblemError) as raised:
        form(Sheet).read(data)
    assert raised.value.status == 400


def test_a_long_body_is_not_looked_at() -> None:
    app = flask.Flask(__name__)
    with app.test_request_context(), pytest.raises(Exception, match="413"):
        form(Sheet).read(b" " * (MAX_FORM_BYTES + 1))
