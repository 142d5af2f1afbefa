"""Sealed reads: nothing is told before a case is closed, and nothing false can be told then."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from ledger import Ledger
from market import BANK, INSPECTOR, SUPERVISOR, TAX

from audit.entry import EntryKind as Kind
from audit.errors import FormatError
from audit.tracing.seals import Flaw, Read, case_digest, check_seals, seal

CASE, OTHER_CASE = case_digest(b"\1" * 32, "2026-7"), case_digest(b"\2" * 32, "2026-8")
SALT = b"\3" * 32
READ = Read(CASE, "contract-1", SUPERVISOR, "trace")


class Book(Ledger):
    """What the marketplace records of cases."""

    def open(self, case: str = CASE, by: str | None = SUPERVISOR) -> int:
        return self.add(Kind.CASE_OPENED, "market", counterparty=by, detail={"case": case})

    def approve(self, case: str = CASE, by: str | None = INSPECTOR) -> int:
        return self.add(Kind.CASE_APPROVED, "market", counterparty=by, detail={"case": case})

    def read(self, read: Read = READ, salt: bytes = SALT, **members: Any) -> int:
        return self.add(Kind.CASE_READ, "market", **{"detail": {"sealed": seal(salt, read)}, **members})

    def close(self, case: str = CASE) -> int:
        return self.add(Kind.CASE_CLOSED, "market", counterparty=SUPERVISOR, detail={"case": case})

    def unseal(self, index: int, read: Read = READ, salt: bytes = SALT, **detail: Any) -> int:
        said = {"case": read.case, "index": index, "read": read.what, "salt": salt.hex()} | detail
        return self.add(Kind.CASE_UNSEALED, "market", read.contract, counterparty=read.reader, detail=said)

    def whole(self) -> None:
        self.open()
        self.approve()
        index = self.read()
        self.close()
        self.unseal(index)

    @property
    def flaws(self) -> list[Flaw]:
        return check_seals(self.indexed, "market").flaws


def test_a_seal_is_the_digest_of_salt_and_canonical_json() -> None:
    what = f'{{"case":"{CASE}","contract":"contract-1","reader":"supervisor","what":"trace"}}'
    assert seal(SALT, READ) == hashlib.sha256(SALT + what.encode()).hexdigest()
    assert hashlib.sha256(b"\1" * 32 + b"2026-7").hexdigest() == CASE
    for call in (lambda: seal(b"", READ), lambda: case_digest(b"\1" * 31, "2026-7")):
        with pytest.raises(FormatError, match="32 bytes"):
            call()


def test_a_case_from_its_opening_to_its_unsealed_reads() -> None:
    book = Book()
    book.whole()
    found = check_seals(book.indexed, "market")
    assert found.flaws == []
    assert found.opened == {2: READ}
    assert found.sealed == found.open_cases == []


def test_a_sealed_read_is_no_flaw_while_a_case_is_open() -> None:
    book = Book()
    book.open()
    book.approve()
    index = book.read()
    found = check_seals(book.indexed, "market")
    assert (found.flaws, found.sealed, found.open_cases) == ([], [index], [CASE])
    book.close()
    assert book.flaws == [Flaw(index, "still sealed, and no case is open")]


Break = Callable[[Book], int]


def before(*steps: str) -> Break:
    """What is wrong is the last step."""

    def run(book: Book) -> int:
        *others, last = [getattr(book, step) for step in steps]
        for step in others:
            step()
        at: int = last()
        return at

    return run


def unsealed(read: Read = READ, salt: bytes = SALT, *, closes: bool = True, **detail: Any) -> Break:
    def run(book: Book) -> int:
        book.open()
        book.approve()
        index = book.read()
        if closes:
            book.close()
        return book.unseal(**{"index": index, "read": read, "salt": salt, **detail})

    return run


def sealed_otherwise(read: Read) -> Break:
    """The seal itself is of something that cannot be."""

    def run(book: Book) -> int:
        book.open()
        book.approve()
        index = book.read(read)
        book.close()
        return book.unseal(index, read)

    return run


def again(book: Book) -> int:
    book.whole()
    return book.unseal(2)


def named(**members: Any) -> Break:
    def run(book: Book) -> int:
        book.open()
        book.approve()
        return book.read(**members)

    return run


def under_a_later_case(book: Book) -> int:
    """A read while another case was open cannot be put to a case that is approved after it."""
    book.open(OTHER_CASE)
    book.approve(OTHER_CASE)
    index = book.read()
    book.open()
    book.approve()
    book.close()
    return book.unseal(index)


FORGED: list[tuple[str, Break, str]] = [
    ("opened twice", before("open", "open"), "second time"),
    ("opened under no digest", lambda book: book.open("2026-7"), "no digest"),
    ("approved before", before("approve"), "not open"),
    ("approved twice", before("open", "approve", "approve"), "second time"),
    ("approved by who opened", lambda book: (book.open(), book.approve(by=SUPERVISOR))[1], "by who opened it"),
    ("approved by nobody", lambda book: (book.open(), book.approve(by=None))[1], "by who opened it"),
    ("closed twice", before("open", "close", "close"), "not open"),
    ("read before approval", before("open", "read"), "without an approved case"),
    ("read after closing", before("open", "approve", "close", "read"), "without an approved case"),
    ("read that names its contract", named(contract="contract-1"), "not sealed"),
    ("read that names a party", named(counterparty=BANK), "not sealed"),
    ("read that says more", named(detail={"sealed": seal(SALT, READ), "case": CASE}), "not sealed"),
    ("read without a seal", named(detail={"sealed": "none"}), "not sealed"),
    ("another contract", unsealed(Read(CASE, "contract-2", SUPERVISOR, "trace")), "not what was sealed"),
    ("another reader", unsealed(Read(CASE, "contract-1", INSPECTOR, "trace")), "not what was sealed"),
    ("another case", unsealed(Read(OTHER_CASE, "contract-1", SUPERVISOR, "trace")), "not what was sealed"),
    ("another thing", unsealed(Read(CASE, "contract-1", SUPERVISOR, "consents")), "not what was sealed"),
    ("another salt", unsealed(salt=b"\4" * 32), "not what was sealed"),
    ("no salt", unsealed(salt=b""), "not what was sealed"),
    ("no such read", unsealed(index=0), "no sealed read"),
    ("unsealed again", again, "unsealed already"),
    ("unsealed while open", unsealed(closes=False), "not closed"),
    ("under a later case", under_a_later_case, "no read under this case"),
    ("by another supervisor", sealed_otherwise(Read(CASE, "contract-1", INSPECTOR, "trace")), "did not open"),
    ("what is no read", sealed_otherwise(Read(CASE, "contract-1", SUPERVISOR, "scores")), "none of a case's"),
]


@pytest.mark.parametrize(("run", "said"), [each[1:] for each in FORGED], ids=[each[0] for each in FORGED])
def test_what_breaks_the_rules_of_cases_is_found(run: Break, said: str) -> None:
    book = Book()
    index = run(book)
    assert [flaw.index for flaw in book.flaws][:1] == [index] or index in [flaw.index for flaw in book.flaws]
    assert any(said in flaw.problem for flaw in book.flaws if flaw.index == index)


def test_only_who_runs_the_log_reports_what_is_about_cases() -> None:
    book = Book()
    index = book.add(Kind.CASE_UNSEALED, TAX, "contract-1")
    assert [(flaw.index, flaw.problem) for flaw in book.flaws] == [(index, f"{TAX} reports what is about cases")]
