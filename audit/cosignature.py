"""Cosignatures: that a witness saw a log grow to a checkpoint, and when (C2SP tlog-cosignature, cosignature/v1).

As of its time the cosigner has seen no larger tree of the log that is consistent with all that it had seen. It
signs, with a key of kind COSIGNATURE:

    cosignature/v1
    time 1679315147
    <the text of the checkpoint>

The blob of the signature line is the time, as a big-endian u64 of seconds, and the Ed25519 signature. Nothing
signs the cosigner's name: a line can be copied under another one, so cosigners are told apart by public key.
"""

from collections.abc import Collection, Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import parse_text
from audit.errors import FormatError, SignatureError
from audit.note import KeyKind, Note, NoteSignature, VerifierKey

MAX_TIME = 2**63 - 1  # seconds since 1970-01-01
_TIME_SIZE = 8
_SIZE = _TIME_SIZE + 64


def cosigner_name(party: str) -> str:
    """The name under which a party's node cosigns."""
    return f"{party}/witness"


def cosign(text: str, name: str, private_key: Ed25519PrivateKey, time: int) -> NoteSignature:
    """A witness's cosignature on the checkpoint of this text, at `time` in seconds since 1970-01-01.

    Raises FormatError if that is no checkpoint: the key signs nothing else; or for a name or time out of bounds.
    That the log signed it, and that it extends what was seen before, is checked by the caller.
    """
    if type(time) is not int or not 0 <= time <= MAX_TIME:
        raise FormatError("the time of a cosignature is not an integer from 0 to 2^63 - 1")
    parse_text(text)
    signature = private_key.sign(_message(text, time))
    key = VerifierKey.of(name, private_key, KeyKind.COSIGNATURE)
    return NoteSignature(name, key.key_id, time.to_bytes(_TIME_SIZE) + signature)


def verify(note: Note, key: VerifierKey) -> int:
    """The newest time, in seconds since 1970-01-01, at which this key cosigned the note; else SignatureError."""
    times = _times(note, key)
    if not times:
        raise SignatureError(f"{key.name} has not cosigned")
    return max(times)


def cosigners(note: Note, keys: Iterable[VerifierKey], latest: int = MAX_TIME) -> dict[bytes, int]:
    """Which of `keys` have cosigned the note, and when: the newest time up to `latest`, by public key.

    1. Lines that name no key of these say nothing.
    2. A line that names one and does not verify rejects the note: SignatureError, as signed-note has it.
    3. One public key is one cosigner, in however many lines and under however many names.
    4. A time after `latest` does not count: a cosigner cannot vouch for what is to come.

    Raises FormatError for keys of another kind than COSIGNATURE.
    """
    newest: dict[bytes, int] = {}
    for key in keys:
        for time in _times(note, key):
            if time <= latest:  # 4
                newest[key.public_key] = max(time, newest.get(key.public_key, 0))  # 3
    return newest


def merged(
    notes: Collection[Note], keys: Iterable[VerifierKey], latest: int = MAX_TIME
) -> tuple[NoteSignature, ...]:
    """The newest cosignature of each key on these notes of one text, as `cosigners` counts them."""
    found = []
    for key in keys:
        lines = [
            line for note in notes if key.public_key in cosigners(note, [key], latest) for line in note.by(key)
        ]
        fit = [line for line in lines if int.from_bytes(line.blob[:_TIME_SIZE]) <= latest]
        if fit:
            found.append(max(fit, key=lambda line: line.blob[:_TIME_SIZE]))
    return tuple(found)


def _times(note: Note, key: VerifierKey) -> list[int]:
    if key.kind is not KeyKind.COSIGNATURE:
        raise FormatError(f"the key of {key.name} makes no cosignatures")
    times = []
    for line in note.by(key):  # 1
        time = int.from_bytes(line.blob[:_TIME_SIZE])
        is_in_form = len(line.blob) == _SIZE and time <= MAX_TIME
        if not is_in_form or not key.verifies(line.blob[_TIME_SIZE:], _message(note.text, time)):  # 2
            raise SignatureError(f"the cosignature of {key.name} does not verify")
        times.append(time)
    return times


def _message(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()
