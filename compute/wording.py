"""What is wrong with a value that came from outside, in words for whoever wrote it.

msgspec names the place and the type, and quotes patterns. What is allowed there stands in the type's own JSON
schema, as in /openapi.json: the values of an enum, the fields of an object, the description of a pattern.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import msgspec

_AT = re.compile(r" - at (`key` in )?`\$([^`]*)`\Z")
_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")
_PATTERN = " matching regex "


def explain(error: msgspec.ValidationError, expected: Any) -> str:  # noqa: ANN401 -- a type, or a union of types
    """Give, in one line, the place in the value and what is wrong there: `grants.0.provider: Expected …`.

    `expected` is the type that the value was read as.
    """
    problem, steps = str(error), list[str]()
    if at := _AT.search(problem):
        problem = problem[: at.start()]
        steps = ["".join(step) for step in _STEP.findall(at[2])]
    schema, named = _schema(expected)
    there = list(_find(schema, named, steps))
    if at and at[1]:
        there = [node["propertyNames"] for node in there if "propertyNames" in node]
    told = _allowed(problem.replace("`", ""), there)
    return " ".join(f"{'.'.join(steps)}: {told}".removeprefix(": ").split())


def _allowed(problem: str, there: Sequence[dict[str, Any]]) -> str:
    """Add to the problem what the schemas of its place allow."""
    if problem.startswith("Invalid ") and (values := [value for node in there for value in node.get("enum", ())]):
        return f"{problem} (one of {', '.join(map(str, values))})"
    if "contains unknown field" in problem:
        fields = dict.fromkeys(name for node in there for name in node.get("properties", ()))
        return f"{problem} (its fields are {', '.join(fields)})"
    about = [node for node in there if node.get("type") != "object"]
    words = " or ".join(dict.fromkeys(node["description"] for node in about if "description" in node))
    if _PATTERN in problem:
        patterns = " or ".join(node["pattern"][2:-2] for node in about if "pattern" in node)  # without \A and \Z
        return f"Expected {words or f'text of the form {patterns}'}"
    return f"{problem} ({words})" if words else problem


@cache
def _schema(expected: Any) -> tuple[dict[str, Any], dict[str, Any]]:  # noqa: ANN401 -- as above
    """Give the type's schema, and those that it refers to by name."""
    (schema,), named = msgspec.json.schema_components(
        [expected],
        schema_hook=lambda _: {"type": "string"},  # what a configuration has beyond JSON is written as text
        ref_template="{name}",
    )
    return schema, named


def _find(node: dict[str, Any], named: dict[str, Any], steps: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Give the schemas that may stand at a place: several where the type is a union."""
    if "$ref" in node:
        yield from _find(named[node["$ref"]], named, steps)
    elif "anyOf" in node:
        for each in node["anyOf"]:
            yield from _find(each, named, steps)
    elif not steps:
        yield node
    else:
        below = (node.get("properties", {}).get(steps[0]), node.get("items"), node.get("additionalProperties"))
        for child in below:
            if isinstance(child, dict):
                yield from _find(child, named, steps[1:])
