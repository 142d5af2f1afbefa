"""What can go wrong between two parties over HTTP. One tree; the HTTP statuses stand in `problems`."""

from typing import ClassVar

PROBLEM = "application/problem+json"
"""The media type of a refusal: RFC 9457."""


class WebError(Exception):
    """The base of everything that this package raises by itself."""


class SignatureFieldError(WebError):
    """The fields of a message do not hold exactly one signature of the form agreed between the parties."""


class SignatureRequestError(WebError):
    """The sender of a request is not proven; each subclass says what its sender has to do."""

    slug: ClassVar[str]
    remedy: ClassVar[str]


class MissingSignatureError(SignatureRequestError):
    """The request has no signature, or one that does not cover what it must."""

    slug = "signature-missing"
    remedy = "Sign the request as the Accept-Signature field of this response says (RFC 9421)."


class UnknownKeyError(SignatureRequestError):
    """The request names a party of which no key is pinned here."""

    slug = "signature-unknown-key"
    remedy = "Have the party enrolled at the marketplace, or the person put into [staff] of this node."


class WrongSignatureError(SignatureRequestError):
    """The signature is not one of the named party's key over this method, URL and these fields."""

    slug = "signature-wrong"
    remedy = "Sign with the key enrolled for the party, over this server's public_url, letter by letter."


class StaleSignatureError(SignatureRequestError):
    """The signature was made too long ago, or in the future, by the clock here."""

    slug = "signature-stale"
    remedy = "Set the sender's clock by NTP, then sign the request anew."


class WrongDigestError(SignatureRequestError):
    """The body is not the one that was signed."""

    slug = "signature-wrong-digest"
    remedy = "Send the body unchanged, with the Content-Digest of its bytes as sent (RFC 9530)."


class ReplayedSignatureError(SignatureRequestError):
    """A request with this nonce was accepted before."""

    slug = "signature-replayed"
    remedy = "Sign every attempt anew, with a fresh nonce."


class ProblemError(WebError):
    """A view's refusal: sent as a problem document with this HTTP status.

    `slug` names the kind of problem in kebab-case, `detail` what was wrong with which input, `remedy` the next
    step; `extra` become further members of the document.
    """

    def __init__(self, status: int, slug: str, detail: str, remedy: str, **extra: object) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.remedy = remedy
        self.extra = extra


class ResponseError(WebError):
    """A response that is not proven to be the peer's answer to this request, or not of the expected form."""


class PeerUnreachableError(WebError):
    """No response came from the peer in time."""


class PeerProblemError(WebError):
    """The peer's refusal, as it said it in a problem document signed by it (RFC 9457)."""

    def __init__(self, peer: str, status: int, problem: dict[str, object]) -> None:
        self.peer = peer
        self.status = status
        self.slug = str(problem.get("type", "")).rpartition(":")[2]
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail", ""))
        self.remedy = str(problem.get("remedy", ""))
        self.problem = problem
        super().__init__(
            f"{peer} answered {status} {self.title}: {self.detail.rstrip('.')}. {self.remedy}".rstrip()
        )
