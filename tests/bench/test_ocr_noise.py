"""The bench of noise: what it draws, and a run over two languages."""

import random
from pathlib import Path

import ocr_noise
import pytest
import rendered

NOTO = Path("/usr/share/fonts/truetype/noto/NotoSansThai-Regular.ttf")


def test_alike() -> None:
    assert ocr_noise.alike("Ab c", "abc") == 1.0
    assert ocr_noise.alike("abcd", "ab") == 0.5
    assert ocr_noise.alike("", "") == 0.0


@pytest.mark.skipif(not rendered.FONTS["Latin"][0].exists(), reason="this machine has no Noto fonts")
def test_lines_are_drawn_alike_on_every_run() -> None:
    (english,) = (one for one in ocr_noise.languages() if one.code == "en")
    assert english.readable
    first, second = (ocr_noise.drawn("Mind the gap", english.fonts, random.Random(7)) for _ in range(2))
    assert (first == second).all()


@pytest.mark.slow
@pytest.mark.skipif(not NOTO.exists(), reason="this machine has no Noto fonts")
def test_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert ocr_noise.main(["--rounds", "1", "--languages", "th,ro"]) == 0
    said = capsys.readouterr().out
    assert "other scripts: 8 lines, 0 passed, 0 lost" in said
    assert "its own: 3 lines, 0 passed, 0 lost" in said
