"""Any text is a question or an error that says where; filters mean what they say."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.errors import QueryError
from glimpsed.records import Filters
from glimpsed.searching.query import FORMATS, LONGEST, Query, parse, written

NOW = datetime(2024, 6, 12, 9, 30)
FOLDERS = ("/home/ann/Pictures", "/data/scans")


def ask(question: str) -> Query:
    return parse(question, now=NOW, folders=FOLDERS, home="/home/ann")


def fault(question: str) -> QueryError:
    with pytest.raises(QueryError) as caught:
        ask(question)
    return caught.value


def test_words_and_filters_are_told_apart() -> None:
    query = ask("beach  sunset after:2024-06 type:png in:~/Pictures/2024 before:2025")
    assert query == Query(
        "beach sunset",
        Filters(after="2024-06", before="2025", places=("/home/ann/Pictures/2024",), types=("png",)),
    )


def test_an_empty_question_has_neither() -> None:
    assert ask("") == ask(" \t\n\u3000") == Query()


@pytest.mark.parametrize(
    "words",
    [
        "10:30",
        "at 10:30 16:9",
        "http://example.org/a",
        "https://x.y",
        "file:///etc",
        "C:\\Users",
        "C:/Users",
        "a:b",
        "std::sort",
        "Error: no such file",
        "TypeError: x",
        "re: your mail",
        "#re:x",
        "1re:x",
        ":after",
        "时间:十点",
        "价格：980",
        'a 5" disk',
        '"',
        "user@host:22",
        "x-ray:chest",
        "thisheadistoolongtobeafilter:x",
        "in",
        "after 2024",
    ],
)
def test_what_merely_has_a_colon_is_words(words: str) -> None:
    assert ask(words) == Query(words)


@pytest.mark.parametrize(
    ("question", "near", "column"),
    [("abc:def", "", 1), ("beach aftr:2024", "after", 7), ("tpye:png", "type", 1), ("  befor:2024", "before", 3)],
)
def test_an_unknown_filter_names_the_nearest(question: str, near: str, column: int) -> None:
    error = fault(question)
    assert error.column == column
    assert near in str(error.hint)
    assert "in double quotes" in str(error.hint)


def test_in_double_quotes_all_is_words() -> None:
    assert ask('"abc:def" "after:2024" red') == Query("abc:def after:2024 red", Filters(), ("abc:def", "after:2024"))
    assert ask(r'"say \"hi\" \\ there"').phrases == (r'say "hi" \ there',)
    assert ask('""') == Query()


@pytest.mark.parametrize("day", ["2024", "2024-06", "2024-06-12", "0001", "9999-12-31", "2024-02-29"])
@pytest.mark.parametrize("name", ["after", "before", "After", "BEFORE"])
def test_dates_are_years_months_and_days(name: str, day: str) -> None:
    filters = ask(f"{name}:{day}").filters
    assert getattr(filters, name.lower()) == day


@pytest.mark.parametrize(
    "day",
    [
        "2023-02-29",
        "2024-13",
        "2024-00",
        "24",
        "2024-6",
        "2024/06",
        "june",
        "0000",
        "2024-06-12T10:00",
        "２０２４",
        "-2024",
    ],
)
def test_other_dates_are_refused_where_they_stand(day: str) -> None:
    error = fault(f"beach after:{day}")
    assert error.column == len("beach after:") + 1


def test_today_and_yesterday_go_by_the_given_clock() -> None:
    assert ask("after:yesterday before:today").filters == Filters(after="2024-06-11", before="2024-06-12")


def test_the_strictest_dates_hold_and_any_place_and_type() -> None:
    query = ask("after:2023 after:2024-01 before:2025 before:2024-12 in:/b in:/a in:/b type:png,gif type:.WEBP")
    assert query.filters == Filters("2024-01", "2024-12", ("/b", "/a"), ("png", "gif", "webp"))


@pytest.mark.parametrize(
    ("said", "places"),
    [
        ("~", ("/home/ann",)),
        ("~/Pictures/2024/", ("/home/ann/Pictures/2024",)),
        ("/data/./scans//x/..", ("/data/scans",)),
        ("//data", ("/data",)),
        ("Pictures/2024", ("/home/ann/Pictures/2024",)),
        ("scans", ("/data/scans",)),
        ("2024", ("/home/ann/Pictures/2024", "/data/scans/2024")),
        ('"My Pictures"', ("/home/ann/Pictures/My Pictures", "/data/scans/My Pictures")),
        ('"/a\\"b"', ('/a"b',)),
        ("/a:b", ("/a:b",)),
        ("/\udcff", ("/\udcff",)),
        ("~other", ("/home/ann/Pictures/~other", "/data/scans/~other")),
    ],
)
def test_places_are_absolute_below_home_or_in_a_folder(said: str, places: tuple[str, ...]) -> None:
    assert ask(f"in:{said}").filters.places == places


def test_a_relative_place_needs_a_folder() -> None:
    with pytest.raises(QueryError, match="begins with / or ~"):
        parse("in:2024", now=NOW)
    assert parse("in:/2024", now=NOW).filters.places == ("/2024",)
    assert not parse("in:~", now=NOW).filters.places[0].startswith("~")


@pytest.mark.parametrize(
    ("question", "column"),
    [
        ("after:", 7),
        ("x type: png", 8),
        ('in:""', 4),
        ("in:/a\0b", 4),
        ('in:"/a b', 4),
        ("type:doc", 6),
        ("type:png,", 6),
    ],
)
def test_a_filter_without_a_sound_value_is_refused_where_it_stands(question: str, column: int) -> None:
    assert fault(question).column == column


def test_jpeg_means_what_people_call_so() -> None:
    assert ask("type:jpg").filters.types == ("jpeg", "mpo") == ask("type:JPEG").filters.types
    assert "webp" in str(fault("type:wepb").hint)


def test_a_long_question_is_refused_without_being_read() -> None:
    assert ask("x" * LONGEST).words == "x" * LONGEST
    error = fault("after:nonsense " * 140_000)  # 2 MB; its first word would be another error
    assert error.column == LONGEST + 1
    assert str(LONGEST) in str(error)


def test_words_hold_nothing_that_cannot_be_sent_on() -> None:
    query = ask('red\0bike \udcff\x1b[31m "a\x07b"')
    assert query.words == "red bike [31m a b"
    query.words.encode()


PIECES = st.sampled_from(
    [*'abz:"\\ \t~/-.0é京', "after:", "before:", "in:", "type:", "abc:", "2024-06", "png", "\udcff", "\0", " ", '"x y"']
)


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=14).map("".join)))
@settings(deadline=None, max_examples=150)
def test_any_text_is_a_question_or_an_error_with_its_column(question: str) -> None:
    answer = understood(question)
    if isinstance(answer, QueryError):
        assert 1 <= answer.column <= len(question) + 1
    else:
        answer.words.encode()
        assert ask(written(answer.filters)) == Query("", answer.filters)


def understood(question: str) -> Query | QueryError:
    try:
        return ask(question)
    except QueryError as error:
        return error


DAYS = st.dates().map(lambda day: day.isoformat())
NAMES = st.text(st.characters(exclude_characters="\0/"), min_size=1).filter(lambda name: name.strip(".") != "")
PATHS = st.lists(NAMES, max_size=3).map(lambda names: "/" + "/".join(names))
FILTERS = st.builds(
    Filters,
    after=st.none() | DAYS | DAYS.map(lambda day: day[:7]) | DAYS.map(lambda day: day[:4]),
    before=st.none() | DAYS,
    places=st.lists(PATHS, max_size=3, unique=True).map(tuple),
    types=st.lists(st.sampled_from(sorted(FORMATS)), max_size=3).map(
        lambda names: tuple(dict.fromkeys(one for name in names for one in FORMATS[name]))
    ),
)


@given(FILTERS)
@settings(deadline=None, max_examples=150)
def test_filters_written_are_read_back(filters: Filters) -> None:
    assert ask(written(filters)).filters == filters
    assert ask("two words " + written(filters)) == replace(Query("two words"), filters=filters)
