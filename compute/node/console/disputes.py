"""Disputes that this organisation has to answer, with the subjects' codes, which only a node finds again."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from apiflask import APIBlueprint

from compute.market.disputes import DisputeRecord
from compute.node.console.consent_messages import DisputeReply, SubjectDispute, SubjectDisputes
from compute.node.salts import SaltStore
from compute.node.settings import NodeSettings
from compute.node.site import Site
from compute.records import commitments
from compute.web.body import gives, message, takes

S = TypeVar("S", bound=NodeSettings)


def routes(site: Site[S], keys: Callable[[], Sequence[str]]) -> APIBlueprint:
    """Give the routes; `keys` are the codes of the subjects that the node has."""
    made = APIBlueprint("disputes", __name__)
    market, salts = site.market, SaltStore(site.engine, site.at_rest)

    def told(records: Sequence[DisputeRecord]) -> Iterator[SubjectDispute]:
        for contract in sorted({record.contract for record in records}):
            own = [record for record in records if record.contract == contract]
            names = _subjects(salts, contract, keys(), {record.commitment for record in own})
            yield from (_dispute(record, names.get(record.commitment)) for record in own)

    @made.get("/disputes")
    @gives(SubjectDisputes)
    def disputes() -> SubjectDisputes:
        """All that have to be answered, by contract."""
        found, cursor = list[DisputeRecord](), None
        while True:
            page = market.disputes.page(cursor)
            found += page.items
            cursor = page.next
            if cursor is None:
                return SubjectDisputes(disputes=tuple(told(found)))

    @made.get("/disputes/<code:code>")
    @gives(SubjectDispute)
    def dispute(code: str) -> SubjectDispute:
        """One, with what was written in it."""
        return next(told([market.disputes.load(code)]))

    @made.post("/disputes/<code:code>/answer")
    @takes(message(DisputeReply))
    @gives(SubjectDispute)
    def answer(reply: DisputeReply, code: str) -> SubjectDispute:
        """Answer, or say that data were corrected at the source."""
        if reply.snapshot_date is None:
            return next(told([market.disputes.answer(code, reply.text)]))
        return next(told([market.disputes.correct(code, reply.snapshot_date, reply.text)]))

    return made


def _subjects(salts: SaltStore, contract: str, keys: Sequence[str], wanted: set[bytes]) -> dict[bytes, str]:
    """Give whose these commitments are, of those whose salts were not erased."""
    tree = salts.find(contract)
    if tree is None:
        return {}
    pairs = [(salt, key) for salt, key in zip(tree.salts(keys), keys, strict=True) if salt is not None]
    made = commitments([salt for salt, _ in pairs], [key for _, key in pairs])
    return {each: key for each, (_, key) in zip(made, pairs, strict=True) if each in wanted}


def _dispute(record: DisputeRecord, subject: str | None) -> SubjectDispute:
    return SubjectDispute(
        number=record.number,
        contract=record.contract,
        matter=record.matter,
        subject=subject,
        at=record.at,
        due=record.due,
        state=record.state,
        snapshot_date=record.snapshot_date,
        words=record.words,
    )
