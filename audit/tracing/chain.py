"""From one result backwards: result → job → model → permit → contract → consent → product version → source.

Each link is the entries that the log has of it, and what it has not is named as missing: nothing is inferred. What
has to come before a use counts only where it stands before it in the log.

    result     the provider has sent this answer, the consumer has received it
    job        the consumer has sent the query, the provider has received it
    model      a reviewer has approved it, the provider has registered it; withdrawals beside them
    permit     the marketplace has issued it, the consumer has presented it
    contract   application → approvals → draft → signatures → in force
    consent    registered under the contract; withdrawals beside them
    product    the provider has published this version
    source     the snapshot of the provider's table that was computed on

Joint statistics apply no model and rest on no consent, so under a contract that was applied for as such these two
links are not there, where the provider too says that the use was of that kind.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from audit.entry import Entry
from audit.entry import EntryKind as Kind
from audit.tracing.uses import Entries, Indexed, Use, applies_for_statistics, uses


class LinkName(StrEnum):
    """The links, from the result backwards."""

    RESULT = "result"
    JOB = "job"
    MODEL = "model"
    PERMIT = "permit"
    CONTRACT = "contract"
    CONSENT = "consent"
    PRODUCT = "product"
    SOURCE = "source"


@dataclass(frozen=True)
class Link:
    """What the log has of one link."""

    name: LinkName
    subject: str | None  # what it is of: a digest, a name; None where the use names none
    entries: tuple[Indexed, ...]  # in the order of the log
    missing: tuple[str, ...] = ()  # kinds of entries that it has not, or not before the use
    late: tuple[Indexed, ...] = ()  # those that it has, but only after the use


@dataclass(frozen=True)
class Chain:
    """All links of one use."""

    use: Use
    links: tuple[Link, ...]

    @property
    def is_complete(self) -> bool:
        """Whether no link lacks anything."""
        return not any(link.missing for link in self.links)


STATISTICS_BASIS = "anonymised_statistics"
_APPLICATION = (
    *(Kind.APPLICATION_SUBMITTED, Kind.APPLICATION_RETURNED),
    *(Kind.APPLICATION_COUNTERED, Kind.APPLICATION_RESUBMITTED),
)
_CONTRACT = (
    *_APPLICATION,
    Kind.APPLICATION_APPROVED,
    Kind.CONTRACT_DRAFTED,
    Kind.CONTRACT_SIGNED,
    Kind.CONTRACT_ACTIVATED,
    Kind.CONTRACT_SUSPENDED,
    Kind.CONTRACT_REINSTATED,
    Kind.CONTRACT_AMENDED,
    Kind.CONTRACT_RENEWED,
    Kind.CONTRACT_TERMINATED,
    Kind.CONTRACT_REVOKED,
    Kind.CONTRACT_EXPIRED,
)
_MODEL = frozenset({Kind.MODEL_APPROVED, Kind.MODEL_REGISTERED, Kind.MODEL_WITHDRAWN})
_PERMIT = (Kind.PERMIT_ISSUED, Kind.PERMIT_PRESENTED, Kind.PERMIT_REVOKED, Kind.PERMIT_EXPIRED)
_PRODUCT = (Kind.PRODUCT_PUBLISHED, Kind.PRODUCT_SUSPENDED, Kind.PRODUCT_REINSTATED, Kind.PRODUCT_DELISTED)


def chains(entries: Entries, *, result: str | None = None, job: str | None = None) -> list[Chain]:
    """The chain of each use with this answer's digest, or of this job: one for each provider that took part.

    Both are SHA-256 in hex. Empty if the log has no such use. `entries` is read twice.
    """
    wanted = [use for use in uses(entries) if _is_meant(use, result, job)]
    if not wanted:
        return []
    held = _relevant(entries, wanted)
    return [Chain(use, _links(use, held)) for use in wanted]


def _is_meant(use: Use, result: str | None, job: str | None) -> bool:
    answers = {entry.detail.get("answer") for _, entry in use.halves.values()}
    return (result is not None or job is not None) and result in {None, *answers} and job in {None, use.job}


def _relevant(entries: Entries, wanted: Collection[Use]) -> list[Indexed]:
    """What one of the uses could rest on, in one pass."""
    contracts = {use.contract for use in wanted} - {None}
    models = {use.text("approval") for use in wanted} - {None}
    kinds = {*_CONTRACT, *_PERMIT, Kind.CONSENT_REGISTERED, Kind.CONSENT_WITHDRAWN}
    return [
        (index, entry)
        for index, entry in entries
        if (entry.contract in contracts and entry.kind in kinds)
        or (entry.kind in _MODEL and entry.detail.get("approval") in models)
        or entry.kind in _PRODUCT
    ]


def _links(use: Use, held: list[Indexed]) -> tuple[Link, ...]:
    applied = (applies_for_statistics(entry) for _, entry in held if entry.contract == use.contract)
    of_subjects = use.text("legal_basis") != STATISTICS_BASIS or not any(applied)
    return (
        _halves(use, LinkName.RESULT, use.text("answer"), (Kind.ANSWER_SENT, Kind.ANSWER_RECEIVED)),
        _halves(use, LinkName.JOB, use.job, (Kind.QUERY_SENT, Kind.QUERY_RECEIVED)),
        *([_model(use, held)] if of_subjects else []),
        _permit(use, held),
        _contract(use, held),
        *([_consent(use, held)] if of_subjects else []),
        _product(use, held),
        _source(use),
    )


def _halves(use: Use, name: LinkName, subject: str | None, kinds: tuple[Kind, ...]) -> Link:
    found = [use.halves[kind] for kind in kinds if kind in use.halves]
    if name is LinkName.RESULT and use.acknowledged is not None:
        found.append(use.acknowledged)
    missing = tuple(kind.value for kind in kinds if kind not in use.halves)
    return Link(name, subject, _ordered(found), missing)


def _model(use: Use, held: list[Indexed]) -> Link:
    approval = use.text("approval")

    def is_of_it(entry: Entry) -> bool:
        if entry.detail.get("approval") != approval:
            return False
        if entry.kind is Kind.MODEL_WITHDRAWN:  # a provider's is about the reviewer, who told it
            return use.consumer == entry.counterparty or use.provider == entry.node
        of_bank = entry.counterparty == use.consumer
        return of_bank and (entry.kind is Kind.MODEL_APPROVED or _is(entry, Kind.MODEL_REGISTERED, use.provider))

    required = [(Kind.MODEL_APPROVED, None), (Kind.MODEL_REGISTERED, use.provider)]
    return _before(use, LinkName.MODEL, approval, held, is_of_it, required)


def _is(entry: Entry, kind: Kind, node: str | None) -> bool:
    return entry.kind is kind and entry.node == node


def _permit(use: Use, held: list[Indexed]) -> Link:
    def is_of_it(entry: Entry) -> bool:
        presented_here = entry.kind is not Kind.PERMIT_PRESENTED or entry.node == use.provider
        return entry.kind in _PERMIT and entry.permit_id == use.permit and presented_here

    required = [(Kind.PERMIT_ISSUED, use.provider), (Kind.PERMIT_PRESENTED, use.provider)]
    return _before(use, LinkName.PERMIT, use.permit, held, is_of_it, required)


def _contract(use: Use, held: list[Indexed]) -> Link:
    def is_of_it(entry: Entry) -> bool:
        return entry.kind in _CONTRACT and entry.contract == use.contract

    required = [
        (Kind.APPLICATION_SUBMITTED, use.consumer),
        (Kind.APPLICATION_APPROVED, use.provider),
        (Kind.CONTRACT_DRAFTED, None),
        (Kind.CONTRACT_SIGNED, use.consumer),
        (Kind.CONTRACT_SIGNED, use.provider),
        (Kind.CONTRACT_ACTIVATED, None),
    ]
    return _before(use, LinkName.CONTRACT, use.contract, held, is_of_it, required)


def _consent(use: Use, held: list[Indexed]) -> Link:
    def is_of_it(entry: Entry) -> bool:
        consents = {Kind.CONSENT_REGISTERED, Kind.CONSENT_WITHDRAWN}
        return entry.kind in consents and entry.contract == use.contract

    return _before(use, LinkName.CONSENT, use.contract, held, is_of_it, [(Kind.CONSENT_REGISTERED, None)])


def _product(use: Use, held: list[Indexed]) -> Link:
    product, version = use.text("product"), use.text("product_version")

    def is_of_it(entry: Entry) -> bool:
        named = entry.detail.get("product"), entry.detail.get("product_version")
        return entry.kind in _PRODUCT and entry.counterparty == use.provider and named == (product, version)

    name = None if product is None else f"{product} {version}"
    return _before(use, LinkName.PRODUCT, name, held, is_of_it, [(Kind.PRODUCT_PUBLISHED, use.provider)])


def _source(use: Use) -> Link:
    snapshot = use.text("snapshot")
    if snapshot is None:
        return Link(LinkName.SOURCE, None, (), ("snapshot",))
    naming = [each for each in use.halves.values() if each[1].detail.get("snapshot") == snapshot]
    return Link(LinkName.SOURCE, snapshot, _ordered(naming))


def _before(
    use: Use,
    name: LinkName,
    subject: str | None,
    held: list[Indexed],
    is_of_it: Callable[[Entry], bool],
    required: list[tuple[Kind, str | None]],
) -> Link:
    """The link of what has to stand in the log before the use; each of `required` by, or about, this party."""
    if subject is None:
        return Link(name, None, (), tuple(_named(kind, party) for kind, party in required))
    first, found = use.indices[0], [each for each in held if is_of_it(each[1])]
    before = [each for each in found if each[0] < first]
    there = {(entry.kind, party) for _, entry in before for party in (entry.node, entry.counterparty, None)}
    missing = tuple(_named(kind, party) for kind, party in required if (kind, party) not in there)
    late = [each for each in found if each[0] > first]
    return Link(name, subject, _ordered(before), missing, _ordered(late))


def _named(kind: Kind, party: str | None) -> str:
    return kind.value if party is None else f"{kind.value} ({party})"


def _ordered(found: list[Indexed]) -> tuple[Indexed, ...]:
    return tuple(sorted(found, key=lambda each: each[0]))
