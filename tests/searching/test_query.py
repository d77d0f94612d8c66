"""Any text is a question or an error that says where; filters mean what they say."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.errors import QueryError
from glimpsed.filters import ANY, Area, Fields, Filters, Range
from glimpsed.searching.filtering import FORMATS
from glimpsed.searching.query import LONGEST, Query, parse, parse_fields
from glimpsed.searching.tokens import NAMES, plain, quoted
from glimpsed.searching.writing import written

NOW = datetime(2024, 6, 12, 9, 30)
FOLDERS = ("/home/ann/Pictures", "/data/scans")


def ask(question: str, month: int = 6) -> Query:
    return parse(question, now=NOW.replace(month=month), folders=FOLDERS, home="/home/ann")


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
        "aft",
        "after 2024",
        "-",
        "--flag --",
        "-5°C -2024 -_a -.jpg -:",
        "2024-06 e-mail a-b",
        '-"never closed',
        "−red –red",
    ],
)
def test_what_merely_has_a_colon_is_words(words: str) -> None:
    assert ask(words) == Query(words)


@pytest.mark.parametrize(
    ("question", "near", "column"),
    [
        ("boats afetr:2024", "after", 7),
        ("aftr:2024", "after", 1),
        ("tpye:png", "type", 1),
        ("  befor:2024", "before", 3),
        ("red -tpye:png", "type", 6),
        ("campera:x", "camera", 1),
    ],
)
def test_an_unknown_filter_is_corrected(question: str, near: str, column: int) -> None:
    error = fault(question)
    name = question[column - 1 :].partition(":")[0]
    assert error.what == f'unknown filter "{name}": {near}?'
    assert (error.column, error.suggestion) == (column, f"{near}:")
    assert "in double quotes" in str(error.hint)
    assert all(one in str(error.hint) for one in NAMES)


def test_one_that_is_like_none_has_no_suggestion() -> None:
    error = fault("x qqq:1")
    assert (error.what, error.column, error.suggestion) == ('unknown filter "qqq"', 3, None)


@pytest.mark.parametrize(
    ("question", "what", "suggestion"),
    [
        ("x has:txt", 'has: knows no "txt": text?', "text"),
        ("x is:mising", 'is: knows no "mising": missing?', "missing"),
        ("x type:wepb", 'type: knows no "wepb": webp?', "webp"),
        ("x type:png,jpge", 'type: knows no "jpge": jpg?', "jpg"),
        ("x on:yestreday", 'on: cannot be "yestreday": yesterday?', "yesterday"),
        ("x has:qqq", 'has: knows no "qqq"', None),
    ],
)
def test_an_unknown_value_is_corrected(question: str, what: str, suggestion: str | None) -> None:
    error = fault(question)
    assert (error.what, error.suggestion) == (what, suggestion)
    assert error.column == question.index(":") + 2


@pytest.mark.parametrize(
    ("question", "words", "excluded"),
    [
        ("cat -dog", "cat", ("dog",)),
        ('cat -"hot  dog" -"-"', "cat", ("hot dog", "-")),
        ("-Ärger -京都 -x", "", ("Ärger", "京都", "x")),
        ("-http://x.y -C:\\x -10:30", "-10:30", ("http://x.y", "C:\\x")),
        ('cat -"" -dog -dog', "cat", ("dog",)),
        ("a -b-c", "a", ("b-c",)),
    ],
)
def test_what_a_minus_stands_before_is_left_out(question: str, words: str, excluded: tuple[str, ...]) -> None:
    assert ask(question) == Query(words, excluded=excluded)


def test_in_double_quotes_all_is_words() -> None:
    assert ask('"abc:def" "after:2024" red') == Query("abc:def after:2024 red", Filters(), ("abc:def", "after:2024"))
    assert ask(r'"say \"hi\" \\ there"').phrases == (r'say "hi" \ there',)
    assert ask('""') == Query()


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


def test_each_filter_means_what_it_says() -> None:
    assert ask("camera:Pixel camera:canon").filters == Filters(cameras=("Pixel", "canon"))
    assert ask('place:"New  York"').filters == Filters(towns=("New York",))
    assert ask("near:48.86,2.35,5km near:0,0").filters.near == (Area(48.86, 2.35, 5000), Area(0, 0, 5000))
    assert ask("size:>2MB size:<=3MB").filters == Filters(size=Range(2_000_001, 3_000_000))
    assert ask("size:1920x1080").filters == Filters(longer=Range(1920), shorter=Range(1080))
    assert ask("has:text HAS:GPS is:missing").filters == Filters(has_text=True, has_gps=True, missing=True)
    assert ask("on:2024-06").filters == ask("on:last-month", 7).filters == Filters(after="2024-06", before="2024-07")
    assert ask("after:yesterday before:today").filters == Filters(after="2024-06-11", before="2024-06-12")


def test_a_minus_before_a_filter_means_all_others() -> None:
    assert ask("-type:jpg,png -in:/a -on:2024").filters.without == (
        Filters(types=("jpeg", "mpo", "png")),
        Filters(places=("/a",)),
        Filters(after="2024", before="2025"),
    )
    assert ask("-in:2024 -in:2024").filters.without == tuple(Filters(places=(f"{one}/2024",)) for one in FOLDERS)
    assert fault("x -is:missing").column == 4


@pytest.mark.parametrize(
    ("filters", "field", "what"),
    [
        ((("type", "png"), ("type", "doc")), "type", 'knows no "doc"'),
        ((("after", "soon"),), "after", 'cannot be "soon"'),
        ((("near", "1,2,x"),), "near", 'cannot be "1,2,x"'),
        ((("in", ""),), "in", "needs a value right after the colon"),
        ((("size", "big"),), "size", 'cannot be "big"'),
    ],
)
def test_a_field_with_a_fault_is_named(filters: tuple[tuple[str, str], ...], field: str, what: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_fields(Fields("x", filters=filters), now=NOW, folders=FOLDERS)
    assert (caught.value.field, caught.value.what) == (field, what)
    assert str(caught.value).startswith(f"{field}: {what}")


def test_in_fields_all_is_words() -> None:
    fields = Fields(
        " -a  after:2024 ", ('say "hi"', "\0"), ("type:png", "b  c"), (("type", "png"), ("on", "2024-06-12"))
    )
    assert parse_fields(fields, now=NOW) == Query(
        '-a after:2024 say "hi"',
        Filters(types=("png",), after="2024-06-12", before="2024-06-13"),
        ('say "hi"',),
        ("type:png", "b c"),
    )
    assert str(fields).startswith(' -a  after:2024  "say "hi""')
    with pytest.raises(QueryError, match="at most"):
        parse_fields(Fields("x", ("y" * LONGEST,)), now=NOW)


def test_in_fields_filters_can_be_left_out_too() -> None:
    fields = Fields("cat", filters=(("type", "png"),), without=(("camera", "pixel"), ("after", "2024")))
    assert parse_fields(fields, now=NOW) == ask("cat type:png -camera:pixel -after:2024")
    assert str(fields) == "cat type:png -camera:pixel -after:2024"
    with pytest.raises(QueryError) as caught:
        parse_fields(Fields("x", without=(("type", "doc"),)), now=NOW)
    assert (caught.value.field, caught.value.what) == ("without.type", 'knows no "doc"')
    with pytest.raises(QueryError, match="at most"):
        parse_fields(Fields("x", without=(("camera", "y" * LONGEST),)), now=NOW)


def test_a_long_question_is_refused_without_being_read() -> None:
    assert ask("x" * LONGEST).words == "x" * LONGEST
    error = fault("after:nonsense " * 140_000)  # 2 MB; its first word would be another error
    assert error.column == LONGEST + 1
    assert str(LONGEST) in str(error)


def test_words_hold_nothing_that_cannot_be_sent_on() -> None:
    query = ask('red\0bike \udcff\x1b[31m "a\x07b"')
    assert query.words == "red bike [31m a b"
    query.words.encode()


VALUES = [
    "2024-06", "yesterday", '"3 days ago"', "7d", "2024..2025-01-02", "png", "text", "missing", "/a", ">2MB",
    "1x2..3x4", "=500px", "1,2", "-1,-2.5,3mi", '"x y"',
]  # fmt: skip
PIECES = st.sampled_from(
    [*'abz:"\\ \t~/-.0é京<>=,', *[f"{name}:" for name in NAMES], "abc:", *VALUES, "\udcff", "\0", " -"]
)


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=14).map("".join)))
@settings(deadline=None, max_examples=300)
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


@given(st.lists(st.text(max_size=20), max_size=4), st.lists(st.text(max_size=20), max_size=4))
@settings(deadline=None, max_examples=200)
def test_what_is_quoted_is_read_back(phrases: list[str], excluded: list[str]) -> None:
    query = ask(" ".join([*map(quoted, phrases), *(f"-{quoted(one)}" for one in excluded)]))
    assert query.phrases == tuple(dict.fromkeys(filter(None, map(plain, phrases))))
    assert query.excluded == tuple(dict.fromkeys(filter(None, map(plain, excluded))))
    assert query.filters == Filters()


DAYS = st.dates().map(lambda day: day.isoformat())
NAMES_ON_DISK = st.text(st.characters(exclude_characters="\0/"), min_size=1).filter(lambda name: name.strip(".") != "")
PATHS = st.lists(NAMES_ON_DISK, max_size=3).map(lambda names: "/" + "/".join(names)).filter(plain)
TEXTS = st.text(min_size=1, max_size=12).map(plain).filter(bool)
AREAS = st.builds(Area, st.floats(-90, 90), st.floats(-180, 180), st.floats(1e-3, 1e7))
BOUNDS = st.integers(0, 10**9)
RANGES = st.builds(Range, st.none() | BOUNDS, st.none() | BOUNDS)
TYPES = st.lists(st.sampled_from(sorted(FORMATS)), min_size=1, max_size=3).map(
    lambda names: tuple(dict.fromkeys(one for name in names for one in FORMATS[name]))
)
SIDES = st.one_of(
    st.tuples(RANGES, st.just(ANY)),
    # Both sides are bounded together: `1x2`.
    st.tuples(st.builds(Range, BOUNDS, BOUNDS), st.builds(Range, BOUNDS, BOUNDS)).filter(
        lambda both: (both[0].least or 0) >= (both[1].least or 0)
    ),
)
FILTERS = st.builds(
    lambda sides, **fields: Filters(longer=sides[0], shorter=sides[1], **fields),
    SIDES,
    after=st.none() | DAYS | DAYS.map(lambda day: day[:7]) | DAYS.map(lambda day: day[:4]),
    before=st.none() | DAYS,
    places=st.lists(PATHS, max_size=3, unique=True).map(tuple),
    types=st.just(()) | TYPES,
    cameras=st.lists(TEXTS, max_size=2, unique=True).map(tuple),
    towns=st.lists(TEXTS, max_size=2, unique=True).map(tuple),
    near=st.lists(AREAS, max_size=2, unique=True).map(tuple),
    size=RANGES,
    has_text=st.booleans(),
    has_gps=st.booleans(),
    missing=st.booleans(),
    without=st.lists(
        st.one_of(
            st.builds(lambda path: Filters(places=(path,)), PATHS),
            st.builds(lambda types: Filters(types=types), TYPES),
            st.builds(lambda text: Filters(cameras=(text,)), TEXTS),
            st.builds(lambda area: Filters(near=(area,)), AREAS),
            st.builds(lambda day: Filters(after=day), DAYS),
            st.sampled_from(
                [
                    Filters(after="2024", before="2024-03"),
                    Filters(after="2024-06-03", before="2024-06-10"),
                    Filters(size=Range(5, 5)),
                    Filters(longer=Range(1, 3), shorter=Range(0, 2)),
                    Filters(has_text=True),
                ]
            ),
        ),
        max_size=3,
        unique=True,
    ).map(tuple),
)


@given(FILTERS)
@settings(deadline=None, max_examples=200)
def test_filters_written_are_read_back(filters: Filters) -> None:
    assert ask(written(filters)).filters == filters
    assert ask("two words " + written(filters)) == replace(Query("two words"), filters=filters)
