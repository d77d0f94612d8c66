"""The properties of XMP that say something to people, by the prefixes that exiftool gives their namespaces."""

_NAMESPACES = {
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://cipa.jp/exif/1.0/": "exifEX",
    "http://cipa.jp/exif/2.32/": "exifEX",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "iptcCore",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "iptcExt",
    "http://ns.adobe.com/lightroom/1.0/": "lr",
    "http://www.digikam.org/ns/1.0/": "digiKam",
    "http://www.metadataworkinggroup.com/schemas/regions/": "mwg-rs",
    "http://www.metadataworkinggroup.com/schemas/keywords/": "mwg-kw",
    "http://ns.microsoft.com/photo/1.0/": "microsoft",
    "http://ns.microsoft.com/photo/1.0": "microsoft",
    "http://ns.microsoft.com/photo/1.2/t/Region#": "MP",
    "http://ns.acdsee.com/iptc/1.0/": "acdsee",
    "http://ns.iview-multimedia.com/mediapro/1.0/": "mediapro",
    "http://ns.microsoft.com/expressionmedia/1.0/": "expressionmedia",
    "http://xmp.gettyimages.com/gift/1.0/": "getty",
    "http://ns.adobe.com/pdf/1.3/": "pdf",
}

LABELS = {
    "dc:description": "caption", "photoshop:Headline": "caption", "iptcCore:AltTextAccessibility": "caption",
    "iptcCore:ExtDescrAccessibility": "caption", "tiff:ImageDescription": "caption", "acdsee:caption": "caption",
    "iptcExt:AOContentDescription": "caption", "iptcExt:Event": "caption", "mediapro:Event": "caption",
    "expressionmedia:Event": "caption",
    "dc:title": "title", "iptcExt:AOTitle": "title", "xmp:Nickname": "title",
    "dc:subject": "keywords", "lr:hierarchicalSubject": "keywords", "lr:weightedFlatSubject": "keywords",
    "digiKam:TagsList": "keywords", "microsoft:LastKeywordXMP": "keywords", "microsoft:LastKeywordIPTC": "keywords",
    "mwg-kw:Keyword": "keywords", "photoshop:SupplementalCategories": "keywords", "pdf:Keywords": "keywords",
    "acdsee:keywords": "keywords", "acdsee:categories": "keywords", "mediapro:CatalogSets": "keywords",
    "expressionmedia:CatalogSets": "keywords", "iptcExt:OrganisationInImageName": "keywords",
    "iptcExt:ProductName": "keywords",
    "iptcExt:PersonInImage": "people", "iptcExt:PersonName": "people", "MP:PersonDisplayName": "people",
    "mediapro:People": "people", "expressionmedia:People": "people", "getty:Personality": "people",
    "iptcCore:Location": "place", "photoshop:City": "place", "photoshop:State": "place", "photoshop:Country": "place",
    "iptcExt:LocationName": "place", "iptcExt:Sublocation": "place", "iptcExt:City": "place",
    "iptcExt:ProvinceState": "place", "iptcExt:CountryName": "place", "iptcExt:WorldRegion": "place",
    "dc:coverage": "place", "mediapro:Location": "place", "expressionmedia:Location": "place",
    "dc:creator": "author", "tiff:Artist": "author", "dc:rights": "author", "tiff:Copyright": "author",
    "photoshop:Credit": "author", "iptcExt:AOCreator": "author", "acdsee:author": "author",
    "exif:UserComment": "comment", "photoshop:Instructions": "comment", "photoshop:LayerText": "comment",
    "mwg-rs:Description": "comment", "acdsee:notes": "comment",
    "tiff:Make": "make", "tiff:Model": "model", "exifEX:LensModel": "lens", "aux:Lens": "lens",
}  # fmt: skip
"""Property to the label of its text; those within structures by their own names."""

DATES = ("exif:DateTimeOriginal", "photoshop:DateCreated", "exif:DateTimeDigitized", "xmp:CreateDate")
"""Most trusted first."""

REGIONS = "mwg-rs"
PRIVATE = frozenset({
    "xmpMM:Pantry", "xmpMM:Ingredients", "xmpMM:History", "xmpMM:DerivedFrom", "photoshop:DocumentAncestors",
})  # fmt: skip


def short(name: object) -> str:
    """`{uri}local` as `prefix:local`, whatever prefix the packet itself binds."""
    uri, _, local = str(name).lstrip("{").rpartition("}")
    return f"{_NAMESPACES.get(uri, '')}:{local}"
