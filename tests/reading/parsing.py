"""Every parser of our own, for tests and benches that give them bytes which no program would write."""

from glimpsed.reading import exif, iptc, metadata, texts, xmp
from glimpsed.records import Content


def by_all(data: bytes) -> Content:
    """What `metadata` makes of these bytes, after all parsers have had them; raises what any of them raises."""
    found = exif.parse(data)
    assert exif.orientation(found) in range(1, 9)
    exif.position(found)
    list(exif.fields(found))
    xmp.read(data)
    list(iptc.fields(iptc.from_photoshop(data)))
    list(iptc.fields(data))
    texts.clean(texts.decode(data)).encode()
    return metadata.fields(data)
