"""A log's entries as W3C PROV, in PROV-JSON (W3C member submission of 2013-04-24).

    agents      organisations, and their nodes, which act on behalf of them
    entities    product versions, snapshots, models, contracts, permits, statements of consents, jobs, answers
    activities  agreement → contract and permits; review → model; query → job; computation → answer

    answer ─wasGeneratedBy▶ computation ─used▶ job, model, permit, snapshot, consents
                                        ─wasAssociatedWith▶ the provider's node ─actedOnBehalfOf▶ the provider

Everything names the entries that it rests on (`veilmart:entry`). Nothing is put in that no entry says: an answer
of which no half is there has no computation.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from audit.entry import Entry
from audit.entry import EntryKind as Kind
from audit.tracing.uses import Entries, Use

NAMESPACE = "urn:veilmart:"
PREFIXES = ("product", "snapshot", "model", "contract", "permit", "consents", "job", "answer", "activity")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799_999  # the last millisecond of the year 9999, where datetime ends

Attributes = dict[str, Any]
Document = dict[str, dict[str, Any]]


def export(entries: Entries, uses: Iterable[Use]) -> Document:
    """The PROV-JSON document of these entries; `uses` are those among them. To be written as JSON."""
    made = _Document()
    for index, entry in entries:
        made.take(index, entry)
    for use in uses:
        made.take_use(use)
    return made.document


def iso(milliseconds: int) -> str:
    """The time as xsd:dateTime in UTC, to the millisecond; the last of the year 9999 if it is later."""
    moment = _EPOCH + timedelta(milliseconds=min(milliseconds, _LAST))  # exact, as floating point is not
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def qualified(prefix: str, *parts: str) -> str:
    """A qualified name; what PROV-N does not take in a local part is escaped with percent signs."""
    return f"{prefix}:{'/'.join(quote(part, safe='-_.') for part in parts)}"


@dataclass
class _Document:
    """What is made of the entries so far."""

    document: Document = field(default_factory=dict)
    consents: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """Contract → the indices and names of the statements of consents under it."""
    known: set[tuple[str | None, ...]] = field(default_factory=set)
    """The relations that are stated."""

    def __post_init__(self) -> None:
        names = {prefix: f"{NAMESPACE}{prefix}:" for prefix in PREFIXES}
        self.document["prefix"] = {"veilmart": NAMESPACE, "org": f"{NAMESPACE}org:", "node": f"{NAMESPACE}node:"}
        self.document["prefix"] |= names

    # --- entries ----------------------------------------------------------------------------------------------

    def take(self, index: int, entry: Entry) -> None:
        """Take an entry that is no half of a use."""
        detail = entry.detail
        match entry.kind:
            case Kind.PARTY_ENROLLED:
                self._organisation(entry.counterparty, {"veilmart:kind": str(detail.get("party_kind"))})
            case Kind.PRODUCT_PUBLISHED:
                product = self._product(entry.counterparty, detail.get("product"), detail.get("product_version"))
                self._add("entity", product, {"veilmart:description": str(detail.get("description"))}, index)
                self._relate("wasAttributedTo", entity=product, agent=self._organisation(entry.counterparty))
            case Kind.MODEL_APPROVED | Kind.MODEL_REGISTERED:
                self._model(index, entry)
            case Kind.CONSENT_REGISTERED | Kind.CONSENT_WITHDRAWN:
                self._consents(index, entry)
            case Kind.PERMIT_ISSUED:
                self._permit(index, entry)
            case _ if entry.kind in _AGREEMENT and entry.contract is not None:
                self._agreement(index, entry)

    def _agreement(self, index: int, entry: Entry) -> None:
        contract = qualified("contract", str(entry.contract))
        activity = qualified("activity", "agreement", str(entry.contract))
        self._span(activity, "veilmart:agreement", entry.time, index)
        self._associate(activity, entry.counterparty, entry.kind.value, index)
        self._associate(activity, entry.node, "marketplace", index, is_node=True)
        if entry.kind is Kind.CONTRACT_DRAFTED:
            self._add("entity", contract, {"veilmart:terms": str(entry.detail.get("terms"))}, index)
            self._generate(contract, activity, entry.time, index)

    def _permit(self, index: int, entry: Entry) -> None:
        permit = qualified("permit", str(entry.permit_id))
        contract = self._add("entity", qualified("contract", str(entry.contract)), {}, None)
        activity = qualified("activity", "agreement", str(entry.contract))
        self._span(activity, "veilmart:agreement", entry.time, index)
        fields = entry.detail.get("fields", ())
        self._add("entity", permit, {"veilmart:field": [*fields] if isinstance(fields, tuple) else []}, index)
        self._generate(permit, activity, entry.time, index)
        self._relate("wasDerivedFrom", generatedEntity=permit, usedEntity=contract)

    def _model(self, index: int, entry: Entry) -> None:
        approval = str(entry.detail.get("approval"))
        model = self._add("entity", qualified("model", approval), {}, index)
        self._relate("wasAttributedTo", entity=model, agent=self._organisation(entry.counterparty))
        if entry.kind is Kind.MODEL_APPROVED:
            activity = qualified("activity", "review", approval, entry.node)
            self._span(activity, "veilmart:model_review", entry.time, index)
            self._associate(activity, entry.node, "model_reviewer", index, is_node=True)
            self._generate(model, activity, entry.time, index)

    def _consents(self, index: int, entry: Entry) -> None:
        statement = str(entry.detail.get("statement", index))
        name = self._add("entity", qualified("consents", statement), {"veilmart:kind": entry.kind.value}, index)
        counted = entry.detail.get("subjects", entry.detail.get("consents"))
        self.document["entity"][name]["veilmart:subjects"] = counted
        self._relate("wasAttributedTo", entity=name, agent=self._organisation(entry.counterparty))
        contract = self._add("entity", qualified("contract", str(entry.contract)), {}, None)
        self._relate("wasDerivedFrom", generatedEntity=name, usedEntity=contract)
        earlier = self.consents.setdefault(str(entry.contract), [])
        if earlier:  # what stands follows from all of them, so a use need name the latest only
            self._relate("wasDerivedFrom", generatedEntity=name, usedEntity=earlier[-1][1])
        earlier.append((index, name))

    # --- uses -------------------------------------------------------------------------------------------------

    def take_use(self, use: Use) -> None:
        """Take one provider's part in a job."""
        job = self._add("entity", qualified("job", use.job), {"veilmart:rows": use.rows}, None)
        self._query(use, job)
        if Kind.QUERY_RECEIVED in use.halves or Kind.ANSWER_SENT in use.halves:
            self._computation(use, job)

    def _query(self, use: Use, job: str) -> None:
        halves = [use.halves[kind] for kind in (Kind.QUERY_SENT, Kind.ANSWER_RECEIVED) if kind in use.halves]
        if not halves:
            return
        activity = qualified("activity", "query", use.job, str(use.provider))
        for index, entry in halves:
            self._span(activity, "veilmart:query", entry.time, index)
        self._associate(activity, use.consumer, "consumer", halves[0][0], is_node=True)
        if Kind.QUERY_SENT in use.halves:
            index, entry = use.halves[Kind.QUERY_SENT]
            self._generate(job, activity, entry.time, index)
            if (approval := entry.detail.get("approval")) is not None:
                model = self._add("entity", qualified("model", str(approval)), {}, None)
                self._use(activity, model, entry.time, index)
        if Kind.ANSWER_RECEIVED in use.halves:
            index, entry = use.halves[Kind.ANSWER_RECEIVED]
            answer = self._add("entity", qualified("answer", str(entry.detail.get("answer"))), {}, index)
            self._use(activity, answer, entry.time, index)

    def _computation(self, use: Use, job: str) -> None:
        activity = qualified("activity", "computation", use.job, str(use.provider))
        halves = [use.halves[kind] for kind in (Kind.QUERY_RECEIVED, Kind.ANSWER_SENT) if kind in use.halves]
        for index, entry in halves:
            self._span(activity, "veilmart:computation", entry.time, index)
        (first, entry), at = halves[0], halves[0][1].time
        said = {f"veilmart:{name}": use.text(name) for name in ("purpose", "legal_basis")}
        self._add("activity", activity, {name: text for name, text in said.items() if text is not None}, None)
        self._associate(activity, use.provider, "provider", first, is_node=True)
        sources = [job, *self._sources(use)]
        for source in sources:
            self._use(activity, source, at, first)
        if Kind.QUERY_SENT in use.halves:
            query = qualified("activity", "query", use.job, str(use.provider))
            self._relate("wasInformedBy", informed=activity, informant=query)
        if Kind.ANSWER_SENT in use.halves:
            index, entry = use.halves[Kind.ANSWER_SENT]
            answer = self._add("entity", qualified("answer", str(entry.detail.get("answer"))), {}, index)
            self._generate(answer, activity, entry.time, index)
            self._relate("wasAttributedTo", entity=answer, agent=self._organisation(use.provider))
            for source in sources:
                self._relate("wasDerivedFrom", generatedEntity=answer, usedEntity=source, activity=activity)

    def _sources(self, use: Use) -> list[str]:
        """What the computation used beside the job, as far as the use names it."""
        found = []
        for prefix, name in (("model", use.text("approval")), ("permit", use.permit)):
            if name is not None:
                found.append(self._add("entity", qualified(prefix, name), {}, None))
        if (snapshot := use.text("snapshot")) is not None:
            dated = {"veilmart:date": use.text("snapshot_date") or "", "veilmart:field": [*use.fields]}
            name = self._add("entity", qualified("snapshot", snapshot), dated, None)
            product = self._product(use.provider, use.detail.get("product"), use.detail.get("product_version"))
            self._relate("specializationOf", specificEntity=name, generalEntity=product)
            found.append(name)
        consents = self.consents.get(str(use.contract), [])
        before = bisect_left(consents, use.indices[0], key=lambda each: each[0])
        return found + [name for _, name in consents[max(0, before - 1) : before]]

    # --- parts of the document --------------------------------------------------------------------------------

    def _add(self, section: str, name: str, attributes: Mapping[str, Any], index: int | None) -> str:
        """Add what is not there yet to an element; give its name."""
        prefix = name.partition(":")[0]
        kind = {"prov:type": _type(f"veilmart:{prefix}")} if section == "entity" else {}
        element = self.document.setdefault(section, {}).setdefault(name, kind)
        element.update({key: value for key, value in attributes.items() if value not in ("", [])})
        if index is not None:
            element.setdefault("veilmart:entry", [])
            if index not in element["veilmart:entry"]:
                element["veilmart:entry"].append(index)
        return name

    def _product(self, provider: str | None, product: object, version: object) -> str:
        return self._add("entity", qualified("product", str(provider), str(product), str(version)), {}, None)

    def _organisation(self, party: str | None, attributes: Mapping[str, Any] | None = None) -> str:
        typed = {"prov:type": _type("prov:Organization"), **(attributes or {})}
        return self._add("agent", qualified("org", str(party)), typed, None)

    def _span(self, activity: str, kind: str, at: int, index: int) -> None:
        """Let an activity reach to this time."""
        element = self.document.setdefault("activity", {}).setdefault(activity, {"prov:type": _type(kind)})
        element["prov:startTime"] = min(element.get("prov:startTime", iso(at)), iso(at))
        element["prov:endTime"] = max(element.get("prov:endTime", iso(at)), iso(at))
        self._add("activity", activity, {}, index)

    def _associate(
        self, activity: str, party: str | None, role: str, index: int, *, is_node: bool = False
    ) -> None:
        if party is None:
            return
        agent = self._organisation(party)
        if is_node:
            node = self._add("agent", qualified("node", party), {"prov:type": _type("prov:SoftwareAgent")}, None)
            self._relate("actedOnBehalfOf", delegate=node, responsible=agent)
            agent = node
        said = {"prov:role": role, "veilmart:entry": [index]}
        self._relate("wasAssociatedWith", said, activity=activity, agent=agent)

    def _generate(self, entity: str, activity: str, at: int, index: int) -> None:
        said = {"prov:time": iso(at), "veilmart:entry": [index]}
        self._relate("wasGeneratedBy", said, entity=entity, activity=activity)

    def _use(self, activity: str, entity: str, at: int, index: int) -> None:
        said = {"prov:time": iso(at), "veilmart:entry": [index]}
        self._relate("used", said, activity=activity, entity=entity)

    def _relate(self, relation: str, said: Attributes | None = None, /, **ends: str) -> None:
        """State a relation once, however often it is said; what is said of it is of the first time."""
        key = (relation, *ends.values(), (said or {}).get("prov:role"))  # a relation names its ends in one order
        if key in self.known:
            return
        named = {f"prov:{name}": value for name, value in ends.items()}
        self.document.setdefault(relation, {})[f"_:r{len(self.known)}"] = {**named, **(said or {})}
        self.known.add(key)


_AGREEMENT = frozenset(
    {
        Kind.APPLICATION_SUBMITTED,
        Kind.APPLICATION_RETURNED,
        Kind.APPLICATION_RESUBMITTED,
        Kind.APPLICATION_APPROVED,
        Kind.CONTRACT_DRAFTED,
        Kind.CONTRACT_SIGNED,
        Kind.CONTRACT_ACTIVATED,
    }
)


def _type(name: str) -> Attributes:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}
