"""What a bank's staff have its worker do: prove the key, score."""

from collections.abc import Sequence
from pathlib import Path

import flask
from apiflask import APIBlueprint
from flask import Response, send_file

from audit.salts import SaltTree
from compute.canonical import Message, encode
from compute.node.bank.kinds import ENROL_KEY, SCORE, SCORE_BANDS, SHORT
from compute.node.bank.models import Model, ModelStore
from compute.node.console.jobs import finished, view
from compute.node.console.messages import JobView, KeyEnrolment, Scored, Scoring
from compute.node.console.subjects import named, require_kept
from compute.node.jobs.holds import Holds
from compute.node.jobs.job import Job
from compute.node.jobs.store import JobStore
from compute.node.salts import SaltStore
from compute.node.settings import BankSettings
from compute.node.site import Site, clock
from compute.signing import Pins
from compute.web.body import gives, message, takes
from compute.web.errors import ProblemError
from connectors.base import Table

HOLD = 2.0
"""Seconds that the reply waits for a short scoring."""
HOLDS = 3
"""Replies that one server process lets wait, one for each person: its other threads stay free."""


def routes(site: Site[BankSettings], store: JobStore, applicants: Table) -> APIBlueprint:
    """Give the routes by which jobs are made and scores fetched."""
    made = APIBlueprint("scoring", __name__)
    models, salts = ModelStore(site.engine, site.at_rest), SaltStore(site.engine, site.at_rest)

    holds = Holds(HOLDS)

    def submit(kind: str, request: Message, reference: str, size: int) -> JobView:
        return view(_submit(kind, request, reference, size))

    def _submit(kind: str, request: Message, reference: str, size: int) -> Job:
        return store.submit(site.settings.name, kind, encode(request), reference, size)

    @made.post("/key-enrolments")
    @takes(message(KeyEnrolment))
    @gives(JobView, 202)
    def enrol_key(asked: KeyEnrolment) -> JobView:
        """Prove the bank's Paillier key to providers."""
        _require_providers(site.directory, asked.providers)
        return submit(ENROL_KEY, asked, asked.reference, len(asked.providers))

    @made.post("/scorings")
    @takes(message(Scoring))
    @gives(JobView, 202)
    def score(asked: Scoring) -> JobView:
        """Score subjects; the estimate is in the answer, the scores come into the bank's own folder.

        For few subjects the answer waits a little: then the scores are mostly there.
        """
        model, tree = _require_prepared(models, salts, asked)
        subjects = named(applicants, asked.subjects)
        require_kept(tree, subjects)
        size, kind, bands = len(subjects), SCORE, model.approval.bands
        if bands is not None:
            size, kind = size * bands.tests, SCORE_BANDS
        job = _submit(kind, asked, asked.reference, size)
        if size <= SHORT:
            with holds.place(flask.g.party) as free:
                job = store.wait(job.id, HOLD if free else 0)
        return view(job)

    @made.get("/scorings/<job>/<any('scores.csv', 'scores.parquet'):file>")
    @made.doc(responses={200: "uscc,score; of a model with bands uscc,band"})
    def scores(job: str, file: str) -> Response:
        """The scores or bands of a scoring that is done."""
        return send_file(Path(finished(store, job, Scored).scores).with_name(file))

    return made


def _require_providers(pins: Pins, names: Sequence[str]) -> None:
    """Raise :class:`ProblemError` unless all of these are enrolled as data providers."""
    if others := [each for each in names if each not in pins or pins[each].role != "provider"]:
        detail = f"No data provider is enrolled as {', '.join(others)}."
        raise ProblemError(404, "unknown-party", detail, "Name providers that the catalog has.")


def _require_prepared(models: ModelStore, salts: SaltStore, asked: Scoring) -> tuple[Model, SaltTree]:
    """Give the model and the contract's salts; raise :class:`ProblemError` unless they and the model are there."""
    model = models.find(asked.model, asked.model_version, clock())
    if model is None:
        detail = f"No approved model {asked.model} {asked.model_version} is registered."
        raise ProblemError(409, "model-not-registered", detail, "Register the model, then score.")
    tree = salts.find(asked.contract)
    if tree is None:
        detail = f"No consents were registered and no permit was presented under {asked.contract}."
        raise ProblemError(409, "not-prepared", detail, "Check the contract's name; do both, then score.")
    return model, tree
