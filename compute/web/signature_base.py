"""The signature base of our own form, written straight down (RFC 9421 §2.5): what the library gives, much faster.

Every message between parties is signed twice, so this is where much of a short exchange's time went. It serves
messages whose every part is plain; for anything else `plain_base` and `plain_claim` give None, and the library
builds and judges. A test holds both to the same bytes.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Protocol

_METHOD = re.compile(r"[A-Z]+")
# Lower case, no port that clients leave away, no dot segment, no character that can be written in another way.
_URL = re.compile(r"https://[a-z0-9.-]+(?::(?!443/)[1-9][0-9]{0,4})?/(?!(?:.*/)?\.)[A-Za-z0-9/._~?&=-]*")
_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_INPUT = re.compile(
    r"veilmart=(?P<parameters>\((?P<components>[a-z\"@; -]+)\);created=(?P<created>0|[1-9][0-9]{0,14})"
    r';keyid="(?P<party>[a-z][a-z0-9_-]{0,63})";alg="ed25519";nonce="(?P<nonce>[A-Za-z0-9_-]{21}[AQgw])"'
    r';tag="veilmart")'
)
_SIGNATURE = re.compile(r"veilmart=:([A-Za-z0-9+/]{86}==):")


class Asked(Protocol):
    """A request, as far as it is signed."""

    @property
    def method(self) -> str: ...  # noqa: D102 -- as the protocol says
    @property
    def url(self) -> str: ...  # noqa: D102
    @property
    def headers(self) -> Mapping[str, str]: ...  # noqa: D102


def parameters(components: tuple[str, ...], created: int, party: str, nonce: str) -> str:
    """Give the parameters of a signature as they stand in Signature-Input and at the end of the base."""
    covered = " ".join(components)
    return f'({covered});created={created};keyid="{party}";alg="ed25519";nonce="{nonce}";tag="veilmart"'


def plain_claim(signature_input: str, components: tuple[str, ...]) -> tuple[str, int, str, str] | None:
    """Give party, time, nonce and parameters of a Signature-Input in our own order; None for any other."""
    found = _INPUT.fullmatch(signature_input)
    if found is None or found["components"] != " ".join(components):
        return None
    return found["party"], int(found["created"]), found["nonce"], found["parameters"]


def plain_signature(signature: str) -> bytes | None:
    """Give the 64 bytes of a Signature field; None for one that is not plain."""
    found = _SIGNATURE.fullmatch(signature)
    if found is None:
        return None
    try:
        return base64.b64decode(found[1], validate=True)
    except binascii.Error:
        return None


def plain_base(
    components: tuple[str, ...], written: str, asked: Asked, status: int | None, headers: Mapping[str, str]
) -> bytes | None:
    """Give the signature base over the components with these `written` parameters, or None if a part is not plain.

    `headers` are those of the message that is signed; of a response, `status` is its code and `asked` what it
    answers.
    """
    if _METHOD.fullmatch(asked.method) is None or _URL.fullmatch(asked.url) is None:
        return None
    lines = []
    for component in components:
        name, _, request = component.partition(";")
        name = name.strip('"')
        source = asked.headers if request or status is None else headers
        match name:
            case "@method":
                value: str | None = asked.method
            case "@target-uri":
                value = asked.url
            case "@status":
                value = str(status)
            case _:
                value = source.get(_FIELDS[name])
        if value is None or _VALUE.fullmatch(value) is None:
            return None
        lines.append(f"{component}: {value}\n")
    return f'{"".join(lines)}"@signature-params": {written}'.encode("ascii")


_FIELDS = {
    "content-type": "Content-Type",
    "content-digest": "Content-Digest",
    "signature": "Signature",
}
