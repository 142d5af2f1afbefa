"""Signed notes: a text, an empty line, and lines of signatures, each by a named key (C2SP signed-note).

    The text, whose last line ends like every other.

    — market.example/log TGm2fQ…

A name and a key id say which key a line is by; they are hints, and no proof. The proof is the signature under the
public key that whoever reads the note holds already, as a `VerifierKey`. All keys here are Ed25519. The kind of a
key says what its signatures cover, and is part of its id:

    key id = SHA-256(name ‖ 0x0A ‖ kind ‖ public key)[:4]
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.errors import FormatError, SignatureError

MAX_SIZE = 1_000_000  # bytes of a note
MAX_SIGNATURES = 100  # on a note; verifiers must accept 16
KEY_SIZE = 32  # bytes of a public key
_ID_SIZE = 4

# Surrogates are no text: they have no UTF-8.
_NAME = r"[^\s+\x00-\x1f\ud800-\udfff]+"
_NAME_ONLY = re.compile(_NAME)
_LINE = re.compile(rf"— ({_NAME}) ([A-Za-z0-9+/=]+)")
_TEXT = re.compile(r"[^\x00-\x09\x0b-\x1f\ud800-\udfff]*\n")
_KEY_ID = re.compile(r"[0-9a-f]{8}")

_FIELD = 2**255 - 19
# The ordinates of the eight points of small order. Under such a key there are signatures that hold for every text.
_WEAK = {
    0,
    1,
    _FIELD - 1,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
}


class KeyKind(IntEnum):
    """The kinds of keys that are known here, by the byte that signed-note assigns to their signatures."""

    ED25519 = 0x01  # signs the text
    COSIGNATURE = 0x04  # signs a time and the text: audit.cosignature


@dataclass(frozen=True)
class VerifierKey:
    """Whose signature is asked for. Making one with a name or a key that cannot be raises FormatError."""

    name: str
    kind: KeyKind
    public_key: bytes  # 32 bytes, RFC 8032

    def __post_init__(self) -> None:
        _require_name(self.name)
        if type(self.kind) is not KeyKind:
            raise FormatError("the kind of a key is not a KeyKind")
        if type(self.public_key) is not bytes or len(self.public_key) != KEY_SIZE:
            raise FormatError(f"an Ed25519 public key has {KEY_SIZE} bytes")
        ordinate = int.from_bytes(self.public_key, "little") & ((1 << 255) - 1)
        if ordinate % _FIELD in _WEAK:
            raise FormatError("a public key of small order, which signs everything")

    @classmethod
    def of(cls, name: str, private_key: Ed25519PrivateKey, kind: KeyKind = KeyKind.ED25519) -> "VerifierKey":
        """The key that verifies what this private key signs under this name."""
        return cls(name, kind, private_key.public_key().public_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """The key of a vkey, `name+id+base64(kind ‖ public key)`: signed-note, "Verifier keys".

        Raises FormatError for another form, another kind than those of KeyKind, or an id that is not the key's.
        """
        try:
            name, key_id, encoded = text.split("+", 2)  # base64 has + too
        except ValueError:
            raise FormatError("a verifier key is not name+id+key") from None
        decoded = decode_base64(encoded)
        try:
            kind = KeyKind(decoded[0]) if decoded else None
        except ValueError:
            kind = None
        if kind is None:
            raise FormatError("a verifier key of an unknown kind")
        key = cls(name, kind, decoded[1:])
        if not _KEY_ID.fullmatch(key_id) or bytes.fromhex(key_id) != key.key_id:
            raise FormatError(f"{key_id!r:.40} is not the id of the verifier key, which is {key.key_id.hex()}")
        return key

    def encode(self) -> str:
        """The vkey."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([self.kind]) + self.public_key)}"

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature line names the key."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key).digest()[
            :_ID_SIZE
        ]

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether these are a signature by the key (RFC 8032 §5.1.7) and the message that it signs."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class NoteSignature:
    """One signature line. Making one with a field out of bounds raises FormatError."""

    name: str
    key_id: bytes  # 4 bytes
    blob: bytes  # what follows the key id: the signature, or a time and the signature

    def __post_init__(self) -> None:
        _require_name(self.name)
        if type(self.key_id) is not bytes or len(self.key_id) != _ID_SIZE:
            raise FormatError(f"a key id has {_ID_SIZE} bytes")
        if type(self.blob) is not bytes or not self.blob:
            raise FormatError("a signature has no bytes")

    @classmethod
    def parse(cls, line: str) -> "NoteSignature":
        """The signature of a line, given without its newline; raises FormatError if it is none."""
        match = _LINE.fullmatch(line)
        if match is None:
            raise FormatError(f"{line!r:.80}: not a signature line")
        decoded = decode_base64(match[2])
        return cls(match[1], decoded[:_ID_SIZE], decoded[_ID_SIZE:])

    def encode(self) -> str:
        """The line, without its newline."""
        return f"— {self.name} {_base64(self.key_id + self.blob)}"


@dataclass(frozen=True)
class Note:
    """A text and the signatures on it. Making one with a field out of bounds raises FormatError."""

    text: str  # ends with a newline
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        require_text(self.text)
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise FormatError(f"a note has 1 to {MAX_SIGNATURES} signatures, not {len(self.signatures)}")

    def encode(self) -> bytes:
        """The note in UTF-8; raises FormatError if it has more than MAX_SIZE bytes."""
        lines = "".join(signature.encode() + "\n" for signature in self.signatures)
        data = f"{self.text}\n{lines}".encode()
        _require_size(data)
        return data

    def by(self, key: VerifierKey) -> list[NoteSignature]:
        """The signatures that name this key; whether they are its own is not checked here."""
        return [
            signature
            for signature in self.signatures
            if (signature.name, signature.key_id) == (key.name, key.key_id)
        ]


def parse(data: bytes) -> Note:
    """The note of these bytes: `parse(data).encode() == data` for whatever is accepted; raises FormatError.

    Nothing in it is to be believed before `verify`.
    """
    _require_size(data)
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise FormatError("the note is not UTF-8") from error
    text, separator, signatures = whole.rpartition("\n\n")  # the text may have empty lines too
    if not separator:
        raise FormatError("no empty line separates the note's text from its signatures")
    *lines, rest = signatures.split("\n", MAX_SIGNATURES + 1)
    if rest or not lines:
        raise FormatError(f"the note's signatures are not 1 to {MAX_SIGNATURES} lines")
    return Note(text + "\n", tuple(NoteSignature.parse(line) for line in lines))


def sign(text: str, name: str, private_key: Ed25519PrivateKey) -> NoteSignature:
    """The signature of a key of kind ED25519 on a text; raises FormatError for a name or text that cannot be."""
    require_text(text)
    return NoteSignature(name, VerifierKey.of(name, private_key).key_id, private_key.sign(text.encode()))


def verify(note: Note, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Those of `keys`, in their order, whose signatures are on the note: signed-note, "Signatures".

    1. Signatures by other keys say nothing, even if they share a name or an id with one of `keys`.
    2. A line that names one of them and does not verify rejects the note: SignatureError.
    3. One public key is one signer, in however many lines and under however many names.

    Empty if none has signed, and then the note is worth nothing. Raises FormatError for keys of another kind than
    ED25519: cosignatures are verified by `audit.cosignature`.
    """
    message = note.text.encode()
    signers: dict[bytes, VerifierKey] = {}
    for key in keys:
        if key.kind is not KeyKind.ED25519:
            raise FormatError(f"the key of {key.name} signs no notes")
        for signature in note.by(key):  # 1
            if not key.verifies(signature.blob, message):  # 2
                raise SignatureError(f"the signature of {key.name} does not verify")
            signers.setdefault(key.public_key, key)  # 3
    return tuple(signers.values())


def require_text(text: str) -> None:
    """Raise FormatError unless this can be the text of a note: it ends with a newline and has no other control."""
    if not _TEXT.fullmatch(text):
        raise FormatError("the text of a note does not end with a newline, or holds a control character")


def decode_base64(text: str) -> bytes:
    """The bytes of this base64 (RFC 4648 §4); raises FormatError unless it is the one form that they have."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise FormatError(f"{text!r:.80}: not base64") from error
    if _base64(decoded) != text:  # bits that say nothing are not zero
        raise FormatError(f"{text!r:.80}: not canonical base64")
    return decoded


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _require_name(name: str) -> None:
    if type(name) is not str or not _NAME_ONLY.fullmatch(name):
        raise FormatError(f"{name!r:.80}: a key's name is empty, or has a space, a + or a control character")


def _require_size(data: bytes) -> None:
    if len(data) > MAX_SIZE:
        raise FormatError(f"a note of {len(data)} bytes is over the limit of {MAX_SIZE}")
