"""Makes evidence packs of a log that was verified: `audit.verifying.pack` says what is in them and checks them."""

from collections.abc import Mapping
from hashlib import sha256

from audit.checkpoint import Checkpoint
from audit.entry import parse
from audit.errors import FormatError
from audit.merkle import inclusion_proof
from audit.policy import Policy
from audit.receipt import Receipt
from audit.verifying.pack import assemble, check, entry_name, proof_name
from audit.verifying.report import render
from audit.verifying.served import Commitment, Served
from audit.verifying.source import Source
from audit.verifying.verifier import NAME, build


def make(
    source: Source,
    checkpoint: Checkpoint,
    policy: tuple[Policy, bytes],
    contract: str,
    entries: Mapping[int, bytes],
    terms: bytes | None,
    now: int,
) -> bytes:
    """The pack about a contract, checked: the same bytes for the same checkpoint, policy and terms.

    `entries` are all enrolments and all entries about the contract, as `audit.verify` gives them under this
    checkpoint; `policy` comes with the bytes of its file; `terms` are the contract's, where they may be read.
    Raises FormatError if there is no entry about the contract, TamperingError if the source gives other tiles now.
    """
    parsed = {index: parse(data) for index, data in entries.items()}
    about = {index: entry for index, entry in parsed.items() if entry.contract == contract}
    if not about:
        raise FormatError(f"the log has no entry about {contract}; `veilmart audit uses` shows the contracts")
    concerned = {name for entry in about.values() for name in (entry.node, entry.counterparty)}
    chosen = [index for index, entry in parsed.items() if index in about or entry.counterparty in concerned]
    files = {"checkpoint": checkpoint.encode(), "policy.toml": policy[1], NAME: build(), "report.html": b""}
    if terms is not None:
        files[f"terms/{sha256(terms).hexdigest()}.json"] = terms
    nodes = Commitment(Served(source), checkpoint.size, checkpoint.root).nodes
    for index in chosen:
        proof = inclusion_proof(index, checkpoint.size, nodes)
        files[entry_name(index)] = entries[index]
        files[proof_name(index)] = Receipt(index, tuple(proof), checkpoint).encode()
    files["report.html"] = render(check(contract, files, policy[0], now))
    return assemble(contract, files)
