"""Positions become the words that people use."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.folding import fold
from glimpsed.reading import places
from glimpsed.records import CONTENT_LABELS, Content, Part


@pytest.mark.parametrize(
    ("latitude", "longitude", "names"),
    [
        (48.8584, 2.2945, ("Paris", "Île-de-France", "France")),  # the Eiffel Tower: nearer to the town hall of Vanves
        (48.8230, 2.2900, ("Vanves", "Paris", "Île-de-France", "France")),
        (48.8049, 2.1204, ("Versailles", "Île-de-France", "France")),
        (38.6916, -9.2160, ("Lisbon", "Portugal")),
        (35.0116, 135.7681, ("Kyoto", "Japan")),
        (52.5390, 13.4240, ("Prenzlauer Berg", "Berlin", "State of Berlin", "Germany")),
        (40.7357, -74.1724, ("Newark", "New Jersey", "United States")),
        (-33.8568, 151.2153, ("Sydney", "New South Wales", "Australia")),
        (47.5622, 13.6493, ("Austria",)),  # Hallstatt: a village, and no city near
        (-25.3440, 131.0360, ("Northern Territory", "Australia")),  # Uluru
    ],
)
def test_the_city_by_distance_and_population(latitude: float, longitude: float, names: tuple[str, ...]) -> None:
    place = places.find(latitude, longitude)
    assert place is not None
    assert place.names[-1] == names[-1]
    if names[0] != "Northern Territory":
        assert place.names == names


def test_far_from_everybody() -> None:
    assert places.find(30.0, -40.0) is None
    assert places.find(90.0, 0.0) is None
    assert places.parts(30.0, -40.0) == ()


@pytest.mark.parametrize(
    ("position", "names"),
    [
        (
            (38.7139, -9.1394),
            ("Lisboa", "Lissabon", "Lisbonne", "Лиссабон", "リスボン", "里斯本", "Portogallo", "ポルトガル"),
        ),
        ((35.0116, 135.7681), ("京都", "Киото", "교토 시", "日本", "Japon", "Япония")),
        ((48.1374, 11.5755), ("München", "Monaco di Baviera", "Deutschland", "Allemagne", "ドイツ")),
    ],
)
def test_names_in_other_languages(position: tuple[float, float], names: tuple[str, ...]) -> None:
    place = places.find(*position)
    assert place is not None
    # Accents do not count when words are compared, so one form of a name is enough.
    assert set(map(fold, names)) <= set(map(fold, (*place.names, *place.elsewhere)))
    assert not {"LIS", "risubon", "kyoto", "MUC"} & set(place.elsewhere)
    assert len(", ".join(place.elsewhere)) < 2500


def test_the_time_zone() -> None:
    found = places.find(35.0116, 135.7681)
    assert found is not None
    assert found.zone == "Asia/Tokyo"


def test_words_for_a_content() -> None:
    assert places.located(Content("")) == Content("")
    bare = Content("id", latitude=38.7139, longitude=-9.1394)
    found = places.located(bare)
    assert found.parts[0] == Part("place", "Lisbon, Portugal")
    assert [part.label for part in found.parts] == ["place", "placenames"]
    assert {part.label for part in found.parts} <= set(CONTENT_LABELS)
    written = Content("id", latitude=38.7139, longitude=-9.1394, parts=(Part("place", "LISBOA, Portugal"),))
    both = places.located(written).parts
    assert both[:2] == (Part("place", "LISBOA, Portugal"), Part("place", "Lisbon"))
    assert "Lisboa" not in both[2].text.split(", ")


@settings(deadline=None, max_examples=100)
@given(st.floats(-90, 90), st.floats(-180, 180))
def test_any_position(latitude: float, longitude: float) -> None:
    place = places.find(latitude, longitude)
    if place is not None:
        assert all(place.names)
        assert len(set(place.names)) == len(place.names)
        assert not any("," in name for name in (*place.names, *place.elsewhere))
        assert set(place.names).isdisjoint(place.elsewhere)


@settings(deadline=None, max_examples=60)
@given(st.floats(-89, 89), st.floats(-180, 180), st.integers(0, 30_000))
def test_distances_are_those_of_the_cosine_rule(latitude: float, longitude: float, which: int) -> None:
    cities = places._cities()
    one, other = float(cities.latitudes[which]), float(cities.longitudes[which])
    here, there = math.radians(latitude), math.radians(longitude)
    cosine = math.sin(here) * math.sin(one) + math.cos(here) * math.cos(one) * math.cos(there - other)
    expected = 6371.0 * math.acos(max(-1.0, min(1.0, cosine)))
    assert places._distances(cities, latitude, longitude)[which] == pytest.approx(expected, abs=1.0)
