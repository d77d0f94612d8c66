"""What a question asks for: what a real table gives is what plain Python says of its rows."""

import math
from collections.abc import AsyncIterator
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import predicate
from tests.storing.making import puts, row, unit

from glimpsed.filters import Area, Filters, Range
from glimpsed.folding import fold
from glimpsed.records import Part, Row
from glimpsed.storing.table import Table, open_table
from glimpsed.storing.writer import Writer

PLACES = [
    (48.8566, 2.3522),
    (47.3769, 8.5417),
    (0.0, 179.9995),
    (0.0, -179.9995),
    (89.999, 10.0),
    (89.999, -170.0),
    (-90.0, 0.0),
]
NAMES = ["Zürich, Schweiz", "Lisboa", "ＺＵＲＩＣＨ", "Zu\u0308rich", "Straßburg", "京都", "it's %_\\", "ﬁeld", ""]
CAMERAS = ["Google Pixel 7 Pro", "PIXÉL", "Canon EOS R5", "'; DROP TABLE pictures; --"]
DATES = [None, "2023", "2024", "2024-06", "2024-06-12T10:00:00", "2024-06-30T23:59:59+09:00"]
KINDS = ["png", "jpeg", "mpo", None]


def labelled(number: int) -> tuple[Part, ...]:
    """Descriptions of up to twenty parts, two of three with words from the pixels."""
    others = tuple(Part("caption", f"caption {one}") for one in range(number % 20))
    return others if number % 3 == 0 else (*others, Part("ocr", "ocr"), Part("above", "x"))


ROWS = [
    row(
        number,
        path=f"/p/{'ab'[number % 2]}/{number}.jpg",
        taken_at=DATES[number % len(DATES)],
        mtime_ns=(1_600_000_000 + number * 3_000_000) * 10**9,
        format=KINDS[number % len(KINDS)],
        camera=None if number % 5 == 0 else CAMERAS[number % len(CAMERAS)],
        place=None if number % 7 == 0 else NAMES[number % len(NAMES)],
        latitude=None if number % 4 == 0 else PLACES[number % len(PLACES)][0],
        longitude=None if number % 4 == 0 else PLACES[number % len(PLACES)][1],
        size=number**3,
        width=None if number % 11 == 0 else 100 * (number % 9),
        height=None if number % 11 == 0 else 75 * (number % 13),
        description=labelled(number),
        missing_since=1.0 if number % 10 == 9 else None,
        vector=unit(number),
    )
    for number in range(120)
]  # fmt: skip

AREAS = st.builds(Area, st.floats(-90, 90), st.floats(-180, 180), st.floats(1, 2.1e7)) | st.builds(
    lambda place, metres: Area(place[0], place[1], metres),
    st.sampled_from(PLACES),
    st.sampled_from([1.0, 500.0, 600_000.0]),
)
DAYS = st.none() | st.sampled_from(["2021", "2022-01-03", "2023", "2024", "2024-06", "2024-06-12", "2024-07"])
NUMBERS = st.none() | st.sampled_from([0, 1, 75, 300, 8_000, 10**6, 10**9, 2**60])
RANGES = st.builds(Range, NUMBERS, NUMBERS)
PARTS = ["zurich", "ZÜ", "strass", "京", "i", "'", "%", "fie", "pixel", "eos r", "nowhere", " "]


def some(values: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(tuple)


FIELDS: dict[str, st.SearchStrategy[object]] = {
    "after": DAYS,
    "before": DAYS,
    "places": some(["/p/a", "/p/b/7.jpg", "/", "/nowhere"]),
    "types": some(["png", "jpeg", "mpo"]),
    "cameras": some(PARTS),
    "towns": some(PARTS),
    "near": st.lists(AREAS, min_size=1, max_size=2).map(tuple),
    "size": RANGES,
    "longer": RANGES,
    "shorter": RANGES,
    "has_text": st.booleans(),
    "has_gps": st.booleans(),
}
SINGLE = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda name: FIELDS[name].map(lambda value: Filters(**{name: value}))  # type: ignore[arg-type]  # as FIELDS has it
)
FILTERS = st.builds(
    lambda fields, missing, without: Filters(**fields, missing=missing, without=tuple(without)),
    st.fixed_dictionaries({}, optional=FIELDS),
    st.booleans(),
    st.lists(SINGLE.filter(lambda one: one != Filters()), max_size=2),
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def filled() -> AsyncIterator[Table]:
    with TemporaryDirectory() as state:
        async with open_table(state) as table:
            await Writer(table).commit(puts(ROWS))
            yield table


@settings(deadline=None, max_examples=60)
@given(FILTERS)
async def test_the_table_gives_what_the_filters_mean(filled: Table, filters: Filters) -> None:
    wanted = {one.path for one in ROWS if predicate.asked_for(one, filters)}
    found = {one.path for one in await filled.recent(filters, 1000)}
    unsure = {one.path for one in ROWS if len(one.description) > 16}
    if filters.has_text or any(one.has_text for one in filters.without):
        assert found >= wanted  # the others are told apart when rows are at hand
        assert found - wanted <= unsure
    else:
        assert found == wanted
    assert {one.path for one in await filled.by_name(filters, 1000)} == found
    assert {path for path, _ in await filled.nearest(unit(1), strong=False, filters=filters, k=1000)} == found
    assert {path for path, _ in await filled.match("picture", filters, 1000)} == found


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=3))
async def test_any_text_can_be_asked_for(filled: Table, texts: list[str]) -> None:
    filters = Filters(without=(Filters(cameras=tuple(texts)), Filters(towns=tuple(texts), types=tuple(texts))))
    found = {path for path, _ in await filled.phrase(texts, Filters(), 1_000)}
    folded = [fold(text) for text in texts]
    held = {one.path for one in ROWS if all(text in fold(one.text) for text in folded)}
    if all(text.isascii() and text.isalnum() for text in texts):
        assert found >= {one.path for one in ROWS if one.path in held and one.missing_since is None}
    assert {one.path for one in await filled.recent(filters, 1_000)} == {
        one.path for one in ROWS if predicate.asked_for(one, filters)
    }


@pytest.mark.parametrize(
    ("area", "numbers"),
    [
        # A kilometre over the date line, and over the pole.
        (Area(0.0, 180.0, 100), {2, 3}),
        (Area(90.0, 0.0, 120), {4, 5}),
        (Area(-89.9999, 123.0, 20), {6}),
        (Area(48.86, 2.35, 1_000), {0}),
        (Area(48.0, 2.35, 1e8), {0, 1, 2, 3, 4, 5, 6}),
    ],
)
async def test_near_goes_around_the_earth(table: Table, writer: Writer, area: Area, numbers: set[int]) -> None:
    rows = [row(n, latitude=latitude, longitude=longitude) for n, (latitude, longitude) in enumerate(PLACES)]
    await writer.commit(puts([*rows, row(20), row(21, latitude=1.0)]))
    assert {one.inode - 10 for one in await table.recent(Filters(near=(area,)), 99)} == numbers


async def test_more_names_than_one_list_holds(table: Table, writer: Writer) -> None:
    await writer.commit(puts(row(n, place=f"Ort {n}", camera="x" if n % 2 else None) for n in range(1_300)))
    assert len(await table.recent(Filters(towns=("ORT",)), 2_000)) == 1_300
    assert len(await table.recent(Filters(without=(Filters(towns=("ort 1",)),)), 2_000)) == 1_300 - 1 - 10 - 100 - 300
    assert sorted(await table.names("camera")) == ["x"]
    await writer.commit(puts([row(0, camera="y", place=None, path="/other/0.jpg"), row(1, missing_since=1.0)]))
    assert sorted(await table.names("camera")) == ["x", "y"]
    assert sorted(await table.names("directory")) == ["/other", "/pictures"]
    assert len(await table.names("place")) == 1_299


def said(*texts: str, path: str | None = None, number: int = 0) -> Row:
    parts = tuple(Part("caption", text) for text in texts)
    given = {} if path is None else {"path": path}
    return row(number, description=parts, text="\n".join(texts), **given)


@pytest.mark.parametrize(
    ("phrase", "numbers"),
    [
        ("total $12.40", {0}),
        ("TOTAL: $12.40", {0}),
        ("zurich hbf", {1}),
        ("拉面收据", {2}),
        ("面收", {2}),
        ("京都", {2}),
        ("IMG_2041.JPG", {3}),
        ("$", {0}),
        ("'", {4}),
        ("nothing of it", set()),
        ("x" * 5_000, set()),
    ],
)
async def test_a_phrase_is_found_wherever_it_stands(
    table: Table, writer: Writer, phrase: str, numbers: set[int]
) -> None:
    rows = [
        said("Total: $12.40", number=0),
        said("Zürich HBF", number=1),
        said("京都的拉面收据", number=2),
        said("x", path="/pictures/IMG_2041.JPG", number=3),
        said("it's total", number=4),
    ]
    await writer.commit(puts(rows))
    found = {path for path, _ in await table.phrase([phrase], Filters(), 10)}
    assert {one.inode - 10 for one in rows if one.path in found} == numbers
    assert await table.phrase([phrase], Filters(types=("gif",)), 10) == []
    assert len(await table.phrase([phrase], Filters(), 1)) <= 1


async def test_phrases_hold_together(table: Table, writer: Writer) -> None:
    await writer.commit(puts([said("red car", "blue house", number=1), said("red car", number=2)]))
    found = await table.phrase(["red car", "blue house"], Filters(), 10)
    assert [path for path, _ in found] == [row(1).path]


async def test_by_name_goes_by_the_files_name(table: Table, writer: Writer) -> None:
    names = ["/z/a.jpg", "/a/Ä.jpg", "/b/b.jpg", "/a/a.jpg"]
    await writer.commit(puts(row(n, path=path) for n, path in enumerate(names)))
    assert [one.path for one in await table.by_name(Filters(), 3)] == ["/a/a.jpg", "/a/Ä.jpg", "/z/a.jpg"]


def test_the_other_formula_is_right() -> None:
    degree = predicate.metres(row(latitude=0.0, longitude=0.0), Area(0.0, 1.0, 1))
    assert degree == pytest.approx(2 * math.pi * 6_371_008.8 / 360)


async def test_a_place_by_what_it_is_called_elsewhere(table: Table, writer: Writer) -> None:
    vienna = {"place": "Vienna, Austria", "latitude": 48.2, "longitude": 16.4}
    abroad = (Part("placenames", "Wien, Bécs, 维也纳, Österreich"),)
    await writer.commit(
        puts(
            [
                row(0, **vienna, description=abroad),
                row(1, place="Vienna, Austria", description=(Part("caption", "told by a person, without a position"),)),
                row(2, place="Wiener Neustadt, Austria", latitude=47.8, longitude=16.2, path="/p/\udcff.jpg"),
                row(3, place="Tokyo, Japan", latitude=35.6, longitude=139.7, description=(Part("placenames", "東京"),)),
                row(4),
            ]
        )
    )

    async def found(*towns: str, without: bool = False) -> set[int]:
        asked = Filters(towns=towns)
        return {one.inode - 10 for one in await table.recent(Filters(without=(asked,)) if without else asked, 9)}

    assert await found("wien") == {0, 1, 2}
    assert await found("BECS") == {0, 1}
    assert await found("東京") == {3}
    assert await found("東") == set()  # not a whole name
    assert await found("tok") == {3}
    assert await found("österreich", without=True) == {2, 3, 4}
    praha = row(4, place="Prague", latitude=50.1, longitude=14.4, description=(Part("placenames", "Praha"),))
    await writer.commit(puts([praha]))
    assert await found("Praha") == {4}
    assert await found("wien", "praha") == {0, 1, 2, 4}
