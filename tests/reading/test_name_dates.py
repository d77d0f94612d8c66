"""Moments in file names, as cameras, phones, chats and desktops put them there."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.reading.name_dates import taken

MOMENT = "2024-01-31T10:11:12"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("IMG_20240131_101112", MOMENT),
        ("IMG_20240131_101112345_HDR", f"{MOMENT}.345"),
        ("PXL_20240131_101112345.MP", f"{MOMENT}.345+00:00"),
        ("MVIMG_20240131_101112", MOMENT),
        ("20240131101112", MOMENT),
        ("DJI_20240131101112_0001_D", MOMENT),
        ("2024-01-31 10.11.12", MOMENT),
        ("2024-01-31T10:11:12", MOMENT),
        ("photo_2024-01-31_10-11-12", MOMENT),
        ("signal-2024-01-31-10-11-12-123", f"{MOMENT}.123"),
        ("signal-2024-01-31-101112", MOMENT),
        ("Screenshot 2024-01-31 at 10.11.12", MOMENT),
        ("Screenshot 2024-01-31 at 10.11.12 AM", MOMENT),
        ("Screenshot 2024-01-31 at 3.11.12\u202fPM", "2024-01-31T15:11:12"),
        ("Screenshot 2024-01-31 at 12.11.12 AM", "2024-01-31T00:11:12"),
        ("Screenshot from 2024-01-31 10-11-12", MOMENT),
        ("Screenshot_20240131-101112_Chrome", MOMENT),
        ("Screenshot_2024-01-31-10-11-12-123_com.whatsapp", f"{MOMENT}.123"),
        ("Bildschirmfoto 2024-01-31 um 10.11.12", MOMENT),
        ("Capture d’écran 2024-01-31 à 10.11.12", MOMENT),
        ("スクリーンショット 2024-01-31 10.11.12", MOMENT),
        ("截屏2024-01-31 下午3.11.12", "2024-01-31T15:11:12"),
        ("屏幕截图 2024-01-31 101112", MOMENT),
        ("WhatsApp Image 2024-01-31 at 10.11.12", MOMENT),
        ("WhatsApp Image 2024-01-31 at 10.11.12 PM (1)", "2024-01-31T22:11:12"),
        ("IMG-20240131-WA0012", "2024-01-31T00:00:00"),
        ("2024-01-31 3 cats", "2024-01-31T00:00:00"),
        ("31.01.2024 Oma", "2024-01-31T00:00:00"),
        ("2024年1月31日", "2024-01-31T00:00:00"),
        ("scan 2024 01 31", "2024-01-31T00:00:00"),
        ("IMG_2041", None),
        ("20241331_x", None),
        ("2024-02-30", None),
        ("123420240131567", None),
        ("image 1234-56-78", None),
        ("2019-07 Sommer", None),
        ("Screenshot (12)", None),
        ("caf\udce9", None),
        ("", None),
    ],
)
def test_names(name: str, expected: str | None) -> None:
    assert taken(f"/p/2001-01-01/{name}.jpg") == expected


@pytest.mark.parametrize("name", ["mmexport1706692272123", "FB_IMG_1706692272123", "1706692272123"])
def test_milliseconds_since_1970(name: str) -> None:
    told = taken(f"/p/{name}.jpg")
    assert told is not None
    assert datetime.fromisoformat(told) == datetime(2024, 1, 31, 9, 11, 12, tzinfo=UTC)


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="0123456789-_.: WAPMat年月日下午", max_size=40))
def test_no_name_makes_it_fail(name: str) -> None:
    told = taken(name.replace("/", ""))
    assert told is None or datetime.fromisoformat(told)
