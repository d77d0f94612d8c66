"""The bench of OCR: its measures, its pages, and a run over a folder of two pictures."""

import json
from pathlib import Path

import ocr
import ocr_pages
import pytest
import rendered
from ocr_engines import Engine, Read, usable
from tests.pictures import draw, save


def test_signs_and_words() -> None:
    assert ocr.signs("Größe ＡＢ\n12") == "grösseab12"
    assert ocr.words("“Hello,” (world)! — 12.50") == ["hello", "world", "12.50"]


def test_recall_and_precision_count_each_sign_once() -> None:
    count = ocr.Count()
    count.add("aab", "abbc")
    assert (count.true, count.read, count.both) == (3, 4, 2)
    assert (count.recall, count.precision) == (2 / 3, 0.5)
    assert (ocr.Count().recall, ocr.Count().precision) == (1.0, 1.0)


def test_figures() -> None:
    one = ocr.Sum()
    one.add(ocr.Picture(Path("a"), "en", "Hello world"), Read("hello", 0.5, 0.25))
    figures = one.figures()
    assert (figures["per_second"], figures["cpu"], figures["characters"], figures["words"]) == (2.0, 0.25, 0.5, 0.5)
    assert ocr.Sum().figures()["per_second"] == 0.0


def folder(into: Path) -> Path:
    save(into / "a.png", draw("Thank you for your visit"))
    save(into / "b.png", draw(["Ramen Ichiban", "Total 12.50 EUR"]))
    truth = [
        {"file": "a.png", "lang": "en", "text": "Thank you for your visit"},
        {"file": "b.png", "lang": "en", "lines": ["Ramen Ichiban", "Total 12.50 EUR"]},
    ]
    (into / "truth.jsonl").write_text("".join(json.dumps(one) + "\n" for one in truth))
    return into


def test_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "figures.json"
    assert (
        ocr.main([str(folder(tmp_path)), "--engines", "alone,rapidocr-1", "--json", str(out), "--misses", "0.5"]) == 0
    )
    figures = json.loads(out.read_text())
    for engine in ("alone", "rapidocr-1"):
        assert figures[engine]["en"]["pictures"] == 2
        assert figures[engine]["en"]["characters"] == figures[engine]["en"]["precision"] == 1.0
        assert figures[engine][""] == figures[engine]["en"]
    assert "Latin, Chinese and Japanese" in capsys.readouterr().out


def test_what_cannot_be_used_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ocr.main([str(tmp_path), "--engines", "alone"]) == 2
    assert "truth" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        ocr.main([str(tmp_path), "--engines", "abacus"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "/nonexistent")
        assert usable("tesseract") == "tesseract is not installed"
    assert usable("alone") is None


def test_a_picture_that_cannot_be_read_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with Engine("alone") as engine:
        assert engine.read(tmp_path / "bad.png", "en").text == ""


def test_pages_say_what_the_truth_has(tmp_path: Path) -> None:
    if not rendered.FONTS["Latin"][0].exists():
        pytest.skip("this machine has no Noto fonts")
    read = {one.path.name: one for one in ocr.pictures(ocr_pages.build(tmp_path, ["en"]))}
    assert {f"en-{name}" for name in ocr_pages.PAGES} <= {name.partition(".")[0] for name in read}
    assert all(one.path.is_file() and one.text and one.lang == "en" for one in read.values())
