"""The whole story over real processes: from enrolment to an audit whose proofs are verified."""

from collections.abc import Callable
from functools import partial

from entry import admit_over
from market import BANK, DESCRIPTIONS, KEYS, LABOUR, RECORDS, REVIEWER, SALTS, TAX, VERSIONS, WHY
from marketplace_api.process import SUBJECTS, Server, active, batch, current_terms, now, offer, publish, withdrawal

from audit import receipt as receipts
from audit.entry import EntryKind, encode
from audit.merkle import Frontier, leaf_hash
from compute.market.products import StopReason
from compute.permit import check_permit
from compute.records import commitment
from compute.signing import Pin, digest, sign, verify
from compute.terms import Terms, Use

PROVIDERS = (TAX, LABOUR)
NONCE = b"\7" * 32


def use_of(terms: Terms) -> Use:
    """What the bank asks of the first provider."""
    grant = terms.grants[0]
    return Use(
        consumer=BANK,
        provider=grant.provider,
        product=grant.product,
        product_version=grant.product_version,
        fields=frozenset(grant.fields),
        operation=terms.operation,
        purpose=terms.purpose,
        uses=2,
        used=0,
        time=now(),
    )


def test_from_enrolment_to_a_verified_audit(own_server: Callable[[], Server]) -> None:
    server = own_server()
    pins = {name: RECORDS[name].pin for name in (BANK, *PROVIDERS, REVIEWER)}
    pins["market"] = Pin("operator", server.market_key)
    pins["operator"] = Pin("operator", KEYS["operator"].public_key().public_bytes_raw())
    with (
        server.client("operator") as operator,
        server.client(BANK) as bank,
        server.client(TAX) as tax,
        server.client(LABOUR) as labour,
    ):
        clients = {BANK: bank, TAX: tax, LABOUR: labour}
        # enrol
        for name in (BANK, *PROVIDERS, REVIEWER):
            record = RECORDS[name]
            admit_over(server.url, server.folder / "ca.pem", operator, name, record.kind)
            made = operator.enrol(sign(record, name, KEYS[name]), sign(record, "operator", KEYS["operator"]))
            assert (made.name, made.state) == (name, "enrolled")
        directory = [verify(signed, "operator", "operator", pins) for signed in bank.directory()]
        assert directory == sorted((RECORDS[name] for name in pins if name in RECORDS), key=lambda r: r.name)
        # publish
        publish(server)
        assert sorted((e.provider, e.product, e.version) for e in bank.products()) == sorted(VERSIONS.values())
        assert bank.product(*VERSIONS[TAX]).description.encode() == DESCRIPTIONS[TAX]
        # apply, approve
        asked = current_terms("loans-1")
        name = asked.contract
        assert bank.apply("loans-1", asked).state == "submitted"
        assert tax.approve(name, digest(asked).hex()).parts == {TAX: "approved", LABOUR: "submitted"}
        assert labour.approve(name, digest(asked).hex()).state == "approved"
        assert [found.terms for found in tax.applications().items] == [asked]
        assert bank.application(name).state == "approved"
        # contract
        for party, client in clients.items():
            held = client.contract(name)
            assert held.state == "drafted"
            made_contract = client.sign(sign(held.terms, party, KEYS[party]))
        assert made_contract.state == "active"
        assert [signed.signer for signed in made_contract.signed] == [BANK, *PROVIDERS]
        # consent
        assert bank.register_consents(batch(name, "batch-1")) == len(SUBJECTS)
        assert bank.withdraw_consents(withdrawal(name, SUBJECTS[:1])) == 1
        consents = tax.consents(name)
        for signed in consents.batches:
            verify(signed, BANK, "consumer", pins)
        assert consents.standing(now() + 1) == {
            commitment(SALTS.salt(subject), subject) for subject in SUBJECTS[1:]
        }
        # use
        permit = tax.permit(name, TAX)
        status = tax.permit_status(permit.permit, NONCE)
        allowed = check_permit(
            permit.token,
            tax.contract(name).signed,
            status,
            nonce=NONCE,
            issuer="market",
            pins=pins,
            use=use_of(asked),
        )
        assert allowed.jti == permit.permit
        # audit
        event = server.entry(
            EntryKind.ANSWER_SENT,
            TAX,
            name,
            counterparty=BANK,
            permit_id=permit.permit,
            job="cd" * 32,
            detail={"rows": 2},
        )
        index = server.append(event)
        assert server.append(event) == index
        trace = bank.trace(name)
        assert [entry.kind.value for _, entry in trace] == [
            "application_submitted",
            "application_approved",
            "application_approved",
            "contract_drafted",
            "price_agreed",
            "price_agreed",
            "contract_signed",
            "contract_signed",
            "contract_signed",
            "contract_activated",
            "permit_issued",
            "permit_issued",
            "consent_registered",
            "consent_noticed",
            "consent_withdrawn",
            "answer_sent",
        ]
        with server.open_log() as log:
            for place, entry in trace:
                receipts.verify(encode(entry), log.receipt(place), server.policy, now() // 1000)
            checkpoint = log.published()
        frontier = Frontier()
        for entry in server.entries():
            frontier.append(leaf_hash(encode(entry)))
        assert (checkpoint.size, checkpoint.root) == (frontier.size, frontier.root())
        # the provider ends it
        assert tax.revoke_permit(permit.permit, WHY).state == "revoked"
        assert not tax.permit_status(permit.permit, NONCE).statement.active
    assert not any(subject in server.log for subject in SUBJECTS)


def test_the_other_moves(server: Server) -> None:
    asked = current_terms("other-moves")
    name, (tax_grant, _) = asked.contract, asked.grants
    with server.client("operator") as operator, server.client(BANK) as bank, server.client(TAX) as tax:
        bank.apply("other-moves", asked)
        assert tax.return_for_correction(name, WHY).state == "returned"
        assert bank.resubmit(name, tax_grant).state == "submitted"
        assert tax.reject(name, WHY).state == "rejected"
        assert operator.organisations.suspend("other-bank", "breach").state == "suspended"
        assert operator.organisations.reinstate("other-bank").state == "admitted"
        key = VERSIONS[TAX]
        second = DESCRIPTIONS[TAX].replace(b'version = "1.0.0"', b'version = "1.0.1"')
        assert offer(server, TAX, second).version == "1.0.1"
        other = (*key[:2], "1.0.1")
        assert operator.product_desk.suspend(*other, StopReason.QUALITY, "counted twice").state == "suspended"
        assert operator.product_desk.reinstate(*other).state == "listed"
        assert tax.product_desk.delist(*other, StopReason.REPLACED).state == "delisted"
        assert other[2] not in [entry.version for entry in bank.products() if entry.provider == TAX]


def test_a_contract_is_suspended_reinstated_and_terminated(server: Server) -> None:
    name = active(server, "suspended")
    with server.client("operator") as operator, server.client(LABOUR) as labour:
        permit = labour.permit(name, LABOUR).permit
        for move, state, stands in (
            (partial(operator.contracts.suspend, why=WHY), "suspended", False),
            (operator.contracts.reinstate, "active", True),
            (partial(labour.contracts.terminate, why=WHY), "terminated", False),
        ):
            assert move(name).state == state
            assert labour.permit_status(permit, NONCE).statement.active == stands
