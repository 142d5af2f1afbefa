"""A provider's admission against the marketplace's commands: what a permit covers, and every way it does not."""

import dataclasses
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from market import (
    BANK,
    DAY,
    KEYS,
    LABOUR,
    NOW,
    OTHER,
    REVIEWER,
    SALTS,
    SEED,
    TAX,
    VERSIONS,
    Market,
    commitments,
    open_market,
    terms,
)
from node.conftest import AT_REST
from node.exchange_client import ExchangeClient
from node.statements import NOBODY, answer, model_approval, registration
from node.statements import job as made_job
from sqlalchemy import Engine, text
from world import POLICY

from audit.database import open_engine
from audit.salts import SaltTree
from audit.subjects import SubjectTree
from compute.binning import CategoryBins
from compute.canonical import HOUR, encode
from compute.node import admission
from compute.node.admission import PermitAdmission
from compute.node.answers import AnswerStore
from compute.node.at_rest import AtRestError
from compute.node.directory import LIFETIME, Directory
from compute.node.erasure import Eraser
from compute.node.provider.uses import UseStore
from compute.node.registry import RegistryStore
from compute.node.salted import KEPT_FOR, Salted
from compute.node.salts import SaltStore
from compute.permit import PermitStatus, issue
from compute.protocols.base import RefusalError
from compute.protocols.holding import Holding
from compute.protocols.permit_presentation.bank import presentation
from compute.protocols.permit_presentation.messages import PermitPresented, PresentPermit
from compute.protocols.risk_score.bin_histogram import HistogramQuestion
from compute.protocols.risk_score.checks import Domain, Registered
from compute.protocols.risk_score.messages import JobStatement, ModelApproval, RegisteredTables
from compute.records import Consents
from compute.signing import Pin, Signed, digest, sign
from compute.web.errors import PeerUnreachableError

SUBJECTS = ("91350200MA2Y8QJX3K", "91110000100000001X", "911100001000000028")
ABSENT = ("91330106MA2CFLDG4R", "91440300MA5EQXL17P")
PINNED = {name: Pin("operator", KEYS[name].public_key().public_bytes_raw()) for name in ("market", "operator")}
MAX_USES = 10


@dataclasses.dataclass
class Desk(ExchangeClient):
    """The exchange as the provider asks it; a test may have it lie, or be gone."""

    status_lie: Callable[[Signed[PermitStatus]], Signed[PermitStatus]] | None = None
    consents_lie: Callable[[Consents], Consents] | None = None
    gone: bool = False

    def permit_status(self, permit: str, nonce: bytes) -> Signed[PermitStatus]:
        if self.gone:
            raise PeerUnreachableError("no answer")
        true = super().permit_status(permit, nonce)
        return true if self.status_lie is None else self.status_lie(true)

    def consents(self, contract: str, batches: int = 0, withdrawals: int = 0) -> Consents:
        true = super().consents(contract, batches, withdrawals)
        return true if self.consents_lie is None else self.consents_lie(true)


@dataclasses.dataclass
class Office:
    """The tax office's admission, and what the bank would send to it."""

    market: Market
    desk: Desk
    admission: PermitAdmission
    registry: RegistryStore
    answers: AnswerStore
    salts: SaltStore
    uses: UseStore
    engine: Engine
    seconds: list[float]

    def agree(self, reference: str = "loans-1", **changes: Any) -> str:
        """Bring a contract in force and give its name."""
        asked = terms(reference, **{"max_uses": MAX_USES} | changes)
        exchange = self.market.exchange
        exchange.apply(BANK, reference, asked)
        for party in (TAX, LABOUR):
            self.market.approve(party, asked.contract)
        for party in (BANK, TAX, LABOUR):
            exchange.sign_contract(party, self.market.signed(party, asked.contract))
        return asked.contract

    def permit(self, contract: str) -> str:
        return self.market.exchange.permit_for(BANK, contract, TAX).id

    def presentation(self, name: str, bank: str = BANK, **changes: Any) -> PresentPermit:
        """What the bank presents; `changes` are of the statement, which it signs whatever it says."""
        exchange = self.market.exchange
        token = exchange.permit_for(BANK, name, TAX).token
        signed = exchange.contract(BANK, name).signed
        message = presentation(bank, KEYS[bank], token, signed, SEED, self.market.clock.now)
        statement = msgspec.structs.replace(message.presentation.statement, **changes)
        return PresentPermit(presentation=sign(statement, bank, KEYS[bank]))

    def present(self, contract: str) -> PermitPresented:
        return self.admission.present(self.presentation(contract))

    def consent(self, contract: str, batch: str = "batch-1", subjects: tuple[str, ...] = SUBJECTS) -> None:
        self.market.exchange.register_consents(BANK, self.market.batch(contract, batch, subjects))

    def later(self, milliseconds: int) -> None:
        self.market.clock.now += milliseconds
        self.seconds[0] += milliseconds / 1000

    def job(self, contract: str, number: int = 1, rows: int = 3, bank: str = BANK) -> JobStatement:
        made = made_job(number, rows, self.permit(contract), bank)
        (offer,) = made.providers
        offer = msgspec.structs.replace(offer, statement=msgspec.structs.replace(offer.statement, provider=TAX))
        return msgspec.structs.replace(made, providers=(offer,))


@contextmanager
def open_office(folder: Path) -> Iterator[Office]:
    with open_market(folder / "market.db") as market:
        market.enrol()
        market.publish()
        engine, seconds = open_engine(folder / "tax.sqlite"), [0.0]
        desk = Desk(market, TAX)
        pins = Directory(desk, PINNED, "operator", lambda: seconds[0])  # type: ignore[arg-type]
        holding = Holding("market-registration", "1.0.0", "0" * 64, "2026-11-01", {}, (), _no_rows)
        registry, answers = RegistryStore(engine), AnswerStore(engine)
        salts, uses = SaltStore(engine, AT_REST), UseStore(engine)
        admission = PermitAdmission(
            Domain(TAX, REVIEWER, pins, holding, POLICY),
            "market",
            desk,
            registry,
            answers,
            salts,
            uses,
            market.clock,  # type: ignore[arg-type]
        )
        yield Office(market, desk, admission, registry, answers, salts, uses, engine, seconds)
        engine.dispose()


def _no_rows(*_: object) -> Any:
    raise AssertionError("admission looks at no row")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


@pytest.fixture
def contract(office: Office) -> str:
    """A contract in force; its permit is presented, and all subjects consent."""
    name = office.agree()
    office.present(name)
    office.consent(name)
    return name


def registered(
    *fields: str,
    purpose: str = "credit_approval",
    reviewer: str = REVIEWER,
    providers: tuple[str, ...] = (LABOUR, TAX),
) -> Registered:
    bins = tuple(CategoryBins(column=name, groups=(("a",), ("b",))) for name in sorted(fields or ("naics",)))
    tables = msgspec.structs.replace(registration(1, BANK).tables, bins=bins)
    made = model_approval(1, BANK)
    parts = []
    for provider in providers:
        _, product, version = VERSIONS.get(provider, VERSIONS[LABOUR])
        places = {"provider": provider, "product": product, "product_version": version}
        parts.append(msgspec.structs.replace(made.tables[0], **places))
    approval = msgspec.structs.replace(made, purpose=purpose, reviewer=reviewer, tables=tuple(parts))
    return Registered(tables, approval, [])


def of(model: Registered) -> tuple[ModelApproval, RegisteredTables]:
    return model.approval, model.tables


@contextmanager
def refused(check: int, reason: str) -> Iterator[list[RefusalError]]:
    caught: list[RefusalError] = []
    with pytest.raises(RefusalError) as raised:
        yield caught
    caught.append(raised.value)
    assert raised.value.check == check
    assert reason in raised.value.reason
    assert raised.value.remedy


def use(office: Office, contract: str, number: int, rows: int) -> None:
    """Store an answer of so many rows, as the provider does."""
    job = office.job(contract, number, rows)
    made = answer(job)
    made = msgspec.structs.replace(made, statement=msgspec.structs.replace(made.statement, provider=TAX))
    assert office.answers.put(job, made, office.admission.admit_job(job, registered()), NOBODY) == made


# --- what is allowed ---------------------------------------------------------------------------------------------


def test_a_permit_that_covers_model_and_job_admits_both(office: Office, contract: str) -> None:
    office.admission.admit_model(*of(registered("naics", "franchise")))
    job = office.job(contract)
    assert office.admission.admit_job(job, registered("naics")) == MAX_USES
    office.admission.admit_subjects(job, SUBJECTS)
    office.admission.admit_subjects(job, ())


def test_any_of_a_bank_s_permits_covers_a_model(office: Office, contract: str) -> None:
    other = office.agree("monitoring", purpose="credit_monitoring")
    office.later(1)
    office.present(other)
    assert office.registry.permits_of(BANK) == [office.permit(other), office.permit(contract)]
    for purpose in ("credit_approval", "credit_monitoring"):
        office.admission.admit_model(*of(registered(purpose=purpose)))


def asked(*fields: str, bank: str = BANK) -> HistogramQuestion:
    return HistogramQuestion(
        bank=bank,
        provider=TAX,
        product="market-registration",
        product_version="1.0.0",
        bins=tuple(CategoryBins(column=name, groups=(("a",),)) for name in sorted(fields)),
        nonce=bytes(32),
    )


def test_a_histogram_is_for_a_bank_with_a_permit_for_its_fields_and_for_the_contract_s_reviewer(
    office: Office, contract: str
) -> None:
    office.admission.admit_question(asked("naics", "franchise"))
    with refused(5, "state of market-registration not granted"):
        office.admission.admit_question(asked("naics", "state"))
    with refused(5, f"{OTHER} presented no permit"):
        office.admission.admit_question(asked("naics", bank=OTHER))
    domain = office.admission._domain
    office.admission._domain = dataclasses.replace(domain, reviewer="a-friend")
    with refused(5, f"the contract names the reviewer {REVIEWER}, and the histogram is for a-friend"):
        office.admission.admit_question(asked("naics"))
    office.admission._domain = domain
    office.market.exchange.revoke_permit(TAX, office.permit(contract))
    with refused(5, "permit check 4: "):
        office.admission.admit_question(asked("naics"))


def test_a_presentation_that_comes_again_changes_nothing(office: Office) -> None:
    message = office.presentation(office.agree())
    first = office.admission.present(message)
    office.later(1000)
    assert office.admission.present(message) == first


def test_every_use_asks_for_the_status_anew(office: Office, contract: str) -> None:
    job, before = office.job(contract), office.desk.asked
    for _ in range(3):
        office.admission.admit_job(job, registered())
    assert office.desk.asked >= before + 3


# --- presentations -----------------------------------------------------------------------------------------------


def test_a_presentation_is_the_bank_s_own(office: Office) -> None:
    name = office.agree()
    message = office.presentation(name)
    for forged in (
        sign(message.presentation.statement, BANK, KEYS[OTHER]),
        sign(message.presentation.statement, OTHER, KEYS[OTHER]),
    ):
        with refused(1, "sign"):
            office.admission.present(PresentPermit(presentation=forged))
    with refused(1, "no key of nobody"):
        statement = msgspec.structs.replace(message.presentation.statement, bank="nobody")
        office.admission.present(PresentPermit(presentation=sign(statement, "nobody", KEYS[BANK])))
    with refused(1, "cannot sign as consumer"):
        office.admission.present(office.presentation(name, bank=LABOUR))
    assert office.registry.permits_of(BANK) == []


def test_another_bank_cannot_present_a_permit_that_is_not_its_own(office: Office) -> None:
    name = office.agree()
    with refused(3, "permit check 2: the permit is for bank at"):
        office.admission.present(office.presentation(name, bank=OTHER))
    assert office.registry.permits_of(OTHER) == []


@pytest.mark.parametrize("age", [HOUR + 1, -HOUR - 1])
def test_a_presentation_is_of_the_last_hour(office: Office, age: int) -> None:
    name = office.agree()
    with refused(2, "not of the last hour"):
        office.admission.present(office.presentation(name, issued_at=NOW - age))


def test_an_earlier_presentation_does_not_replace_a_later_one(office: Office) -> None:
    name = office.agree()
    old = office.presentation(name)
    office.later(1000)
    office.present(name)
    with refused(2, "a later presentation"):
        office.admission.present(old)
    kept = office.registry.presented(office.permit(name))
    assert kept is not None
    assert kept[0].issued_at == NOW + 1000


def test_a_contract_has_one_seed(office: Office, contract: str) -> None:
    """Another would take from the provider every proof of the uses so far."""
    office.later(1)
    with refused(4, "another seed"):
        office.admission.present(office.presentation(contract, salt=b"\1" * 32))
    office.present(contract)
    office.admission.admit_subjects(office.job(contract), SUBJECTS)


def test_the_seed_is_kept_apart_from_the_presentation(office: Office, contract: str) -> None:
    """Else it could not be erased."""
    kept = office.registry.presented(office.permit(contract))
    assert kept is not None
    assert SEED not in encode(kept[0])
    assert b64encode(SEED) not in encode(kept[0])
    tree = office.salts.find(contract)
    assert tree is not None
    assert tree.seed == SEED


def test_a_token_is_the_marketplace_s(office: Office) -> None:
    """Neither of the bank's own making nor changed, whatever contract comes with it."""
    name = office.agree()
    held, permit = office.market.exchange.contract(BANK, name).terms, office.permit(name)
    own = issue(held, TAX, permit, "market", KEYS[BANK], NOW)
    true = office.market.exchange.permit_for(BANK, name, TAX).token
    at_labour = office.market.exchange.permit_for(BANK, name, LABOUR).token
    for token, check in ((own, 1), (true[:-6] + "AAAAAA", 1), ("token", 1)):
        with refused(3, f"permit check {check}: "):
            office.admission.present(office.presentation(name, token=token))
    with refused(3, "the marketplace: there is no permit"):  # it tells no provider of another's
        office.admission.present(office.presentation(name, token=at_labour))


def test_a_permit_without_everybody_s_signature_is_none(office: Office) -> None:
    """The marketplace alone cannot make one, nor widen it."""
    name = office.agree()
    signed = office.market.exchange.contract(BANK, name).signed
    wider = msgspec.structs.replace(signed[0].statement, max_uses=99_999)
    token = issue(wider, TAX, office.permit(name), "market", KEYS["market"], NOW)
    forged = tuple(sign(wider, each.signer, KEYS["market"]) for each in signed)
    cases = [
        ({"contract": signed[:2]}, "not signed by each of its parties once"),
        ({"contract": (signed[0], signed[2], signed[1])}, "not signed by each of its parties once"),
        ({"contract": (*signed[:2], sign(signed[0].statement, LABOUR, KEYS[TAX]))}, "does not verify"),
        ({"contract": tuple(sign(wider, each.signer, KEYS[each.signer]) for each in signed)}, "not the one that"),
        ({"contract": forged, "token": token}, "does not verify"),
    ]
    for changes, reason in cases:
        with refused(3, "permit check 5: ") as errors:
            office.admission.present(office.presentation(name, **changes))
        assert reason in errors[0].reason
    assert office.registry.permits_of(BANK) == []


# --- models and jobs ---------------------------------------------------------------------------------------------


def test_without_a_permit_presented_nothing_is_admitted(office: Office) -> None:
    name = office.agree()
    job = office.job(name)
    with refused(8, "bank presented no permit here"):
        office.admission.admit_model(*of(registered()))
    with refused(9, "bank presented no permit"):
        office.admission.admit_job(job, registered())
    with refused(9, "bank presented no permit"):
        office.admission.admit_subjects(job, SUBJECTS)


def test_a_permit_serves_the_bank_that_presented_it(office: Office, contract: str) -> None:
    job = office.job(contract, bank=OTHER)
    with refused(9, f"{OTHER} presented no permit"):
        office.admission.admit_job(job, registered())
    with refused(9, f"{OTHER} presented no permit"):
        office.admission.admit_subjects(job, SUBJECTS)
    approval, tables = of(registered())
    with refused(8, f"{OTHER} presented no permit"):
        office.admission.admit_model(approval, msgspec.structs.replace(tables, bank=OTHER))


def test_a_job_that_leaves_this_provider_out_names_no_permit(office: Office, contract: str) -> None:
    elsewhere = msgspec.structs.replace(office.job(contract), providers=made_job(1).providers)
    with refused(9, "names no permit for"):
        office.admission.admit_job(elsewhere, registered())


BEYOND = [
    (registered("naics", "state"), "permit check 7: state of market-registration not granted"),
    (registered(purpose="prescreening"), "permit check 6: prescreening is not credit_approval"),
    (registered(reviewer="a-friend"), f"approved by a-friend, the contract names {REVIEWER}"),
    (registered(providers=("shadow", TAX)), "the model takes shadow"),
]


@pytest.mark.parametrize(("model", "reason"), BEYOND, ids=["field", "purpose", "reviewer", "provider"])
def test_what_lies_beyond_the_contract_is_refused(
    office: Office, contract: str, model: Registered, reason: str
) -> None:
    with refused(8, reason):
        office.admission.admit_model(*of(model))
    with refused(9, reason):
        office.admission.admit_job(office.job(contract), model)


ENDS: list[tuple[Callable[[Office, str], object], str]] = [
    (lambda o, name: o.market.exchange.revoke_permit(TAX, o.permit(name)), "permit check 4: "),
    (lambda o, name: o.market.exchange.terminate_contract(BANK, name), "permit check 4: "),
    (lambda o, name: o.market.exchange.suspend_contract("operator", name), "permit check 4: "),
    (lambda o, _: o.market.exchange.suspend_party("operator", REVIEWER), "permit check 4: "),
    (lambda o, _: o.later(30 * DAY), "permit check 3: "),
]


@pytest.mark.parametrize(
    ("end", "reason"), ENDS, ids=["revoked", "terminated", "suspended", "no reviewer", "term over"]
)
def test_a_permit_that_stands_no_more_admits_nothing(
    office: Office, contract: str, end: Callable[[Office, str], object], reason: str
) -> None:
    job = office.job(contract)
    end(office, contract)
    with refused(9, reason):
        office.admission.admit_job(job, registered())
    with refused(8, reason):
        office.admission.admit_model(*of(registered()))


def test_a_suspended_bank_is_a_stranger_within_a_minute(office: Office, contract: str) -> None:
    job = office.job(contract)
    office.market.exchange.suspend_party("operator", BANK)
    with refused(9, "permit check 4: "):
        office.admission.admit_job(job, registered())
    office.later(int(LIFETIME * 1000))
    with refused(9, "no key of bank"):
        office.admission.admit_subjects(job, SUBJECTS)


STATUS_LIES: list[Callable[[Signed[PermitStatus]], Signed[PermitStatus]]] = [
    lambda true: sign(true.statement, "market", KEYS[BANK]),
    lambda true: sign(true.statement, "operator", KEYS["operator"]),
    lambda true: sign(msgspec.structs.replace(true.statement, nonce=bytes(32)), "market", KEYS["market"]),
    lambda true: sign(msgspec.structs.replace(true.statement, permit="permit-x"), "market", KEYS["market"]),
    lambda true: sign(msgspec.structs.replace(true.statement, at=NOW - 5001), "market", KEYS["market"]),
]


@pytest.mark.parametrize("lie", STATUS_LIES, ids=["the bank's", "the operator's", "a replay", "another's", "old"])
def test_only_the_marketplace_s_fresh_word_on_this_permit_counts(
    office: Office, contract: str, lie: Callable[[Signed[PermitStatus]], Signed[PermitStatus]]
) -> None:
    office.desk.status_lie = lie
    with refused(9, "permit check 4: "):
        office.admission.admit_job(office.job(contract), registered())


def test_a_marketplace_out_of_reach_is_no_refusal_of_the_permit(office: Office, contract: str) -> None:
    office.desk.gone = True
    with pytest.raises(PeerUnreachableError):
        office.admission.admit_job(office.job(contract), registered())


def test_uses_are_counted_over_all_jobs_of_the_permit(office: Office, contract: str) -> None:
    use(office, contract, 1, 4)
    assert office.admission.admit_job(office.job(contract, 2, MAX_USES - 4), registered()) == MAX_USES
    with refused(9, f"permit check 7: {MAX_USES - 3} uses asked, {MAX_USES - 4} of {MAX_USES} left"):
        office.admission.admit_job(office.job(contract, 2, MAX_USES - 3), registered())
    use(office, contract, 2, MAX_USES - 4)
    with refused(9, f"1 uses asked, 0 of {MAX_USES} left"):
        office.admission.admit_job(office.job(contract, 3, 1), registered())
    other = office.agree("loans-2")
    office.present(other)
    assert office.admission.admit_job(office.job(other, 3, 1), registered()) == MAX_USES


# --- consents ----------------------------------------------------------------------------------------------------


def test_a_refusal_lists_exactly_those_who_do_not_consent(office: Office, contract: str) -> None:
    asked = (ABSENT[0], SUBJECTS[0], ABSENT[1], *SUBJECTS[1:])
    with refused(9, "2 of 5 subjects have no consent") as errors:
        office.admission.admit_subjects(office.job(contract), asked)
    assert errors[0].subjects == ABSENT
    assert not any(subject in errors[0].reason + errors[0].remedy for subject in asked)


def test_a_consent_that_was_withdrawn_or_has_expired_stands_no_more(office: Office, contract: str) -> None:
    job = office.job(contract)
    office.later(1000)
    office.market.exchange.withdraw_consent(BANK, office.market.withdrawal(contract, SUBJECTS[:1]))
    with refused(9, "1 of 3 subjects") as errors:
        office.admission.admit_subjects(job, SUBJECTS)
    assert errors[0].subjects == SUBJECTS[:1]
    office.later(1000)
    office.consent(contract, "batch-2", SUBJECTS[:1])
    office.admission.admit_subjects(job, SUBJECTS)
    office.later(DAY - 1000)  # the first batch is over, the second is not
    with refused(9, "2 of 3 subjects") as errors:
        office.admission.admit_subjects(job, SUBJECTS)
    assert errors[0].subjects == SUBJECTS[1:]


@pytest.mark.usefixtures("contract")
def test_consents_of_another_contract_or_under_another_seed_do_not_count(office: Office) -> None:
    other = office.agree("loans-2")
    office.present(other)
    with refused(9, "3 of 3 subjects"):
        office.admission.admit_subjects(office.job(other), SUBJECTS)
    third = office.agree("loans-3")
    office.admission.present(office.presentation(third, salt=b"\1" * 32))
    office.consent(third)
    with refused(9, "3 of 3 subjects"):
        office.admission.admit_subjects(office.job(third), SUBJECTS)


def test_a_use_is_kept_as_a_tree_over_its_subjects(office: Office, contract: str) -> None:
    job = office.job(contract)
    for _ in range(2):
        office.admission.keep_use(job, SUBJECTS)
    assert office.uses.of(contract) == [digest(job)]
    tree = office.uses.tree(digest(job))
    assert tree is not None
    assert tree.root == SubjectTree.of_use(SALTS, digest(job), SUBJECTS).root  # the bank's
    assert tree.size == len(SUBJECTS)


def test_an_erased_subject_is_admitted_no_more(office: Office, contract: str) -> None:
    eraser = Eraser(office.engine, AT_REST, 0, office.market.clock)
    assert eraser.erase(SUBJECTS[1], contract, NOW).is_new
    job = office.job(contract)
    with refused(9, "1 of 3 subjects have no consent") as errors:
        office.admission.admit_subjects(job, SUBJECTS)
    assert errors[0].subjects == SUBJECTS[1:2]
    with refused(9, "erased meanwhile"):
        office.admission.keep_use(job, SUBJECTS)
    assert office.uses.of(contract) == []
    office.later(1)
    office.present(contract)  # the same seed again
    with refused(9, "1 of 3 subjects"):
        office.admission.admit_subjects(job, SUBJECTS)
    office.admission.admit_subjects(job, (SUBJECTS[0], SUBJECTS[2]))


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """For whom something is derived from salts, once a job of two subjects is one of many."""
    asked: list[Sequence[str]] = []
    derive = SaltTree.salts

    def counted(tree: SaltTree, subjects: Sequence[str]) -> list[bytes | None]:
        asked.append(subjects)
        return derive(tree, subjects)

    monkeypatch.setattr(SaltTree, "salts", counted)
    monkeypatch.setattr(admission, "MANY", 2)
    return asked


def kept(office: Office) -> int:
    with office.engine.begin() as connection:
        return int(connection.execute(text("SELECT count(*) FROM salted_jobs")).scalar_one())


def test_of_a_large_job_all_is_derived_once(office: Office, contract: str, derived: list[Sequence[str]]) -> None:
    job = office.job(contract)
    for _ in range(2):  # when it comes, and when it is answered
        office.admission.admit_subjects(job, SUBJECTS)
    assert kept(office) == 1
    office.admission.keep_use(job, SUBJECTS)
    assert derived == [SUBJECTS]
    assert kept(office) == 0
    tree = office.uses.tree(digest(job))
    assert tree is not None
    assert tree.root == SubjectTree.of_use(SALTS, digest(job), SUBJECTS).root
    office.admission.admit_subjects(job, SUBJECTS[:1])  # a small one
    assert kept(office) == 0


@pytest.mark.usefixtures("derived")
def test_of_a_large_job_consents_and_erasures_are_found_anew(office: Office, contract: str) -> None:
    job, other = office.job(contract), office.job(contract, 2)
    for each in (job, other):
        office.admission.admit_subjects(each, SUBJECTS)
    office.later(1000)
    office.market.exchange.withdraw_consent(BANK, office.market.withdrawal(contract, SUBJECTS[:1]))
    with refused(9, "1 of 3 subjects") as errors:
        office.admission.admit_subjects(job, SUBJECTS)
    assert errors[0].subjects == SUBJECTS[:1]
    assert kept(office) == 2
    Eraser(office.engine, AT_REST, 0, office.market.clock).erase(SUBJECTS[1], contract, NOW)
    assert kept(office) == 0
    with refused(9, "erased meanwhile"):
        office.admission.keep_use(job, SUBJECTS)
    with refused(9, "2 of 3 subjects") as errors:
        office.admission.admit_subjects(job, SUBJECTS)
    assert errors[0].subjects == SUBJECTS[:2]
    assert kept(office) == 0


@pytest.mark.usefixtures("derived")
def test_what_was_derived_from_salts_that_changed_meanwhile_is_not_kept(office: Office, contract: str) -> None:
    job = digest(office.job(contract))
    found = office.salts.find_marked(contract)
    assert found is not None
    tree, mark = found
    Eraser(office.engine, AT_REST, 0, office.market.clock).erase(SUBJECTS[1], contract, NOW)
    office.salts.keep_salted(contract, job, Salted.of(tree, job, SUBJECTS), mark, NOW)
    assert kept(office) == 0


@pytest.mark.usefixtures("derived")
def test_nobody_gets_subjects_admitted_by_altering_the_file(office: Office, contract: str) -> None:
    """Not by what another job's subjects have, and not by that of another contract."""
    job, other = office.job(contract), office.job(contract, 2)
    office.admission.admit_subjects(job, SUBJECTS)
    with office.engine.begin() as connection:
        connection.execute(text("UPDATE salted_jobs SET job = :job"), {"job": digest(other)})
    with pytest.raises(AtRestError):
        office.admission.admit_subjects(other, ABSENT)


@pytest.mark.usefixtures("derived")
def test_what_was_kept_for_a_job_without_an_answer_is_deleted(office: Office, contract: str) -> None:
    office.admission.admit_subjects(office.job(contract), SUBJECTS)
    office.market.clock.now += KEPT_FOR + 1
    found = office.salts.find_marked(contract)
    assert found is not None
    job = digest(office.job(contract, 2))
    office.salts.keep_salted(contract, job, Salted.of(found[0], job, SUBJECTS), found[1], office.market.clock.now)
    assert kept(office) == 1


def test_without_its_salts_a_contract_admits_nobody(office: Office, contract: str) -> None:
    with office.engine.begin() as connection:
        connection.execute(text("DELETE FROM salt_trees"))
    with refused(9, "no salts of the contract"):
        office.admission.admit_subjects(office.job(contract), SUBJECTS)


def claimed(consents: Consents, signer: str, key: str, **changes: Any) -> Consents:
    """The consents with one batch more, of those who gave none, signed as whom and by whose key."""
    statement = msgspec.structs.replace(
        consents.batches[0].statement, batch="more", commitments=commitments(ABSENT), **changes
    )
    return msgspec.structs.replace(consents, batches=(*consents.batches, sign(statement, signer, KEYS[key])))


LIES: list[tuple[Callable[[Consents], Consents], str]] = [
    (lambda true: claimed(true, BANK, "market"), "does not verify"),
    (lambda true: claimed(true, "market", "market"), "signed by market"),
    (lambda true: claimed(true, OTHER, OTHER), f"signed by {OTHER}"),
    (lambda true: claimed(true, TAX, TAX), f"signed by {TAX}"),
    (lambda true: claimed(true, BANK, BANK, contract="contract-x"), "of another contract"),
    (
        lambda true: msgspec.structs.replace(
            true,
            batches=tuple(
                msgspec.structs.replace(
                    each, statement=msgspec.structs.replace(each.statement, commitments=commitments(ABSENT))
                )
                for each in true.batches
            ),
        ),
        "does not verify",
    ),
]


@pytest.mark.parametrize(
    ("lie", "reason"),
    LIES,
    ids=["the marketplace's", "in its name", "another bank's", "a provider's", "another contract's", "changed"],
)
def test_no_consent_counts_but_what_the_bank_signed(
    office: Office, contract: str, lie: Callable[[Consents], Consents], reason: str
) -> None:
    office.desk.consents_lie = lie
    for asked in (ABSENT, SUBJECTS):
        with refused(9, reason) as errors:
            office.admission.admit_subjects(office.job(contract), asked)
        assert errors[0].subjects == ()


def test_a_withdrawal_that_the_bank_never_signed_counts_as_little(office: Office, contract: str) -> None:
    withdrawal = office.market.withdrawal(contract, SUBJECTS)
    forged = sign(withdrawal.statement, BANK, KEYS["market"])
    office.desk.consents_lie = lambda true: msgspec.structs.replace(true, withdrawals=(forged,))
    with refused(9, "does not verify"):
        office.admission.admit_subjects(office.job(contract), SUBJECTS)


def test_a_permit_revoked_here_is_refused_whatever_the_marketplace_says(office: Office, contract: str) -> None:
    office.registry.revoke(office.permit(contract), office.market.clock.now)
    with refused(9, "is revoked"):
        office.admission.admit_job(office.job(contract), registered())
    with refused(8, "is revoked"):
        office.admission.admit_model(*of(registered()))
