"""A log's uses as OpenLineage run events: for each provider's part in a job a START, and how it ended.

    namespace   veilmart:PARTY        of whoever's job or data it is
    job         CONTRACT/PROVIDER     what runs again and again
    run         a UUID that follows from the job's digest and the provider; its parent is the job at its consumer
    inputs      the product version's snapshot, with the fields that the model takes
    outputs     the answer

A use that was refused ends in FAIL, one that is not over has its START only. Events are in order of time.
"""

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from audit.entry import EntryKind as Kind
from audit.tracing.prov import iso
from audit.tracing.uses import Use

PRODUCER = "urn:veilmart:audit"
SPEC = "https://openlineage.io/spec"
EVENT = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_RUN_FACET = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunFacet"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, PRODUCER)

Event = dict[str, Any]


def export(uses: Iterable[Use]) -> list[Event]:
    """The run events of these uses, to be written as JSON, one a line."""
    made = [event for use in uses for event in _events(use)]
    return sorted(made, key=lambda event: (event["eventTime"], event["eventType"] != "START"))


def run_id(use: Use) -> str:
    """The run of a use: the same for the same use, in whatever export."""
    return str(uuid.uuid5(_NAMESPACE, f"{use.contract}/{use.job}/{use.consumer}/{use.provider}"))


def _events(use: Use) -> Iterator[Event]:
    started = next(use.halves[kind] for kind in (Kind.QUERY_RECEIVED, *use.halves) if kind in use.halves)
    yield _event(use, "START", started[1].time)
    if Kind.ANSWER_SENT in use.halves:
        ended = max(use.halves[Kind.ANSWER_SENT][1].time, started[1].time)
        yield _event(use, "COMPLETE", ended, outputs=[_answer(use)])
    elif use.refusal is not None:
        _, refusal = use.refusal
        problem = f"{use.provider} refused: check {refusal.detail.get('check')}"
        facet = _facet("ErrorMessageRunFacet", message=problem, programmingLanguage="none")
        yield _event(use, "FAIL", max(refusal.time, started[1].time), {"errorMessage": facet})


def _event(
    use: Use,
    kind: str,
    at: int,
    facets: dict[str, Any] | None = None,
    outputs: list[dict[str, Any]] | None = None,
) -> Event:
    parent = {
        "run": {"runId": str(uuid.uuid5(_NAMESPACE, f"{use.contract}/{use.job}/{use.consumer}"))},
        "job": {"namespace": f"veilmart:{use.consumer}", "name": str(use.contract)},
    }
    own = {"parent": _facet("ParentRunFacet", "1-0-1", **parent), "veilmart_use": _use(use), **(facets or {})}
    return {
        "eventType": kind,
        "eventTime": iso(at),
        "producer": PRODUCER,
        "schemaURL": EVENT,
        "run": {"runId": run_id(use), "facets": own},
        "job": {"namespace": f"veilmart:{use.provider}", "name": f"{use.contract}/{use.provider}", "facets": {}},
        "inputs": _inputs(use),
        "outputs": outputs or [],
    }


def _inputs(use: Use) -> list[dict[str, Any]]:
    product, version = use.text("product"), use.text("product_version")
    if product is None:
        return []
    facets = {"schema": _facet("SchemaDatasetFacet", fields=[{"name": name} for name in use.fields])}
    if (snapshot := use.text("snapshot")) is not None:
        facets["version"] = _facet("DatasetVersionDatasetFacet", datasetVersion=f"{version}+{snapshot}")
    return [{"namespace": f"veilmart:{use.provider}", "name": f"{product}/{version}", "facets": facets}]


def _answer(use: Use) -> dict[str, Any]:
    return {"namespace": f"veilmart:{use.provider}", "name": f"answer/{use.text('answer')}", "facets": {}}


def _use(use: Use) -> dict[str, Any]:
    """What the log says of a use that no facet of the standard has."""
    texts = ("approval", "purpose", "legal_basis", "snapshot_date")
    said = {name: use.text(name) for name in texts if use.text(name) is not None}
    known = {"jobDigest": use.job, "rows": use.rows, "permit": use.permit, "entries": [*use.indices]}
    return {"_producer": PRODUCER, "_schemaURL": _RUN_FACET, **known, **said}


def _facet(name: str, version: str = "1-0-0", /, **members: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    where = f"{SPEC}/facets/{version}/{name}.json#/$defs/{name}"
    return {"_producer": PRODUCER, "_schemaURL": where, **members}
