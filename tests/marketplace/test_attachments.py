"""What may be attached: real files of each kind pass, and what only looks like one does not."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

from marketplace.attachments import images, kinds, office_files
from marketplace.attachments.kinds import DOCX, JPEG, PDF, PNG, XLSX, Kind, recognise
from marketplace.errors import InvalidError
from marketplace.flow.attachment import MAX_NAME, safe_name

TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.document.main+xml"/></Types>'
)
DOCUMENT = {"[Content_Types].xml": TYPES, "_rels/.rels": "<Relationships/>", "word/document.xml": "<w:document/>"}


def a_pdf(change: Callable[[PdfWriter], object] = lambda _: None, password: str | None = None) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    change(writer)
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    held = io.BytesIO()
    writer.write(held)
    return held.getvalue()


def an_image(kind: str, size: tuple[int, int] = (64, 48)) -> bytes:
    held = io.BytesIO()
    Image.effect_noise(size, 50).save(held, kind)
    return held.getvalue()


def an_archive(parts: Mapping[str, str | bytes] | None = None, **more: str | bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in {**(DOCUMENT if parts is None else parts), **more}.items():
            archive.writestr(name, part)
    return held.getvalue()


def a_workbook() -> bytes:
    held, book = io.BytesIO(), openpyxl.Workbook()
    book.active["A1"] = "金额"
    book.save(held)
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (a_pdf(), PDF),
        (a_pdf(lambda writer: writer.add_outline_item(title="第一页", page_number=0)), PDF),
        (an_image("PNG"), PNG),
        (an_image("JPEG"), JPEG),
        (an_archive(), DOCX),
        (a_workbook(), XLSX),
    ],
)
def test_a_file_is_what_its_content_says(content: bytes, kind: Kind) -> None:
    assert recognise(content) == kind


def an_action(kind: str) -> DictionaryObject:
    return DictionaryObject(
        {NameObject("/S"): NameObject(kind), NameObject("/JS"): TextStringObject("app.alert(1)")}
    )


def with_root(name: str, value: object) -> Callable[[PdfWriter], object]:
    return lambda writer: writer.root_object.__setitem__(NameObject(name), value)


def with_annotation(**members: object) -> Callable[[PdfWriter], object]:
    made = DictionaryObject({NameObject(f"/{name}"): value for name, value in members.items()})  # type: ignore[misc]
    return lambda writer: writer.pages[0].__setitem__(NameObject("/Annots"), ArrayObject([made]))


PDFS = {
    "cut off": a_pdf()[:-40],
    "damaged": a_pdf().replace(b"startxref\n", b"startxref\n9"),
    "no structure": b"%PDF-1.7\nnothing\n%%EOF\n",
    "encrypted": a_pdf(password="secret"),  # noqa: S106 -- of a test
    "a script": a_pdf(with_root("/OpenAction", an_action("/JavaScript"))),
    "named scripts": a_pdf(with_root("/Names", DictionaryObject({NameObject("/JavaScript"): DictionaryObject()}))),
    "opens something": a_pdf(with_root("/OpenAction", an_action("/Launch"))),
    "files": a_pdf(lambda writer: writer.add_attachment(filename="a.exe", data=b"MZ")),
    "a link that runs": a_pdf(with_annotation(A=an_action("/JavaScript"))),
    "a page that runs": a_pdf(lambda writer: writer.pages[0].__setitem__(NameObject("/AA"), DictionaryObject())),
    "a file in a note": a_pdf(with_annotation(Subtype=NameObject("/FileAttachment"))),
}


@pytest.mark.parametrize("content", PDFS.values(), ids=list(PDFS))
def test_a_pdf_is_whole_and_does_nothing(content: bytes) -> None:
    with pytest.raises(InvalidError, match="the PDF") as refused:
        recognise(content)
    assert set(refused.value.fields) == {"content"}


def a_large_png(width: int, height: int) -> bytes:
    """A sound PNG of one colour that claims to be large, in a few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((width // 8 + 1) * 8))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_images_are_read_to_their_ends() -> None:
    png, jpeg = an_image("PNG"), an_image("JPEG", (640, 480))
    flipped = bytearray(png)
    flipped[len(png) // 2] ^= 1
    for damaged in (bytes(flipped), png[: len(png) // 2], jpeg[: len(jpeg) // 2], png[:20], b"\xff\xd8\xff\xe0"):
        with pytest.raises(InvalidError, match="the image is damaged"):
            recognise(damaged)


@pytest.mark.parametrize("side", [8000, 20_000, 100_000])
def test_an_image_that_would_fill_the_memory_is_refused(side: int) -> None:
    assert side * side > images.MAX_PIXELS
    with pytest.raises(InvalidError, match=r"pixels|DecompressionBomb"):
        recognise(a_large_png(side, side))


def lying(content: bytes) -> bytes:
    """The archive, with its first part said to be ten bytes long when it is unpacked."""
    place = content.index(b"PK\x01\x02") + 24
    return content[:place] + struct.pack("<I", 10) + content[place + 4 :]


MACROS = TYPES.replace("document.main+xml", "document.macroEnabled.main+xml")
OUTSIDE = '<Relationship Type="http://x/attachedTemplate" Target="http://evil/a.dotm" TargetMode="External"/>'
ARCHIVES = {
    "another archive": an_archive({"readme.txt": "x"}),
    "nothing in it": an_archive({}),
    "a name only": an_archive({**DOCUMENT, "[Content_Types].xml": "<Types/>"}),
    "macros": an_archive({**DOCUMENT, "[Content_Types].xml": MACROS}),
    "a program": an_archive({**DOCUMENT, "word/vbaProject.bin": b"x"}),
    "a template from elsewhere": an_archive({**DOCUMENT, "word/_rels/settings.xml.rels": OUTSIDE}),
    "a type of its own": an_archive({**DOCUMENT, "word/document.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a/>'}),
    "two kinds": an_archive({**DOCUMENT, "xl/workbook.xml": "<workbook/>"}),
    "outside": an_archive({**DOCUMENT, "../../etc/passwd": "x"}),
    "before it": b"PK\x03\x04 and more" + an_archive(),
    "behind it": an_archive() + b"<script>",
    "cut off": an_archive()[:-30],
    "lies": lying(an_archive({"word/document.xml": "x" * 5000, "[Content_Types].xml": TYPES})),
}


@pytest.mark.parametrize("content", ARCHIVES.values(), ids=list(ARCHIVES))
def test_an_archive_is_a_document_or_a_workbook(content: bytes) -> None:
    with pytest.raises(InvalidError, match="is not kept"):
        recognise(content)


def test_a_part_stands_there_once() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, part in DOCUMENT.items():
            archive.writestr(name, part)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("word/document.xml", "<other/>")
    with pytest.raises(InvalidError, match="one twice"):
        recognise(held.getvalue())


def test_what_grows_is_refused_before_it_has_grown() -> None:
    bomb = an_archive({**DOCUMENT, "word/media/a.txt": b"\0" * (office_files.MAX_UNPACKED + 1)})
    assert len(bomb) < 100_000
    with pytest.raises(InvalidError, match="grows to more"):
        recognise(bomb)


@pytest.mark.parametrize(
    "content",
    [b"", b"MZ\x90\x00", b"<html><script>", b"GIF89a", b"\x7fELF", "甲".encode(), b"%!PS", b"Rar!\x1a\x07"],
)
def test_nothing_else_is_kept(content: bytes) -> None:
    with pytest.raises(InvalidError, match="is not kept"):
        recognise(content)


def test_a_file_has_five_mebibytes_at_most() -> None:
    with pytest.raises(InvalidError, match="may have 5242880"):
        recognise(b"%PDF-" + b"\0" * kinds.MAX_BYTES)


@given(
    st.binary(max_size=300), st.sampled_from([b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"PK\x03\x04"])
)
def test_whatever_begins_like_a_file_is_refused_in_words(rest: bytes, start: bytes) -> None:
    for content in (start + rest, start + rest + b"\n%%EOF\n"):
        with pytest.raises(InvalidError, match="is not kept"):
            recognise(content)


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("情况说明.pdf", "情况说明.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\windows\\report.PDF", "report.pdf"),
        ("evil.exe", "evil.exe.pdf"),
        ("a\u202efdp.exe", "afdp.exe.pdf"),
        ('x"; filename="y.html', "x filename=y.html.pdf"),
        ("a\r\nSet-Cookie b", "aSet-Cookie b.pdf"),
        ("", "attachment.pdf"),
        ("...", "attachment.pdf"),
        (".pdf", "attachment.pdf"),
        ("长" * 400, "长" * (MAX_NAME - 4) + ".pdf"),
    ],
)
def test_a_name_is_made_safe(given_name: str, kept: str) -> None:
    assert safe_name(given_name, ".pdf") == kept


@given(st.text(max_size=300))
def test_every_name_is_one_visible_line_of_its_kind(name: str) -> None:
    kept = safe_name(name, ".pdf")
    assert kept.endswith(".pdf")
    assert len(kept) <= MAX_NAME
    assert not set(kept) & set('/\\<>:"|?*%;\r\n\0')
    assert kept.isprintable()
