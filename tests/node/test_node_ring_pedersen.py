"""A provider's ring-Pedersen parameters: made by a job at the first question, kept, asked for before any key."""

import msgspec
import pytest
from node.conftest import Engines
from node.statements import at_once
from well_formed import TRAPDOOR, T, ring_pedersen
from world import BANK, NOW, Clock, LogJournal, World

from compute.at_rest import AtRest
from compute.canonical import decode, encode
from compute.node.dispatch import Dispatcher
from compute.node.intake import Intake
from compute.node.jobs.leases import Leases
from compute.node.jobs.store import JobStore
from compute.node.provider import desk as provider_node
from compute.node.provider import ring_pedersen as stored
from compute.node.provider.kinds import KINDS
from compute.node.provider.ring_pedersen import RingPedersenStore
from compute.node.provider.serve import REPLIES, parameters_message
from compute.node.registry import RegistryStore
from compute.protocols.base import Collect, Pending, Refused
from compute.protocols.key_enrolment.messages import AskRingPedersen
from compute.protocols.key_enrolment.provider import Enroller
from compute.protocols.key_enrolment.ring_pedersen_maker import prove_ring_pedersen
from compute.signing import Signed


def test_parameters_are_made_once_and_are_the_same_to_every_process(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = iter([ring_pedersen("tax"), ring_pedersen("labour")])
    monkeypatch.setattr(stored, "make_ring_pedersen", lambda _name, **_progress: next(made))
    one, other = (RingPedersenStore(engine, "tax") for engine in engines)
    assert one.find() is None
    assert one.find_or_make() == ring_pedersen("tax")
    assert other.find_or_make() == other.find() == ring_pedersen("tax")
    assert next(made) == ring_pedersen("labour")  # it was not asked for


def test_of_parameters_made_at_once_one_set_is_kept(engines: Engines) -> None:
    stores = [RingPedersenStore(engine, "tax") for engine in engines]
    drawn = [prove_ring_pedersen("tax", TRAPDOOR, T) for _ in range(4)]
    assert len(set(drawn)) == 4
    kept = at_once([lambda i=i: stores[i % 2].keep(drawn[i]) for i in range(4)])  # type: ignore[misc]
    assert len(set(kept)) == 1
    assert stores[0].find() == kept[0]


def test_what_the_database_keeps_is_what_everybody_may_see(engines: Engines) -> None:
    """No prime, no λ: nothing but the statement that is sent."""
    RingPedersenStore(engines[0], "tax").keep(ring_pedersen("tax"))
    with engines[0].connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM ring_pedersen").all()
    assert [tuple(row) for row in rows] == [(1, encode(ring_pedersen("tax")))]


class Door:
    """The tax office's front door before it has made parameters, and its worker."""

    def __init__(self, world: World, engines: Engines) -> None:
        self.store, self.jobs = (
            RingPedersenStore(engines[0], "tax"),
            JobStore(engines[0], AtRest.of(world.identities["tax"]), KINDS, Clock()),
        )
        enroller = Enroller(
            "tax",
            world.identities["tax"],
            world.pins,
            RegistryStore(engines[0]),
            self.store.find,
            world.clock,
        )
        journal = LogJournal(world.log, world.identities["tax"])
        taken = provider_node.handlers(world.providers["tax"], enroller)
        self.dispatcher = Dispatcher("tax", taken, journal, world.clock)
        long = {AskRingPedersen: parameters_message(self.store)}
        self.intake = Intake(self.dispatcher, self.jobs, long, REPLIES)

    def ask(self, bank: str = BANK) -> msgspec.Struct:
        return self.intake.handle(bank, encode(AskRingPedersen(bank=bank)))


def test_the_first_question_is_a_job_and_later_ones_are_answered_at_once(world: World, engines: Engines) -> None:
    door = Door(world, engines)
    pending = door.ask()
    assert isinstance(pending, Pending)
    assert (pending.state, pending.total) == ("queued", 3)
    assert door.ask() == pending
    leases = Leases(door.jobs, 60)
    lease = leases.take()
    assert lease
    door.store.keep(ring_pedersen("tax"))
    leases.finish(lease, door.dispatcher.handle_bytes(lease.parameters), 0.0)
    collected = door.intake.handle(BANK, encode(Collect(ticket=pending.ticket)))
    assert isinstance(collected, Signed)
    assert collected.statement == ring_pedersen("tax")
    assert door.ask() == door.ask("rival") == collected
    assert leases.take() is None


def test_a_question_is_no_event_and_a_key_before_the_parameters_is_refused(world: World, engines: Engines) -> None:
    door = Door(world, engines)
    before = len(world.events())
    reply = decode(door.dispatcher.handle_bytes(encode(world.key_claim(world.key, NOW))), Refused)
    assert (reply.check, reply.reason) == (6, "tax has not made its parameters yet")
    door.ask()
    assert len(world.events()) == before + 1


def test_a_key_of_before_the_proofs_is_in_force_no_more_until_it_is_enrolled_anew(world: World) -> None:
    """The table of earlier versions stays where it is and is read by nobody."""
    model = world.model()
    world.forget("tax", "proven_keys")
    with world.engines["tax"].begin() as connection:
        connection.exec_driver_sql("CREATE TABLE enrolments (bank TEXT, issued_at INT, statement BLOB, at INT)")
        row = (BANK, NOW + 10**6, b'{"type":"signed"}', NOW)
        connection.exec_driver_sql("INSERT INTO enrolments VALUES (?, ?, ?, ?)", row)
    restarted = world.restarted("tax")
    assert restarted._key(BANK) is None
    reply = world.send("tax", world.query(model))
    assert b'"check":3' in reply
    assert b"enrol the key first" in reply
    world.enrol()
    assert len(world.score(model, sorted(world.tables["tax"].index)[:3])) == 3
