"""Dates, sizes and areas as people write them."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.filters import ANY, Area, Range
from glimpsed.searching.amounts import RADIUS, Sizes, area, sizes
from glimpsed.searching.dates import WORDS, Period, last_before, period

TODAY = date(2024, 3, 31)  # a Sunday
END = "2024-04-01"


@pytest.mark.parametrize(
    ("said", "begin", "end"),
    [
        ("2024", "2024", "2025"),
        ("2024-12", "2024-12", "2025-01"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("0001", "0001", "0002"),
        ("9999-12-31", "9999-12-31", None),
        ("9999-12", "9999-12", None),
        ("9999", "9999", None),
        ("Today", "2024-03-31", END),
        ("yesterday", "2024-03-30", "2024-03-31"),
        ("this-week", "2024-03-25", END),
        ("last  week", "2024-03-18", "2024-03-25"),
        ("this month", "2024-03", "2024-04"),
        ("last-month", "2024-02", "2024-03"),
        ("this-year", "2024", "2025"),
        ("last year", "2023", "2024"),
        ("0d", "2024-03-31", END),
        ("7d", "2024-03-24", "2024-03-25"),
        ("2w", "2024-03-17", "2024-03-18"),
        ("1m", "2024-02-29", "2024-03-01"),
        ("4M", "2023-11-30", "2023-12-01"),
        ("1 y", "2023-03-31", "2023-04-01"),
        ("3 days ago", "2024-03-28", "2024-03-29"),
        ("1-week-ago", "2024-03-24", "2024-03-25"),
        ("2024-02..2024-03-05", "2024-02", "2024-03-06"),
        ("last-week..today", "2024-03-18", END),
        ("2024..9999", "2024", None),
    ],
)
def test_a_date_is_a_stretch_of_time(said: str, begin: str, end: str | None) -> None:
    assert period(said, TODAY) == Period(begin, end)


@pytest.mark.parametrize(
    "said",
    [
        "", "24", "2024-6", "2024-13", "2024-00", "2023-02-29", "2024/06", "june", "0000", "2024-06-12T10:00",
        "２０２４", "-2024", "2024-01-00", "9999y", "99999 months ago", "days ago", "3 days", "..", "2024..",
        "2025..2024",
        "1d..2d", "2024..2025..2026", "last-day", "999999d",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(said: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the reason is for people
        period(said, TODAY)


@given(st.dates(), st.sampled_from([*WORDS, "7d", "2w", "11m", "3y"]))
@settings(deadline=None)
def test_relative_dates_are_dates_or_there_are_none(today: date, said: str) -> None:
    try:
        found = period(said, today)
    except ValueError:
        assert today.year <= 4
        return
    assert found.end is None or found.begin < found.end
    assert period(f"{found.begin}..{last_before(found.end)}" if found.end else found.begin, today) == found


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2MB", Sizes(Range(2_000_000))),
        (">2MB", Sizes(Range(2_000_001))),
        (">= 2 mb", Sizes(Range(2_000_000))),
        ("<500KB", Sizes(Range(None, 499_999))),
        ("<=500", Sizes(Range(None, 500))),
        ("=1KiB", Sizes(Range(1024, 1024))),
        ("1.5k", Sizes(Range(1500))),
        ("0.0005kb", Sizes(Range(0))),
        ("1MB..5MB", Sizes(Range(1_000_000, 5_000_000))),
        (">0", Sizes(Range(1))),
        ("1920x1080", Sizes(ANY, Range(1920), Range(1080))),
        (">=1080X1920", Sizes(ANY, Range(1920), Range(1080))),
        ("<800×600", Sizes(ANY, Range(None, 799), Range(None, 599))),
        ("4000px", Sizes(ANY, Range(4000))),
        ("=64px", Sizes(ANY, Range(64, 64))),
        ("100px..200px", Sizes(ANY, Range(100, 200))),
        ("10x20..30x30", Sizes(ANY, Range(20, 30), Range(10, 30))),
    ],
)
def test_a_size_is_of_the_file_or_of_its_sides(said: str, meant: Sizes) -> None:
    assert sizes(said) == meant


@pytest.mark.parametrize(
    "said",
    ["", ">", "big", "2XB", "<0", "<0x5", "5MB..1MB", "1MB..20px", "1..", "..", "-5", "1e3", "1,5MB", "x", "5x", ">>5",
     "9" * 25, "9999999999px", "2000000TB", ">1000000000px", "1..2..3"],
)  # fmt: skip
def test_what_is_no_size_is_refused(said: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the reason is for people
        sizes(said)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("48.86,2.35", Area(48.86, 2.35, RADIUS)),
        ("48.86, 2.35, 5 km", Area(48.86, 2.35, 5000)),
        ("-90,180,10", Area(-90, 180, 10_000)),
        ("+1,-.5,1mi", Area(1, -0.5, 1609.344)),
        ("1,2,50M", Area(1, 2, 50)),
        ("1,2,1e-1km", Area(1, 2, 100)),
    ],
)
def test_an_area_is_a_point_and_a_distance(said: str, meant: Area) -> None:
    assert area(said) == meant


@pytest.mark.parametrize(
    "said",
    ["", "1", "1,2,", "91,0", "0,181", "1,2,0km", "1,2,-1km", "1,2,5ft", "1;2", "nan,1", "1,2,inf", "1,2,1e99km"],
)
def test_what_is_no_area_is_refused(said: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the reason is for people
        area(said)
