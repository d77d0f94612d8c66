"""How sidecars are named: both ways, from the picture and from the sidecar."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed import sidecar_names
from glimpsed.files import SUFFIXES

LONG = "a0123456789b0123456789c0123456789d0123456789e01"  # 47 characters, as long as Takeout lets them be

TAKEOUT = [
    ("IMG_1234.jpg", "IMG_1234.jpg.json"),
    ("IMG_1234.jpg", "IMG_1234.jpg.supplemental-metadata.json"),
    ("PXL_20230922_061936344.jpg", "PXL_20230922_061936344.jpg.supplemental-metada.json"),
    ("PXL_20230922_061936344.MP.jpg", "PXL_20230922_061936344.MP.jpg.supplemental-met.json"),
    ("original_12345678-1234-1234-1234-12.jpg", "original_12345678-1234-1234-1234-12.jpg.supple.json"),
    ("original_12345678-1234-1234-1234-123456.jpg", "original_12345678-1234-1234-1234-123456.jpg.su.json"),
    ("original_12345678-1234-1234-1234-12345678.jpg", "original_12345678-1234-1234-1234-12345678.jpg..json"),
    ("IMG_1234.jpg", "IMG_1234.jpg.suppl.json"),  # where the whole path was too long
    ("IMG_1234(1).jpg", "IMG_1234.jpg(1).json"),
    ("IMG_1234(1).jpg", "IMG_1234(1).jpg.json"),
    ("IMG_1234(12).jpg", "IMG_1234.jpg.supplemental-metadata(12).json"),
    ("PXL_20230922_061936344(1).MP.jpg", "PXL_20230922_061936344(1).MP.jpg.supplemental-.json"),
    ("PXL_20230922_061936344.MP(1).jpg", "PXL_20230922_061936344.MP.jpg.supplemental-met(1).json"),
    ("IMG_1234-edited.jpg", "IMG_1234.jpg.json"),
    ("IMG_1234-edited.jpg", "IMG_1234.jpg.supplemental-metadata.json"),
    ("IMG_1234-bearbeitet.jpg", "IMG_1234.jpg.json"),
    ("IMG_1234-modifié.jpg", "IMG_1234.jpg.json"),
    ("IMG_1234-編集済み.jpg", "IMG_1234.jpg.json"),
    ("IMG_1234-已编辑.jpg", "IMG_1234.jpg.json"),
    ("IMG_1234-已修改.jpg", "IMG_1234.jpg.json"),
    ("IMG_1234-edited(1).jpg", "IMG_1234.jpg(1).json"),
    ("IMG_1234(1)-edited.jpg", "IMG_1234.jpg(1).json"),
    ("IMG_1234-edited(1).jpg", "IMG_1234.jpg.supplemental-metadata(1).json"),
    ("Urlaub in Kroatien.jpg", "Urlaub in Kroatien.json"),
    (LONG + ".jpg", LONG[:46] + ".json"),
    (LONG + "(1).jpg", LONG[:46] + "(1).json"),
    (LONG + "(1).jpg", LONG[:46] + ".json"),
    (LONG[:44] + ".jpg", LONG[:44] + ".j.json"),
    (LONG[:43] + "-edi.jpg", LONG[:43] + ".jp.json"),
    (LONG[:40] + "-edited.jpg", LONG[:40] + ".jpg.s.json"),
    (LONG[:40] + "-bearbe.jpg", LONG[:40] + ".jpg.s.json"),
    (LONG[:43] + "-edi(1).jpg", LONG[:43] + ".jp(1).json"),
    ("写真の名前がとても長い場合にはどうなるのかを調べるためのとても長い名前の写真です一二三四五六七.jpg",
     "写真の名前がとても長い場合にはどうなるのかを調べるためのとても長い名前の写真です一二三四五六.json"),
]  # fmt: skip

OTHERS = [
    ("a.jpg", "a.jpg.xmp"),
    ("a.jpg", "a.xmp"),
    ("IMG_1.CR2", "IMG_1.CR2.xmp"),
    ("IMG_1.CR2", "IMG_1_01.CR2.xmp"),
    ("a.jpg", "a.jpg.txt"),
    ("a.jpg", "a.txt"),
    ("a.jpg", "a.md"),
    ("a.jpg", "a.jpg.md"),
    ("IMG_1.JPG", "IMG_1.XMP"),
    ("IMG_1.JPG", "IMG_1.JPG.XMP"),
    ("DSC00001.JPG", "DSC00001.TXT"),
    ("a.jpg", "a.MD"),
]


@pytest.mark.parametrize(("picture", "sidecar"), TAKEOUT + OTHERS)
def test_a_sidecar_is_found_from_its_picture_and_the_picture_from_it(picture: str, sidecar: str) -> None:
    assert sidecar in sidecar_names.of(picture)
    assert sidecar_names.is_sidecar(sidecar)
    owners = sidecar_names.owners(sidecar, SUFFIXES | {".cr2"})
    if owners is None:
        assert picture.startswith(sidecar_names.beginning(sidecar))
    else:
        assert picture in owners


@pytest.mark.parametrize(
    ("picture", "other"),
    [
        ("IMG_1234.jpg", "IMG_1234.jpg(1).json"),
        ("IMG_1234(1).jpg", "IMG_1234.jpg.json"),
        ("IMG_1234(1).jpg", "IMG_1234.jpg(2).json"),
        ("IMG_1234.jpg", "IMG_1234-edited.jpg.json"),
        ("IMG_1234.jpg", "IMG_1234.png.json"),
        ("IMG_1234.jpg", "IMG_12345.jpg.json"),
        ("IMG_1234.jpg", "package.json"),
        ("IMG_1234.jpg", "IMG_1234.jpg.supplements.json"),
        ("IMG_1234-edi.jpg", "IMG_1234.jpg.json"),  # too short to have been cut
    ],
)
def test_what_belongs_to_another(picture: str, other: str) -> None:
    assert other not in sidecar_names.of(picture)
    assert picture not in (sidecar_names.owners(other, SUFFIXES) or ())


def test_only_a_name_cut_within_the_suffix_cannot_be_told() -> None:
    assert sidecar_names.owners("package.json", SUFFIXES) is not None
    assert sidecar_names.owners(LONG[:46] + ".json", SUFFIXES) is None
    assert sidecar_names.owners(LONG[:43] + ".jp(1).json", SUFFIXES) is None
    assert sidecar_names.owners(LONG[:40] + ".jpg.s.json", SUFFIXES) is not None
    assert sidecar_names.owners(LONG[:42] + ".jpe.json", SUFFIXES) is None  # of a .jpeg, perhaps
    assert sidecar_names.owners(LONG[:41] + ".jpe.json", SUFFIXES) is not None


def test_the_most_telling_come_first() -> None:
    found = sidecar_names.of("a.jpg")
    assert found[-len(sidecar_names.ALBUMS) - 1] == "._a.jpg"
    kinds = [os.path.splitext(name)[1].lower() for name in found[: -len(sidecar_names.ALBUMS) - 1]]
    assert found[:2] == ("a.jpg.xmp", "a.xmp")
    assert kinds == sorted(kinds, key=sidecar_names.SUFFIXES.index)
    numbered = sidecar_names.of("IMG(1).jpg")
    assert numbered.index("IMG(1).jpg.json") < numbered.index("IMG.jpg(1).json")


names = st.text(st.sampled_from("ab-_.()1é写") | st.characters(exclude_characters="/\0"), min_size=1, max_size=60)
visible = names.filter(lambda name: not name.startswith("."))


@settings(deadline=None, max_examples=300)
@given(visible, st.sampled_from(["", "(1)", "-edited", "-edited(2)"]), st.sampled_from([".jpg", ".PNG", ".jpeg"]))
def test_every_sidecar_leads_back_to_its_picture(stem: str, more: str, suffix: str) -> None:
    picture = stem + more + suffix
    for sidecar in sidecar_names.of(picture):
        owners = sidecar_names.owners(sidecar, SUFFIXES)
        assert picture.startswith(sidecar_names.beginning(sidecar)) if owners is None else picture in owners
