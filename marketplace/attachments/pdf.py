"""PDF, read by pypdf: its structure, and that it does nothing when it is opened."""

import zlib
from io import BytesIO

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import DictionaryObject

from marketplace.attachments.problems import NotAttachableError

MAX_PAGES = 1000
_TAIL = 1024
"""Bytes at the end among which the end is marked: readers look there (ISO 32000-1, annex H)."""
_HARMLESS = frozenset({"/GoTo", "/Named", "/URI"})
"""Actions that turn pages or follow a link, once somebody clicks (ISO 32000-1, table 198)."""
# What pypdf raises for files made to break readers is more than its own tree of errors.
_BROKEN = (
    *(PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError),
    *(RecursionError, OverflowError, NotImplementedError, MemoryError, zlib.error),
)


def check(content: bytes) -> None:
    """Return if it is a sound PDF that does nothing by itself; raise `NotAttachableError` if not.

    1. Its end is marked, and it can be read with every page, without a password.
    2. It runs no script and starts no program: neither when it is opened nor from a page, a form or an annotation.
    3. It carries no other files.
    """
    if b"%%EOF" not in content[-_TAIL:]:  # 1
        raise NotAttachableError("the PDF is cut off")
    try:
        reader = PdfReader(BytesIO(content), strict=True)
        if reader.is_encrypted:  # 1
            raise NotAttachableError("the PDF is encrypted")
        if not 1 <= len(reader.pages) <= MAX_PAGES:  # 1
            raise NotAttachableError(f"the PDF has {len(reader.pages)} pages, and may have 1 to {MAX_PAGES}")
        root = reader.root_object
        names = _dictionary(root.get("/Names"))
        form = _dictionary(root.get("/AcroForm"))
        if (
            "/AA" in root or "/JavaScript" in names or "/XFA" in form or not _is_harmless(root.get("/OpenAction"))
        ):  # 2
            raise NotAttachableError("the PDF does something when it is opened")
        if "/EmbeddedFiles" in names or "/Collection" in root:  # 3
            raise NotAttachableError("the PDF carries other files")
        for page in reader.pages:
            _check_page(page)  # 2, 3
    except _BROKEN as error:
        raise NotAttachableError(f"the PDF is damaged: {type(error).__name__}") from error


def _check_page(page: DictionaryObject) -> None:
    annotations = [_dictionary(each) for each in page.get("/Annots") or ()]
    if "/AA" in page or any("/AA" in each or not _is_harmless(each.get("/A")) for each in annotations):
        raise NotAttachableError("the PDF runs a script or a program")
    if any(each.get("/Subtype") == "/FileAttachment" for each in annotations):
        raise NotAttachableError("the PDF carries other files")


def _is_harmless(action: object) -> bool:
    """Whether it is no action, a destination, or an action that only turns pages or follows a link."""
    found = _dictionary(action)
    return not found or (found.get("/S") in _HARMLESS and "/Next" not in found)


def _dictionary(value: object) -> DictionaryObject:
    resolved = value.get_object() if hasattr(value, "get_object") else value
    return resolved if isinstance(resolved, DictionaryObject) else DictionaryObject()
