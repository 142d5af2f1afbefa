"""The attack: make a process say what it holds, by whatever shows an object: log, error, traceback, pickle."""

import dataclasses
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from codings import Search
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from locks import SECRET
from world import BANK, REVIEWER, World, scorecard

from compute.at_rest import AtRest
from compute.canonical import Message, decode, encode
from compute.node.bank.paillier_key import parse as parse_paillier
from compute.node.bank.paillier_key import to_jwk as paillier_jwk
from compute.node.console.messages import ModelRegistration
from compute.node.jobs.child import Begin, Done, Save
from compute.node.jobs.context import JobContext
from compute.node.jobs.leases import Lease
from compute.node.settings import load_settings
from compute.node.site import clock, open_site
from compute.protocols.closed_answer.messages import AnswerKey
from compute.protocols.permit_presentation.bank import presentation
from compute.protocols.risk_score.messages import Opening, SubmitModel, TableOpening
from compute.protocols.risk_score.opened import opened
from compute.protocols.risk_score.scorecard import parse_scorecard
from compute.protocols.risk_score.sealing import opening_info, unseal
from compute.web import keyfile
from compute.web.encrypted_jwk import decrypt, encrypt
from compute.web.tls_key import KeyPair, load_key
from marketplace.settings import load as load_market
from veilmart.demo.data import EXAMPLES
from veilmart.demo.sites import PAILLIER_UNLOCK, Sites, lay_out

SEED = bytes(range(100, 132))
POINTS = 31_415_926
SCORECARD = "the points that nobody else sees"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """A demo's files: each party with its keys and key files."""
    return lay_out(tmp_path_factory.mktemp("sites") / "sites", EXAMPLES, 2048)


def secrets_of(sites: Sites) -> Search:
    found = {"Paillier unlock": (sites.nodes["harbour-bank"].folder / PAILLIER_UNLOCK).read_bytes().strip()}
    for site in (sites.market, *sites.nodes.values()):
        pair = KeyPair(site.folder / "tls.pem", site.folder / "tls.key", site.unlock)
        found |= {
            f"identity of {site.name}": site.identity.private_bytes_raw(),
            f"unlock of {site.name}": site.unlock().value,
            f"TLS of {site.name}": load_key(pair).private_numbers().private_value.to_bytes(32),
        }
    return Search(found, {})


def test_no_settings_or_site_shows_a_secret(sites: Sites) -> None:
    search, shown = secrets_of(sites), [repr(sites), repr(sites.market.unlock())]
    market = load_market(sites.market.config)
    shown += [repr(market), repr(market.pair), repr(market.pair.unlock and market.pair.unlock())]
    for site in sites.nodes.values():
        settings = load_settings(site.config, site.role)
        with open_site(settings) as opened_site:
            shown += [repr(each) for each in (site, settings, settings.pair, opened_site, vars(opened_site))]
            shown.append(repr(site.identity))
    assert all(shown)
    assert [search.find(each.encode()) for each in shown] == [set()] * len(shown)
    for key in (sites.market.identity, sites.market.unlock()):
        assert search.find(raw_of(key))  # the search would find them


def raw_of(key: object) -> bytes:
    raw: bytes = key.private_bytes_raw() if hasattr(key, "private_bytes_raw") else key.value  # type: ignore[attr-defined]
    return raw


# --- roles and messages ----------------------------------------------------------------------------------------


@pytest.fixture
def opening(world: World) -> tuple[SubmitModel, Opening]:
    """A submission as the reviewer received it, and what it opened."""
    seen = world.tap(REVIEWER)
    world.model()
    (submission,) = (decode(data, SubmitModel) for data in seen if b'"submit_model"' in data)
    statement = submission.submission.statement
    (epoch,) = world.reviewer._epochs.alive()
    return submission, unseal(statement.sealed_opening, epoch.key, opening_info(statement.tables), Opening)


@pytest.fixture
def search(world: World, opening: tuple[SubmitModel, Opening]) -> Search:
    p, q = (int(factor) for factor in world.key.factors)
    found = {"p": p.to_bytes(128), "q": q.to_bytes(128), "points secret": world.reviewer.office.points_secret}
    found |= {f"identity of {name}": key.private_bytes_raw() for name, key in world.identities.items()}
    for role in (world.reviewer, *world.providers.values()):
        (epoch,) = role._epochs.alive()
        found |= {f"epoch key {id(role)}": epoch.key.private_bytes_raw()}
    for number, table in enumerate(opening[1].tables):
        found[f"randomness {number}"] = table.randomness[:256]
    return Search(found | {"seed": SEED}, {"scorecard": SCORECARD, "points": str(POINTS)})


def test_no_role_shows_a_secret(world: World, search: Search) -> None:
    roles = [world.bank, world.reviewer, *world.providers.values()]
    shown = [repr(each) for role in roles for each in (role, vars(role), *vars(role).values())]
    shown += [repr(world.key), repr(vars(world.key.public) if hasattr(world.key.public, "__dict__") else "")]
    assert len(shown) > 20
    assert [search.find(each.encode()) for each in shown] == [set()] * len(shown)


def test_no_message_shows_its_secret(world: World, search: Search, opening: tuple[SubmitModel, Opening]) -> None:
    submission, found = opening
    statement = submission.submission.statement
    table = TableOpening(points=(POINTS, -POINTS), randomness=found.tables[0].randomness)
    shown: list[Message] = [
        submission,
        found,
        table,
        opened(statement, found),
        presentation(BANK, world.identities[BANK], "token", (), SEED, clock()),
        ModelRegistration(reference="r", contract="contract-1", scorecard=SCORECARD),
        AnswerKey(provider="tax", job=bytes(32), key=SEED, at=1),
    ]
    for each in shown:
        assert type(each).__name__ in repr(each)
        assert search.find(repr(each).encode()) == set(), type(each)
        assert each == each.__class__(**{name: getattr(each, name) for name in each.__struct_fields__})
    for each in shown[1:3] + shown[4:]:
        assert search.find(encode(each)), type(each)  # it is there, and travels
        assert "…" in repr(each)
    feature = next(each for features in scorecard().sources.values() for each in features)
    assert search.find(repr(dataclasses.replace(feature, points=(POINTS,))).encode()) == set()
    assert search.find(repr(dataclasses.replace(scorecard(), base_points=POINTS)).encode()) == set()


def test_no_job_shows_what_it_is_about(search: Search) -> None:
    about = SCORECARD.encode()
    shown = [
        Lease("job", 1, "kind", about),
        Begin("kind", about, {"key": about}, 1.0),
        Save("key", about),
        Done(about),
        JobContext(about, {"key": about}, None),  # type: ignore[arg-type]
    ]
    assert [search.find(repr(each).encode()) for each in shown] == [set()] * len(shown)


def test_no_secret_is_pickled(world: World) -> None:
    for each in (world.key, AtRest(SEED), X25519PrivateKey.generate(), *world.identities.values()):
        with pytest.raises(TypeError):
            pickle.dumps(each)


# --- errors ----------------------------------------------------------------------------------------------------


def test_no_error_shows_a_secret(
    world: World, search: Search, opening: tuple[SubmitModel, Opening], tmp_path: Path
) -> None:
    shown = "".join(traceback.format_exception(ValueError(SEED)))
    assert search.find(shown.encode()) == {"seed"}  # the search would find it
    for name, provoke in provoked(world, opening, tmp_path).items():
        with pytest.raises(Exception, match=r"\w") as caught:
            provoke()
        told = "".join(traceback.format_exception(caught.value))
        assert search.find(told.encode()) == set(), name


def provoked(world: World, opening: tuple[SubmitModel, Opening], folder: Path) -> dict[str, Callable[[], object]]:
    """What goes wrong where a secret is at hand."""
    submission, found = opening
    statement = submission.submission.statement
    (epoch,) = world.reviewer._epochs.alive()
    sealed_by = AtRest(SEED)
    jwk = dict(paillier_jwk(world.key))
    cut = found.tables[0].randomness[:-1]
    wrong = Opening(tables=(TableOpening(points=(POINTS,), randomness=cut), *found.tables[1:]))

    def other_tables() -> object:
        return unseal(statement.sealed_opening, epoch.key, opening_info(statement.tables[:1]), Opening)

    def malformed_opening() -> object:
        data = encode(wrong).replace(str(POINTS).encode(), b'"%d"' % POINTS)
        return decode(data, Opening)

    def malformed_scorecard() -> object:
        return parse_scorecard(SCORECARD.encode())

    def odd_scorecard() -> object:
        return parse_scorecard(b'{"name": "a", "version": %d}' % POINTS)

    return {
        "other tables": other_tables,
        "malformed opening": malformed_opening,
        "malformed scorecard": malformed_scorecard,
        "odd scorecard": odd_scorecard,
        "moved value": lambda: sealed_by.open(sealed_by.seal(SCORECARD.encode(), "a"), "b"),
        "Paillier key": lambda: parse_paillier(folder / "key", jwk | {"q": jwk["p"]}),
        "Ed25519 key": lambda: keyfile.parse(
            folder / "key", {**keyfile.to_jwk(world.identities[BANK]), "x": "AAAA"}
        ),
        "encrypted key": lambda: decrypt(encrypt(jwk, SECRET)[:-9] + b"AAAAAAAA\n", SECRET),
    }
