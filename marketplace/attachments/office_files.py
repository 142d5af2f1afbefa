"""DOCX and XLSX: ZIP archives of XML (ECMA-376), unpacked under a bound before they are kept."""

import re
import zipfile
import zlib
from io import BytesIO
from typing import Literal

from marketplace.attachments.problems import NotAttachableError

MAX_ENTRIES = 2000
MAX_UNPACKED = 60 * 2**20
"""Bytes of all parts together; the largest file kept has 5 MiB, and XML packs ten to one."""
_CHUNK = 2**16
_END, _END_BYTES = b"PK\x05\x06", 22
"""The record at the end of an archive without a comment (APPNOTE.TXT 4.3.16)."""
_PARTS: dict[str, Literal["word", "sheet"]] = {"word/document.xml": "word", "xl/workbook.xml": "sheet"}
_MAIN = {
    "word": b"wordprocessingml.document.main+xml",
    "sheet": b"spreadsheetml.sheet.main+xml",
}
_TYPES = "[Content_Types].xml"
_PROGRAMS = re.compile(r"(vbaProject|vbaData|activeX|\.bin$|\.exe$|\.dll$)", re.IGNORECASE)
_PRINTER = re.compile(r"xl/printerSettings/printerSettings\d+\.bin")
_OUTSIDE = re.compile(
    rb'(attachedTemplate|oleObject|frame)"[^>]*TargetMode="External"|TargetMode="External"[^>]*'
    rb'(attachedTemplate|oleObject|frame)"'
)


def check(content: bytes) -> Literal["word", "sheet"]:
    """Give which of the two it is; raise `NotAttachableError` for any other archive.

    1. The archive begins at the first byte, ends at the last, lists each part once, none outside or encrypted.
    2. Unpacked, really and not as declared, it stays within `MAX_UNPACKED`, and every checksum holds.
    3. It has the main part of one kind, which its list of types names as that, without macros.
    4. It holds no program, and loads no template or object from elsewhere when it is opened.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_list(archive, entries, content)  # 1
            parts = _unpacked(archive, entries)  # 2
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise NotAttachableError(f"the archive is damaged: {type(error).__name__}") from error
    kinds = [kind for part, kind in _PARTS.items() if part in parts]
    types = parts.get(_TYPES, b"")
    if len(kinds) != 1 or _MAIN[kinds[0]] not in types or b"macroEnabled" in types:  # 3
        raise NotAttachableError("the archive is no document or workbook without macros")
    for name, part in parts.items():
        if _PROGRAMS.search(name) and not _PRINTER.fullmatch(name):  # 4
            raise NotAttachableError("it holds a program")
        if name.endswith(".rels") and _OUTSIDE.search(part):  # 4
            raise NotAttachableError("it loads something from elsewhere when it is opened")
        if name.endswith((".xml", ".rels")) and b"<!DOCTYPE" in part[:1000]:
            raise NotAttachableError("its XML declares types of its own")
    return kinds[0]


def _check_list(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], content: bytes) -> None:
    names = [entry.filename for entry in entries]
    if not 0 < len(entries) <= MAX_ENTRIES or len(set(names)) < len(names):
        raise NotAttachableError("the archive lists no parts, too many, or one twice")
    ends = len(content) - _END_BYTES
    if min(entry.header_offset for entry in entries) != 0 or archive.comment or content.rfind(_END) != ends:
        raise NotAttachableError("something stands before or behind the archive")
    for entry in entries:
        if entry.flag_bits & 1:
            raise NotAttachableError("it is encrypted")
        if entry.filename.startswith("/") or "\\" in entry.filename or ".." in entry.filename.split("/"):
            raise NotAttachableError("a part lies outside of the archive")


def _unpacked(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    """Give what the checks look at, all of it unpacked once, under the bound."""
    left, found = MAX_UNPACKED, {}
    for entry in entries:
        kept = bytearray()
        is_kept = entry.filename.endswith(".rels") or entry.filename == _TYPES
        with archive.open(entry) as part:
            while chunk := part.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise NotAttachableError(f"it grows to more than {MAX_UNPACKED} bytes when it is unpacked")
                if is_kept or len(kept) < _CHUNK:
                    kept += chunk
        found[entry.filename] = bytes(kept)
    return found
