"""Evidence packs: what is in them holds, whatever is done to them is found, and a stranger checks them offline."""

import hashlib
import io
import json
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import log_story as story
import pytest
from log_story import BANK, CONTRACT, LABOUR, MARKET, NOW, OFFICE, TAX, Teller, lay

from audit.checkpoint import Checkpoint
from audit.entry import Entry, EntryKind, encode, parse, sign
from audit.errors import Damage, FormatError, TamperingError
from audit.merkle import inclusion_proof
from audit.policy import Policy
from audit.receipt import Receipt
from audit.verify import Scope, verify
from audit.verifying import pack as packs
from audit.verifying.evidence import make
from audit.verifying.pack import archive, assemble, entry_name, proof_name
from audit.verifying.report import KINDS, render
from audit.verifying.served import Commitment, Served, read_checkpoint
from audit.verifying.source import Folder
from audit.verifying.standalone import main

TERMS = b'{"contract":"bank.loans-1","purpose":"<script>alert(1)</script>"}'


def told(extra: int = 5) -> list[Entry]:
    """Parties, a contract with its terms and its uses, and what is of no matter to it."""
    teller = Teller()
    entries = [teller.enrol(BANK), teller.enrol(TAX), teller.enrol(LABOUR)]
    digest = hashlib.sha256(TERMS).hexdigest()
    entries.append(teller.tell(MARKET, EntryKind.CONTRACT_SIGNED, BANK, CONTRACT, terms=digest))
    for number in range(extra):
        entries += teller.use(number)
        entries += teller.use(100 + number, LABOUR, "bank.loans-2")
    entries.append(teller.tell(BANK, EntryKind.QUERY_SENT, TAX, CONTRACT, "ee" * 32, rows=1))
    return entries


def made(folder: Path, entries: list[Entry], contract: str = CONTRACT, head: Checkpoint | None = None) -> bytes:
    source = Folder(lay(folder, [encode(each) for each in entries], head))
    checkpoint, policy = read_checkpoint(source), story.policy()
    found: dict[int, bytes] = {}
    verify(source, checkpoint, policy, NOW, None, Scope(contract=contract, take=found.__setitem__))
    return make(source, checkpoint, (policy, story.policy_text().encode()), contract, found, TERMS, NOW)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return made(tmp_path_factory.mktemp("log"), told())


def checked(data: bytes, policy: Policy | None = None) -> packs.Evidence:
    contract, files = packs.unpack(data)
    return packs.check(contract, files, policy or story.policy(), NOW)


def test_a_pack_holds_what_is_about_the_contract_and_who_signed_it(pack: bytes) -> None:
    contract, files = packs.unpack(pack)
    evidence = checked(pack)
    assert (contract, len(evidence.entries), len(evidence.enrolments)) == (CONTRACT, 22, 2)
    assert {entry.contract for _, entry in evidence.entries} == {CONTRACT}
    assert {entry.counterparty for _, entry in evidence.enrolments} == {BANK, TAX}  # and nobody else
    assert dict(evidence.terms) == {hashlib.sha256(TERMS).hexdigest(): TERMS}
    assert [finding.index for finding in evidence.findings] == [44]
    assert list(packs.remarks(files, story.policy(), render(evidence))) == []
    assert parse(files[entry_name(44)]).job == "ee" * 32
    assert files[proof_name(44)].startswith(b"c2sp.org/tlog-proof@v1\nindex 44\n")


def test_the_same_log_gives_the_same_pack(pack: bytes, tmp_path: Path) -> None:
    assert made(tmp_path, told()) == pack


def test_a_contract_of_which_the_log_knows_nothing_has_no_pack(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="the log has no entry about nothing"):
        made(tmp_path, told(), "nothing")


# --- what is done to a pack -----------------------------------------------------------------------------------


def test_every_byte_of_a_pack_counts(tmp_path: Path) -> None:
    whole = made(tmp_path, told(0))
    for offset in [*range(0, len(whole), 97), *range(len(whole) - 400, len(whole))]:
        changed = bytearray(whole)
        changed[offset] ^= 1 << offset % 8
        with pytest.raises((FormatError, TamperingError)):
            packs.unpack(bytes(changed))
    for cut in (whole[:-1], whole + b"\0", b"\0" + whole, b""):
        with pytest.raises((FormatError, TamperingError)):
            packs.unpack(cut)


def remade(pack: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The pack after a change by somebody who makes its manifest anew."""
    contract, files = packs.unpack(pack)
    change(files)
    return assemble(contract, files)


def damage(pack: bytes, change: Callable[[dict[str, bytes]], None]) -> tuple[Damage, int | None]:
    with pytest.raises(TamperingError) as raised:
        checked(remade(pack, change))
    return raised.value.damage, raised.value.index


def without(index: int) -> Callable[[dict[str, bytes]], None]:
    def drop(files: dict[str, bytes]) -> None:
        del files[entry_name(index)], files[proof_name(index)]

    return drop


def test_an_entry_left_out_in_the_middle_is_found_and_at_the_end_it_cannot_be(pack: bytes) -> None:
    assert damage(pack, without(4)) == (Damage.LEFT_OUT, 7)  # the bank's first, before its second
    assert damage(pack, without(20))[0] is Damage.LEFT_OUT
    assert len(checked(remade(pack, without(44))).entries) == 21  # as the report says


def test_an_enrolment_left_out_is_found(pack: bytes) -> None:
    assert damage(pack, without(1)) == (Damage.NOT_ENROLLED, 5)


def test_an_entry_changed_or_added_is_found(pack: bytes) -> None:
    forged = encode(sign(parse(packs.unpack(pack)[1][entry_name(5)]), 1, story.KEYS[BANK]))
    assert damage(pack, lambda files: files.update({entry_name(5): forged})) == (Damage.NOT_INCLUDED, 5)
    assert damage(pack, lambda files: files.update({proof_name(5): files[proof_name(6)]})) == (
        Damage.NOT_INCLUDED,
        5,
    )

    def add(files: dict[str, bytes]) -> None:
        files[entry_name(43)], files[proof_name(43)] = files[entry_name(44)], files[proof_name(44)]

    assert damage(pack, add) == (Damage.NOT_INCLUDED, 43)


def test_what_belongs_to_another_contract_is_found(pack: bytes, tmp_path: Path) -> None:
    contract, files = packs.unpack(pack)
    with pytest.raises(TamperingError, match="is not about bank") as raised:
        packs.check(contract, {**files, **stranger(tmp_path)}, story.policy(), NOW)
    assert raised.value.damage is Damage.ADDED


def stranger(folder: Path) -> dict[str, bytes]:
    """An entry about another contract, with its proof."""
    entries = [encode(each) for each in told()]
    source = Folder(lay(folder / "stranger", entries))
    head = read_checkpoint(source)
    nodes = Commitment(Served(source), head.size, head.root).nodes
    proof = inclusion_proof(8, head.size, nodes)
    return {entry_name(8): entries[8], proof_name(8): Receipt(8, tuple(proof), head).encode()}


def test_terms_that_no_entry_names_are_found(pack: bytes) -> None:
    own = f"terms/{hashlib.sha256(b'{}').hexdigest()}.json"
    assert damage(pack, lambda files: files.update({own: b"{}"})) == (Damage.ADDED, None)
    named = f"terms/{hashlib.sha256(TERMS).hexdigest()}.json"
    assert damage(pack, lambda files: files.update({named: b"{}"})) == (Damage.ADDED, None)


@pytest.mark.parametrize(
    "name", ["more", "entries/1.json", "proofs/0000000009.tlog-proof", "../x", "entries/0000000044.json/"]
)
def test_a_file_that_is_none_of_a_pack_is_refused(pack: bytes, name: str) -> None:
    with pytest.raises(FormatError, match="no file of a pack"):
        checked(remade(pack, lambda files: files.update({name: b""})))


@pytest.mark.parametrize("name", ["checkpoint", "policy.toml", "report.html", "verify.pyz"])
def test_a_file_that_is_missing_is_named(pack: bytes, name: str) -> None:
    with pytest.raises(FormatError, match=f"{name}: missing"):
        checked(remade(pack, lambda files: files.pop(name)))


def test_a_checkpoint_of_another_log_and_one_without_the_outside_witness_is_no_evidence(tmp_path: Path) -> None:
    leaves = [encode(each) for each in told()]
    other = made(tmp_path, told(), head=story.checkpoint(leaves, witnesses=[BANK, TAX]))
    assert checked(other, story.policy(2)).standing.at is None  # both are parties of the contract
    office = made(tmp_path, told(), head=story.checkpoint(leaves, witnesses=[BANK, OFFICE]))
    assert checked(office, story.policy(2)).standing.at == NOW


def test_what_the_maker_wrote_beside_the_evidence_is_told(pack: bytes) -> None:
    def change(files: dict[str, bytes]) -> None:
        files["report.html"] = files["report.html"].replace(b"22", b"21")
        files["policy.toml"] = story.policy_text(1).encode()

    contract, files = packs.unpack(remade(pack, change))
    evidence = packs.check(contract, files, story.policy(), NOW)
    first, second = packs.remarks(files, story.policy(), render(evidence))
    assert "policy.toml is not yours" in first
    assert "do not rely on it" in second
    unknown = replace(story.policy(), operator=None)
    assert not packs.check(contract, files, unknown, NOW).is_admitted
    assert "who admitted the parties was not checked" in list(packs.remarks(files, unknown, b""))[-1]


def overlapping(count: int) -> bytes:
    """An archive of so many names for the same bytes."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as opened:
        opened.writestr("entries/0000000000.json", b" " * 10_000)
        (info,) = opened.infolist()
        for number in range(1, count):
            other = copy(info)
            other.filename = other.orig_filename = f"entries/{number:010d}.json"
            opened.filelist.append(other)
            opened.NameToInfo[other.filename] = other
    return whole.getvalue()


def test_a_compressed_archive_and_one_with_two_files_of_a_name_is_refused() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("manifest.json", b"{" + b" " * 10_000_000)
    with pytest.raises(FormatError, match="compressed"):
        packs.unpack(bomb.getvalue())
    twice = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(twice, "w") as opened:
        warnings.simplefilter("ignore")
        opened.writestr("manifest.json", b"{}")
        opened.writestr("manifest.json", b"{}")
    with pytest.raises(FormatError, match="two of one name"):
        packs.unpack(twice.getvalue())
    with pytest.raises(FormatError, match=r"shares its bytes|Overlapped"):
        packs.unpack(overlapping(50))
    listed = {"manifest.json": b'{"format":"veilmart/evidence/v1","contract":"c","files":["x"]}'}
    for wrong in (
        listed,
        {},
        {"manifest.json": b"[]"},
        {"manifest.json": b'{"format":"x","contract":"c","files":{}}'},
    ):
        with pytest.raises(FormatError, match="not a pack"):
            packs.unpack(archive(wrong))


# --- the report -----------------------------------------------------------------------------------------------


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_loads_and_runs_nothing_and_tells_all(pack: bytes) -> None:
    page = Page()
    page.feed(packs.unpack(pack)[1]["report.html"].decode())
    assert not {"script", "img", "link", "iframe", "a", "object", "form"} & set(page.tags)
    assert {name for name, _ in page.attributes} == {"lang", "charset", "http-equiv", "content", "class"}
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    for text in (
        "用数明细",
        "Timeline 时间线",
        "<script>alert(1)</script>",
        "应答收到",
        "answer_received",
        "证明范围",
        "bank.loans-1",
    ):
        assert text in page.text, text
    assert "对方没有相应记录" in page.text
    assert "http" not in page.text


def test_every_kind_has_its_name_in_chinese() -> None:
    assert KINDS.keys() == set(EntryKind)
    assert len(set(KINDS.values())) == len(KINDS)


# --- a stranger -----------------------------------------------------------------------------------------------


def test_a_stranger_checks_it_with_the_verifier_in_it(pack: bytes, tmp_path: Path) -> None:
    (tmp_path / "pack.zip").write_bytes(pack)
    (tmp_path / "verify.pyz").write_bytes(packs.unpack(pack)[1]["verify.pyz"])
    (tmp_path / "policy.toml").write_text(story.policy_text())
    command = [sys.executable, "-I", "verify.pyz", "pack", "pack.zip", "--policy", "policy.toml"]
    result = subprocess.run(  # noqa: S603 -- our own program
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env={"PYTHONUTF8": "1"}
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("The pack holds 证据包有效\n")
    assert "entry 条目 44; what came after, it cannot show" in result.stdout


def test_its_exit_codes(pack: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(data: bytes, policy: str = story.policy_text(), *options: str) -> int:
        (tmp_path / "pack.zip").write_bytes(data)
        (tmp_path / "policy.toml").write_text(policy)
        arguments = ["pack", str(tmp_path / "pack.zip"), "--policy", str(tmp_path / "policy.toml")]
        return main([*arguments, *options], lambda: NOW)

    assert run(pack) == 0
    assert "bank: none left out up to its number 截至该序号无遗漏" in (out := capsys.readouterr().out)
    assert f"{TAX}: none left out" in out
    contract, files = packs.unpack(pack)
    manifest = json.dumps({"contract": contract, "files": {"\x1b[2J": ""}, "format": packs.FORMAT})
    assert run(archive({**files, "manifest.json": manifest.encode()})) == 1
    assert "\x1b" not in capsys.readouterr().out
    assert run(pack, story.policy_text(), "--json") == 0
    assert json.loads(capsys.readouterr().out)["findings"][0]["index"] == 44
    assert run(remade(pack, without(4))) == 1
    assert "entry left out 条目被隐瞒" in capsys.readouterr().out
    assert run(b"nonsense") == 2
    assert ".zip: not a pack" in capsys.readouterr().out
    leaves = [encode(each) for each in told()]
    assert run(made(tmp_path / "log", told(), head=story.checkpoint(leaves, witnesses=[BANK, TAX]))) == 3
    assert "STALE 过期: The pack holds" in capsys.readouterr().out
    assert run(remade(pack, lambda files: files.update({"report.html": b""}))) == 0
    assert "do not rely on it" in capsys.readouterr().err


def test_terms_that_are_no_text_break_no_report(pack: bytes) -> None:
    page = render(replace(checked(pack), terms={"00": b'"\\ud800"'}))
    assert b"not JSON" in page
