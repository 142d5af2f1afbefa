"""What people and their programs send as plain JSON: one definition, a message, and every wrong field named.

A canonical message is refused at its first fault, which does for a program. Who fills in a form wants to hear of
all at once, so its fields are checked by a marshmallow schema that follows from the message's type.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import flask
import marshmallow
import msgspec
from marshmallow import fields, validate
from msgspec import inspect

from compute.canonical import Message
from compute.web.body import JSON, Form
from compute.web.errors import ProblemError
from compute.wording import explain

MAX_FORM_BYTES = 256 * 1024

M = TypeVar("M", bound=Message)


class InvalidFieldsError(ProblemError):
    """Fields of a form are not as they must be; `errors` is `{field: message}` with paths as `rows.0.code`."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        named = [{"location": "json", "field": field, "message": message} for field, message in errors.items()]
        super().__init__(
            422,
            "invalid-fields",
            f"Refused: {', '.join(errors) or 'the body'}.",
            "Correct the fields named in `errors`, then send the request again.",
            errors=named,
        )


def form(expected: type[M]) -> Form[M]:
    """Give the form of a message as people send it: JSON in any layout, at most `MAX_FORM_BYTES`.

    Reading raises `InvalidFieldsError` with every field at fault, `ProblemError` (400) for what is no JSON object
    in UTF-8; a longer body is refused by 413.
    """

    def read(data: bytes) -> M:
        if len(data) > MAX_FORM_BYTES:
            flask.abort(413, f"The form has {len(data)} bytes; it may have {MAX_FORM_BYTES}.")
        try:
            members = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _no_json(str(error)) from error
        if not isinstance(members, dict):
            raise _no_json("it is no object")
        try:
            _schema(expected)().load(members)
        except marshmallow.ValidationError as error:
            raise InvalidFieldsError(dict(_leaves(error.messages, ()))) from error
        try:
            return msgspec.convert(members, expected)
        except msgspec.ValidationError as error:  # a rule of several fields together
            place, _, problem = explain(error, expected).rpartition(": ")
            raise InvalidFieldsError({place: problem}) from error

    return Form(JSON, read, expected)


def _no_json(problem: str) -> ProblemError:
    return ProblemError(400, "not-json", f"The body is no form: {problem}.", "Send a JSON object in UTF-8.")


def _leaves(node: object, path: tuple[str, ...]) -> Any:  # noqa: ANN401 -- pairs of path and message
    if isinstance(node, Mapping):
        for key, child in node.items():
            yield from _leaves(child, path if key == "_schema" else (*path, str(key)))
    else:
        yield ".".join(path), " ".join(map(str, node)) if isinstance(node, list) else str(node)


@cache
def _schema(expected: type[Message]) -> type[marshmallow.Schema]:
    """Give the schema of a message's fields, by the types that msgspec reads from it."""
    info = inspect.type_info(expected)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{expected} is no message")
    return _of_struct(info)


def _of_struct(info: inspect.StructType) -> type[marshmallow.Schema]:
    members: dict[str, Any] = {each.encode_name: _field(each.type, required=each.required) for each in info.fields}
    if info.tag_field is not None:
        members[info.tag_field] = fields.String(validate=validate.Equal(info.tag))
    return marshmallow.Schema.from_dict(members, name=f"{info.cls.__name__}Form")


def _field(info: inspect.Type, *, required: bool, note: str | None = None) -> fields.Field[Any]:
    """Give the field of a type; `note` says in words what its metadata allow."""
    if isinstance(info, inspect.Metadata):
        described = (info.extra_json_schema or {}).get("description")
        return _field(info.type, required=required, note=described or note)
    if isinstance(info, inspect.UnionType):
        others = [each for each in info.types if not isinstance(each, inspect.NoneType)]
        made = (
            _field(others[0], required=required, note=note) if len(others) == 1 else fields.Raw(required=required)
        )
        made.allow_none = info.includes_none
        return made
    made = _collection(info) or _scalar(info, note)
    made.required = required
    return made


def _collection(info: inspect.Type) -> fields.Field[Any] | None:
    match info:
        case inspect.ListType() | inspect.VarTupleType():
            size = validate.Length(min=info.min_length, max=info.max_length)
            return fields.List(_field(info.item_type, required=True), validate=size)
        case inspect.DictType():
            keys, values = (_field(each, required=True) for each in (info.key_type, info.value_type))
            return fields.Dict(keys=keys, values=values)
        case inspect.StructType():
            return fields.Nested(_of_struct(info))
    return None


def _scalar(info: inspect.Type, note: str | None) -> fields.Field[Any]:
    match info:
        case inspect.StrType():
            return fields.String(validate=_Text(info, note))
        case inspect.IntType():
            return fields.Integer(strict=True, validate=_Number(info, note))
        case inspect.BoolType():
            return fields.Boolean(truthy={True}, falsy={False})
        case inspect.EnumType():
            return fields.String(validate=validate.OneOf([each.value for each in info.cls]))
        case inspect.LiteralType():
            return fields.String(validate=validate.OneOf(info.values))
    return fields.Raw()  # bytes in base64, and what else msgspec itself has to judge


class _Text(validate.Validator):
    """A text's length and pattern, told in the words of the type."""

    def __init__(self, info: inspect.StrType, note: str | None) -> None:
        self._info, self._note = info, note

    def __call__(self, value: str) -> str:
        info = self._info
        longest = len(value) if info.max_length is None else info.max_length
        if len(value) < (info.min_length or 0) or len(value) > longest:
            told = self._note or f"{info.min_length or 0} to {info.max_length} characters"
            raise marshmallow.ValidationError(f"It has {len(value)} characters; expected {told}.")
        if info.pattern is not None and re.search(info.pattern, value) is None:
            raise marshmallow.ValidationError(f"Expected {self._note or f'text of the form {info.pattern}'}.")
        return value


class _Number(validate.Validator):
    """An integer's bounds, told in the words of the type."""

    def __init__(self, info: inspect.IntType, note: str | None) -> None:
        self._least = info.ge if info.ge is not None or info.gt is None else info.gt + 1
        self._most = info.le if info.le is not None or info.lt is None else info.lt - 1
        told = (f"at least {self._least}" if self._least is not None else "", f"at most {self._most}")
        self._note = note or " and ".join(each for each in told if each and not each.endswith("None"))

    def __call__(self, value: int) -> int:
        if (self._least is not None and value < self._least) or (self._most is not None and value > self._most):
            raise marshmallow.ValidationError(f"Expected {self._note}.")
        return value
