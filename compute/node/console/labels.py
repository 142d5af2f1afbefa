"""A bank's labels: register them at providers, see which are registered."""

from collections.abc import Sequence

from apiflask import APIBlueprint

from compute.canonical import encode
from compute.frame import Frame
from compute.node.bank.agreed import agreed_terms
from compute.node.bank.kinds import REGISTER_LABELS
from compute.node.bank.label_sets import LabelSet, LabelSetStore
from compute.node.console.jobs import view
from compute.node.console.messages import JobView
from compute.node.console.statistics_messages import LabelRegistration, LabelSetHeld, LabelsHeld, VectorHeld
from compute.node.jobs.store import JobStore
from compute.node.settings import BankSettings
from compute.node.site import Site
from compute.terms import Terms
from compute.web.body import gives, message, takes
from compute.web.errors import ProblemError
from connectors.uscc import wrong_checks

SHOWN = 20
"""Lines that are named where some are wrong: this is the analyst's own console, and no log has them."""


def routes(site: Site[BankSettings], jobs: JobStore, frame: Frame | None) -> APIBlueprint:
    """Give the routes over a bank's labels; `frame` is the register in which hidden cohorts stay hidden."""
    made = APIBlueprint("labels", __name__)
    sets = LabelSetStore(site.engine, site.at_rest)
    companies = frozenset(frame.subjects if frame is not None else ())

    @made.post("/labels")
    @takes(message(LabelRegistration))
    @gives(JobView, 202)
    def register_labels(asked: LabelRegistration) -> JobView:
        """Register a class for each company of a cohort: encrypted, and proven to be one of the classes."""
        require_statistics(agreed_terms(site, asked.contract), asked.providers)
        _require_codes(asked.subjects)
        if asked.legal_basis is None:
            _require_framed(asked.subjects, None if frame is None else companies)
        if sets.is_other(asked):
            detail = f"{asked.name} is the name of other labels under {asked.contract}."
            raise ProblemError(409, "other-labels", detail, "Name these in another way.")
        rows = len(asked.subjects) * len(asked.providers) if asked.legal_basis else len(companies)
        return view(jobs.submit(site.settings.name, REGISTER_LABELS, encode(asked), asked.reference, rows))

    @made.get("/labels")
    @gives(LabelsHeld)
    def labels() -> LabelsHeld:
        """The labels that were registered, and where; never the labels themselves."""
        return LabelsHeld(labels=tuple(map(_held, sets.all())))

    return made


def require_statistics(terms: Terms, providers: Sequence[str]) -> None:
    """Raise :class:`ProblemError` unless the terms are of joint statistics with these providers."""
    if terms.operation != "joint_statistics":
        detail = f"{terms.contract} is a contract of {terms.operation}, not of joint_statistics."
        raise ProblemError(409, "other-operation", detail, "Name a contract of joint_statistics.")
    granting = {grant.provider for grant in terms.grants}
    if strangers := sorted(set(providers) - granting):
        detail = f"{', '.join(strangers)} grants nothing under {terms.contract}."
        raise ProblemError(422, "not-granted", detail, f"It has grants of {', '.join(sorted(granting))}.")


def _require_codes(subjects: Sequence[str]) -> None:
    wrong = wrong_checks(subjects)
    if wrong.any():
        places = wrong.nonzero()[0].tolist()
        raise ProblemError(
            422,
            "unknown-subjects",
            f"Of {len(subjects)} subjects: {len(places)} with a check character that does not match.",
            "Look for a typing mistake in the codes listed.",
            mistyped=[subjects[place] for place in places[:SHOWN]],
        )


def _require_framed(subjects: Sequence[str], companies: frozenset[str] | None) -> None:
    if companies is None:
        detail = "This node has no frame, in which a cohort could stay hidden."
        remedy = "Name a public register as `frame` in its settings, or give a legal basis for a disclosed cohort."
        raise ProblemError(409, "no-frame", detail, remedy)
    outside = [place for place, subject in enumerate(subjects) if subject not in companies]
    if outside:
        raise ProblemError(
            422,
            "outside-frame",
            f"{len(outside)} of {len(subjects)} subjects are not in the frame.",
            "Leave those listed out, or agree with the providers on another register.",
            lines=[place + 1 for place in outside[:SHOWN]],
            strangers=[subjects[place] for place in outside[:SHOWN]],
        )


def _held(found: LabelSet) -> LabelSetHeld:
    return LabelSetHeld(
        contract=found.contract,
        name=found.name,
        kind="hidden" if found.is_hidden else "disclosed",
        classes=found.classes,
        width=found.vectors[0].statement.statement.alphabet.width if found.vectors else None,
        subjects=found.subjects,
        at=found.at,
        vectors=tuple(
            VectorHeld(
                provider=each.provider,
                vector=each.vector.hex(),
                alignment=None if each.alignment is None else each.alignment.hex(),
                parts=each.parts,
                registered=each.registered,
            )
            for each in found.vectors
        ),
    )
