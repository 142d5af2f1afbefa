"""What a cell of text must look like to be a value of a column's type, as expressions of DuckDB's SQL.

DuckDB's own casts are too kind: INTEGER takes 1_0, 1.0 and blanks. Here a regular expression (RE2, so [0-9] is
ASCII) must match the whole cell before anything is cast, and what does not match becomes NULL.
"""

from connectors.base import DIGITS, Column, ColumnType
from connectors.uscc import RULE, SHAPE

TEXT_CHARACTERS = 256

# Control characters, line and paragraph separators, and the marks that reorder what a reader sees.
_UNSEEN = r"\p{Cc}\p{Zl}\p{Zp}\x{061C}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2066}-\x{2069}"
_TEXT = rf"[^{_UNSEEN}\p{{Z}}]([^{_UNSEEN}]*[^{_UNSEEN}\p{{Z}}])?"
_INTEGER = f"0|-?[1-9][0-9]{{0,{DIGITS - 1}}}"
_DATE = "[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}"


def value_sql(column: Column, cell: str) -> str:
    """Give the SQL for a cell's value, NULL where the cell breaks the rule; `cell` is SQL for its text.

    Decimals become integers in units of 10^-scale.
    """
    match column.type:
        case ColumnType.KEY:
            return _if(_matches(cell, SHAPE), cell)
        case ColumnType.TEXT:
            return _if(f"length({cell}) <= {TEXT_CHARACTERS} AND {_matches(cell, _TEXT)}", cell)
        case ColumnType.INTEGER:
            return _if(_matches(cell, _INTEGER), f"TRY_CAST({cell} AS BIGINT)")
        case ColumnType.DECIMAL:
            shape = f"-?(0|[1-9][0-9]{{0,{DIGITS - 1 - column.scale}}})([.][0-9]{{1,{column.scale}}})?"
            # Joined as text: a product of DECIMALs overflows before it is cast.
            units = f"split_part({cell}, '.', 1) || rpad(split_part({cell}, '.', 2), {column.scale}, '0')"
            return _if(
                f"{_matches(cell, shape)} AND NOT {_matches(cell, '-0([.]0+)?')}", f"TRY_CAST({units} AS BIGINT)"
            )
        case ColumnType.DATE:
            return _if(_matches(cell, _DATE), f"TRY_CAST({cell} AS DATE)")


def rule(column: Column) -> str:
    """Give the rule in words, for a message."""
    match column.type:
        case ColumnType.KEY:
            return f"a USCC: {RULE}"
        case ColumnType.TEXT:
            return (
                f"a text of at most {TEXT_CHARACTERS} characters, without white space at its ends, "
                "control or direction characters"
            )
        case ColumnType.INTEGER:
            return f"an integer of at most {DIGITS} digits 0-9, without plus sign, leading zeros or decimal point"
        case ColumnType.DECIMAL:
            return (
                f"a number with at most {column.scale} decimals and {DIGITS - column.scale} digits 0-9 before "
                "them, without plus sign, leading zeros, exponent or thousands separators"
            )
        case ColumnType.DATE:
            return "a date of the calendar, written YYYY-MM-DD"


def _matches(cell: str, pattern: str) -> str:
    return f"regexp_full_match({cell}, '{pattern}')"  # the patterns of this file have no single quote


def _if(condition: str, value: str) -> str:
    return f"CASE WHEN {condition} THEN {value} END"
