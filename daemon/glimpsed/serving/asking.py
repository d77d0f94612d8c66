"""A question as programs ask it, in parts. Field names are an interface, as those of `models`."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from glimpsed.filters import Fields

MOST_HITS: Final = 1000
LONGEST: Final = 4096
"""Characters of a question."""

Sort = Literal["relevance", "date", "name"]
Several = str | Annotated[list[str], Field(max_length=100)]
"""One value, or several of which any has to hold."""


class Near(BaseModel):
    """A point on the earth, and how far from it."""

    model_config = ConfigDict(extra="forbid")

    latitude: float = Field(ge=-90, le=90, description="degrees north")
    longitude: float = Field(ge=-180, le=180, description="degrees east")
    km: float = Field(5.0, gt=0, le=100_000)


class FiltersOf(BaseModel):
    """The filters of a question in parts."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    after: str | None = Field(None, description="such as 2024, 2024-06, yesterday")
    before: str | None = None
    on: str | None = Field(None, description="such as 2024-06 (the whole month) or 2024-06-12..2024-06-14")
    inside: Several = Field([], alias="in", description="directories")
    type: Several = Field([], description="such as png")
    camera: Several = Field([], description="a part of its name")
    place: Several = Field([], description="a part of its name")
    near: Near | None = None
    size: str | list[str] = Field([], max_length=100, description="such as >2MB or >=1920x1080; all hold")
    has: list[Literal["text", "gps"]] = Field([], description="all hold")

    def filters(self) -> Iterator[tuple[str, str]]:
        """Their names and values, as a question has them."""
        for name in ("after", "before", "on", "inside", "type", "camera", "place", "size", "has"):
            given = getattr(self, name)
            values = given if isinstance(given, list) else [] if given is None else [given]
            yield from (("in" if name == "inside" else name, value) for value in values)
        if self.near is not None:
            yield "near", f"{self.near.latitude!r},{self.near.longitude!r},{self.near.km!r}km"


class SearchRequest(FiltersOf):
    """A question in parts. All that are given must hold; nothing in the words has a special meaning."""

    words: str = ""
    phrases: list[str] = Field([], max_length=100, description="a hit holds each of them")
    exclude: list[str] = Field([], alias="not", max_length=100, description="words and phrases that no hit holds")
    without: FiltersOf | None = Field(None, description="filters of which none holds")
    state: Literal["missing"] | None = Field(None, alias="is")
    sort: Sort = "relevance"
    k: int = Field(10, ge=1, le=MOST_HITS, description="how many hits")
    cursor: str | None = Field(None, max_length=1000, description="`next` of the page before")
    sync: bool = Field(False, description="wait until all that is on disk now has been read")
    timeout: float = Field(30.0, gt=0, le=3600, allow_inf_nan=False, description="seconds that `sync` waits")

    def fields(self) -> Fields:
        """The same for searching."""
        return Fields(
            self.words,
            tuple(self.phrases),
            tuple(self.exclude),
            (*self.filters(), *([("is", self.state)] if self.state is not None else [])),
            tuple(self.without.filters()) if self.without is not None else (),
        )
