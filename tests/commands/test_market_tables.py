"""Tables for a terminal: what others wrote is shown as it is, in every table."""

import io
from pathlib import Path

from rich.console import Console

from veilmart.market import tables

MARKET = Path(tables.__file__).parent


def test_words_of_others_are_no_markup_and_move_no_cursor() -> None:
    made = tables.table("名称 Title", "说明 Text", title="表 Table")
    tables.add(made, "[/b] [red]局[/red]", "one\x1b[2Jtwo\nthree")
    shown = io.StringIO()
    Console(file=shown, width=80).print(made)
    assert "[/b] [red]局[/red]" in shown.getvalue()
    assert "one\N{REPLACEMENT CHARACTER}[2Jtwo" in shown.getvalue()
    assert "\x1b" not in shown.getvalue()


def test_no_table_of_the_market_adds_rows_in_another_way() -> None:
    found = [path.name for path in MARKET.glob("*.py") if ".add_row(" in path.read_text("utf-8")]
    assert found == ["tables.py"]
