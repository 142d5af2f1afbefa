import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import SearchError
from catalog.search.terms import QUERY_CHARACTERS, index_terms, query_terms


def finds(query: str, text: str) -> bool:
    return set(query_terms(query)) <= index_terms(text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("信用", "企业信用评分"),  # two characters, which a trigram index misses
        ("信用评分", "企业信用评分"),
        ("信", "企业信用评分"),
        ("评分", "企业信用评分"),
        ("Credit", "credit scores"),
        ("CREDIT SCO", "credit scores"),
        ("score", "credit scores"),  # the word being typed
        ("2024年", "2024年度报告"),
        ("A股", "A股行情"),
        ("B2B 平台", "面向B2B的交易平台"),
        ("market-reg", "market-registration 1.0.0"),
        ("business_age", "business_age"),
        ("Ａ股", "a股"),  # full-width
        ("１２３", "编号123"),
        ("ｱｲｳ", "アイウ"),  # half-width kana
        ("STRASSE", "Straße"),
        ("信\u200b用", "信用"),  # nobody sees the zero-width space
        ("\u202e信用", "信用\u202c"),
        ("信用", "信\u2060用"),
        ("㈱", "(株)"),
        ("\U00020000\U00020001", "𠀀𠀁"),
    ],
)
def test_what_is_asked_for_is_found(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("用信", "信用"),
        ("信用", "信息使用"),
        ("信用", "信,用"),  # characters that do not stand together
        ("score card", "scorecard"),
        ("scor card", "score card"),  # only the last word may be unfinished
        ("score ", "scores"),  # a space ends it
        ("core", "score"),
        ("信用", "信・用"),
        ("數據", "数据"),  # traditional and simplified characters are different ones
    ],
)
def test_what_is_not_asked_for_is_not_found(query: str, text: str) -> None:
    assert not finds(query, text)


@pytest.mark.parametrize(
    "query", ["title: x OR y*", '"x" AND NEAR(a b)', "a:* & !b | c", "'; DROP TABLE t; --", "x\0y"]
)
def test_operators_of_other_query_languages_are_words_or_nothing(query: str) -> None:
    for term in query_terms(query):
        assert term.lstrip("=^").isalnum()


@pytest.mark.parametrize("query", ["", " ", "\t\n", "\u3000", "\u200b"])
def test_white_space_asks_for_nothing_in_particular(query: str) -> None:
    assert query_terms(query) == ()


@pytest.mark.parametrize("query", ["!!!", "***", "\0", "。", "\ufffd", "_"])
def test_a_query_without_a_character_to_find_by_is_refused(query: str) -> None:
    with pytest.raises(SearchError, match="no letter"):
        query_terms(query)


def test_a_long_query_is_refused_before_it_is_read() -> None:
    assert len(query_terms("数" + "据品" * 99)) <= QUERY_CHARACTERS
    with pytest.raises(SearchError, match=r"1000000 characters are more than 200"):
        query_terms("x" * 1_000_000)


def test_a_long_word_is_cut_in_text_and_query_alike() -> None:
    code = "4601" * 20
    assert finds(code, f"编号{code}")
    assert len(index_terms(code)) == 33


def test_terms_stand_once_in_the_order_typed() -> None:
    assert query_terms("信用 信用 tax tax") == ("信用", "=tax", "^tax")


@given(st.text(max_size=60))
def test_every_text_is_found_by_itself(text: str) -> None:
    try:
        terms = query_terms(text)
    except SearchError:
        assert not index_terms(text)
        return
    assert set(terms) <= index_terms(text)


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_text_in_another_is_found_by_whole_words_and_characters(one: str, other: str) -> None:
    assert index_terms(one) <= index_terms(f"{one}\n{other}")
