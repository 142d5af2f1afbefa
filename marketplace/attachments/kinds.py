"""The kinds of files that may be attached, and which of them some bytes are.

A file is taken for what its whole structure says, not for its first bytes only: what is two things at once, holds
programs, or grows when it is opened is refused. Whoever downloads it gets it as a file to save, by its
`Content-Disposition`, so nothing in it ever runs as a page of the marketplace.
"""

from dataclasses import dataclass

from marketplace.attachments import images, office_files, pdf
from marketplace.attachments.problems import NotAttachableError
from marketplace.errors import InvalidError

MAX_BYTES = 5 * 2**20
"""Of one file."""
MAX_FILES = 10
"""With one approval."""
_KINDS = "a PDF, PNG, JPEG, DOCX or XLSX file"


@dataclass(frozen=True)
class Kind:
    """A media type, with the suffix that its files have."""

    media_type: str
    suffix: str


PDF = Kind("application/pdf", ".pdf")
PNG = Kind("image/png", ".png")
JPEG = Kind("image/jpeg", ".jpg")
_OOXML = "application/vnd.openxmlformats-officedocument"
DOCX = Kind(f"{_OOXML}.wordprocessingml.document", ".docx")
XLSX = Kind(f"{_OOXML}.spreadsheetml.sheet", ".xlsx")


def recognise(content: bytes) -> Kind:
    """Give what the bytes are; raise `InvalidError` for what is too large, of no kind, or not safe to keep."""
    if not content:
        raise _refused("it is empty")
    if len(content) > MAX_BYTES:
        raise _refused(f"it has {len(content)} bytes, and may have {MAX_BYTES}")
    try:
        if content.startswith(b"%PDF-"):
            pdf.check(content)
            return PDF
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            images.check(content, "PNG")
            return PNG
        if content.startswith(b"\xff\xd8\xff"):
            images.check(content, "JPEG")
            return JPEG
        if content.startswith(b"PK\x03\x04"):
            return DOCX if office_files.check(content) == "word" else XLSX
    except NotAttachableError as error:
        raise _refused(str(error)) from error
    raise _refused("it is of no known kind")


def _refused(problem: str) -> InvalidError:
    return InvalidError(f"the file is not kept: {problem}", f"attach {_KINDS}", {"content": problem})
