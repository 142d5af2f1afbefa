"""Statements as files for a spreadsheet: CSV or Excel, a row for each line, amounts in whole fen.

A cell that begins like a formula would be run as one when the file is opened (OWASP, "CSV Injection"): in CSV such
a text gets an apostrophe in front, in Excel every text is typed as one. The CSV begins with a byte-order mark,
without which Excel reads Chinese as something else.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any
from unicodedata import east_asian_width

from catalog.vocabulary import Language, label
from marketplace.flow.statement import Issued

Cell = str | int
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
"""Those of full width too, which spreadsheets of East Asian systems take for the others."""
_COLUMNS: dict[str, tuple[str, str]] = {
    "month": ("账期", "Month"),
    "statement": ("对账单编号", "Statement"),
    "version": ("版本", "Version"),
    "state": ("状态", "State"),
    "consumer": ("数据使用方", "Consumer"),
    "consumer_title": ("数据使用方名称", "Consumer's title"),
    "provider": ("数据提供方", "Provider"),
    "provider_title": ("数据提供方名称", "Provider's title"),
    "contract": ("合约", "Contract"),
    "product": ("产品", "Product"),
    "product_version": ("产品版本", "Product's version"),
    "mandate": ("授权运营", "Mandate"),
    "item": ("项目", "Item"),
    "plan": ("计价方式", "Plan"),
    "uses": ("用量", "Uses"),
    "unit_price_fen": ("单价(分)", "Unit price (fen)"),
    "cap_uses": ("包月次数上限", "Cap on uses"),
    "ceiling_fen": ("上限收费标准(分)", "Ceiling (fen)"),
    "amount_fen": ("金额(分)", "Amount (fen)"),
    "reason": ("计费说明", "Reason"),
    "due": ("确认截止日", "Due"),
}


class Form(StrEnum):
    """The forms of a file, by the end of its name."""

    CSV = "csv"
    EXCEL = "xlsx"

    @property
    def media_type(self) -> str:
        """What a browser is told that it is."""
        if self is Form.CSV:
            return "text/csv; charset=utf-8"
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def write(found: Sequence[Issued], form: Form, language: Language, titles: Mapping[str, tuple[str, str]]) -> bytes:
    """Give the file of these statements, with labels in one language; `titles` are of their two sides, by name."""
    head = [names[0] if language == "zh" else names[1] for names in _COLUMNS.values()]
    rows: list[list[Cell]] = [[*head], *_rows(found, language, titles)]
    return _csv(rows) if form is Form.CSV else _excel(rows, "对账单" if language == "zh" else "Statements")


def _rows(
    found: Sequence[Issued], language: Language, titles: Mapping[str, tuple[str, str]]
) -> Iterator[list[Cell]]:
    said = 0 if language == "zh" else 1
    for issued in found:
        statement = issued.statement
        for line in statement.lines:
            cells: dict[str, Any] = {
                **{name: getattr(statement, name) for name in _COLUMNS if hasattr(statement, name)},
                "consumer_title": titles[statement.consumer][said],
                "provider_title": titles[statement.provider][said],
                "state": label("statement_state", issued.state, language),
                "item": label("item", line.item, language),
                "plan": label("plan", line.plan, language),
                "uses": line.uses,
                "unit_price_fen": line.unit_price_fen,
                "cap_uses": line.cap_uses,
                "ceiling_fen": line.ceiling_fen,
                "amount_fen": line.amount_fen,
                "reason": None if line.reason is None else label("charge_reason", line.reason, language),
            }
            yield ["" if cells[name] is None else cells[name] for name in _COLUMNS]


def _csv(rows: Sequence[Sequence[Cell]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    writer.writerows([escaped(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def escaped(cell: Cell) -> Cell:
    """Give the cell so that no spreadsheet runs it."""
    if not isinstance(cell, str):
        return cell
    begins = cell.startswith(_FORMULA) or cell.lstrip().startswith(_FORMULA)  # some leave spaces out
    return f"'{cell}" if begins else cell


def _excel(rows: Sequence[Sequence[Cell]], title: str) -> bytes:
    # Imported here: where NumPy is installed it comes with it, and a marketplace that serves loads none.
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"  # the heads stay when one scrolls
    for number, column in enumerate(zip(*rows, strict=True), 1):
        sheet.column_dimensions[get_column_letter(number)].width = max(map(_width, column)) + 2
    for row in rows:
        sheet.append([_typed(WriteOnlyCell(sheet, value=cell), cell) for cell in row])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _width(cell: Cell) -> int:
    """How many characters of a column it takes; one of Chinese takes two."""
    return sum(2 if east_asian_width(each) in {"W", "F"} else 1 for each in str(cell))


def _typed(made: Any, cell: Cell) -> Any:  # noqa: ANN401 -- openpyxl has no types
    if isinstance(cell, str):
        made.data_type = "s"  # a text, also where it begins with =
    return made
