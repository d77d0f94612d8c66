"""The sets that the bench builds by itself: every picture says what the questions ask for, and nothing else does."""

import json
import shutil
from pathlib import Path

import pytest
import rendered
import stamps
from PIL import Image, features
from questions import Pictures, UnusableError, keep, kept, read, resolve, write
from tests import pictures

from glimpsed.reading import content, sidecar

EAGLE = """An eagle.
de.utf8=Ein Adler.
fr.utf8=Un aigle.
es.utf8=
nonsense
"""
SECOND_EAGLE = "An eagle.\nde.utf8=Ein Greifvogel.\n"
HAWK = "A hawk & a <dove>.\nde.utf8=Ein Greifvogel.\nfr.utf8=Un faucon.\n"
SHIP = "A ship.\r\nde.utf8=Ein  Schiff.\r\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Four stamps as Debian lays them out, one of them a drawing, and files that are none."""
    place = tmp_path / "stamps"
    for name, said in (("birds/eagle", EAGLE), ("birds/eagle2", SECOND_EAGLE), ("birds/hawk", HAWK), ("ship", SHIP)):
        stem = place / name
        stem.parent.mkdir(parents=True, exist_ok=True)
        stem.with_suffix(".txt").write_bytes(said.encode())
        if name == "ship":
            drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="5" height="5"/></svg>'
            stem.with_suffix(".svg").write_text(drawing)
        else:
            ink = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
            ink.paste((len(name), 90, 90, 255), (10, 10, 50, 50))
            ink.save(stem.with_suffix(".png"))
    (place / "alone.txt").write_text("Nothing.\nde.utf8=Nichts.\n")
    (place / "birds" / "silent.png").write_bytes(b"")
    return place


def said(path: Path) -> list[str]:
    """What glimpsed reads in and beside a picture."""
    found, _ = content.read_content(path.read_bytes(), "id", max_pixels=10**6)
    beside, _ = sidecar.read(str(path))
    return [part.text for part in (*found.parts, *beside)]


def test_every_picture_says_its_english_description_and_no_other(place: Path, tmp_path: Path) -> None:
    built = stamps.build(tmp_path / "set", place=place)
    assert list(built.texts.values()) == ["An eagle.", "An eagle.", "A hawk & a <dove>.", "A ship."]
    for path, text in built.texts.items():
        assert said(built.folder / path) == [text]
    assert sorted(Path(path).stem for path in built.texts) == ["0000", "0001", "0002", "0003"]


@pytest.mark.parametrize("number", range(6))
def test_captions_are_read_in_each_form_that_is_written(tmp_path: Path, number: int) -> None:
    image = stamps.placeholder(number)
    suffix = stamps.save(tmp_path / "a", image, "Grüße <&> 日本", number)
    assert said(tmp_path / f"a{suffix}") == ["Grüße <&> 日本"]
    assert (tmp_path / "a.txt").exists() == (number % 2 == 0)


def test_equal_descriptions_are_answered_by_all_that_have_them(place: Path, tmp_path: Path) -> None:
    built = stamps.build(tmp_path / "set", ["de", "fr"], place=place)
    asked = {(line.lang, line.query): sorted(Path(path).stem for path in line.relevant) for line in built.lines}
    assert asked == {
        ("de", "Ein Adler."): ["0000", "0001"],  # the second eagle is described so in English
        ("de", "Ein Greifvogel."): ["0000", "0001", "0002"],
        ("de", "Ein Schiff."): ["0003"],
        ("fr", "Un aigle."): ["0000", "0001"],
        ("fr", "Un faucon."): ["0002"],
    }
    kinds = {(line.lang, line.query): line.kind for line in built.lines}
    assert kinds["de", "Ein Adler."] == "sidecar"
    assert kinds["de", "Ein Schiff."] == "caption"


def test_stamps_keep_their_names_where_that_is_asked_for(place: Path, tmp_path: Path) -> None:
    built = stamps.build(tmp_path / "set", names=True, place=place)
    assert set(built.texts) == {"birds/eagle.png", "birds/eagle2.png", "birds/hawk.png", "ship.png"}


def test_drawings_are_drawn_where_they_can_be_and_else_it_is_said(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    built = stamps.build(tmp_path / "set", place=place)
    assert any("1 stamps are SVG drawings" in remark for remark in built.remarks)
    assert said(built.folder / "0003.png") == ["A ship."]


@pytest.mark.skipif(shutil.which("rsvg-convert") is None, reason="rsvg-convert is not installed")
def test_drawings_are_drawn_by_rsvg(place: Path, tmp_path: Path) -> None:
    built = stamps.build(tmp_path / "set", place=place)
    assert not any("SVG" in remark for remark in built.remarks)


def test_a_set_that_was_kept_is_asked_again_as_it_was(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set" / "pictures"
    assert kept(folder, "stamps") is None
    built = stamps.build(folder, place=place)
    keep(built, "stamps")
    assert kept(folder, "stamps") == built
    with pytest.raises(UnusableError, match="holds stamps"):
        kept(folder, "rendered")
    (folder.parent / "built.json").unlink()
    with pytest.raises(UnusableError, match="is not empty"):
        kept(folder, "stamps")


def test_languages_are_those_that_are_there(place: Path, tmp_path: Path) -> None:
    every = stamps.read(place)
    assert stamps.languages(every, None) == ("de", "fr")
    assert stamps.languages(every, ["all"]) == ()  # none has a hundred translations here
    with pytest.raises(UnusableError, match="no stamp is described in xx; there are de, fr"):
        stamps.languages(every, ["xx"])
    with pytest.raises(UnusableError, match="tuxpaint-stamps-default"):
        stamps.read(tmp_path / "gone")


def test_questions_without_an_answer_are_asked_of_the_real_stamps_only(place: Path) -> None:
    assert {len(said) for said in stamps.UNANSWERED.values()} == {10}
    assert stamps.UNANSWERED.keys() <= set(stamps.LANGUAGES)


def test_rendered_pictures_are_the_same_on_every_run(tmp_path: Path) -> None:
    if not pictures.can_draw("Ж") or not rendered.FONTS["Latin"][0].exists():
        pytest.skip("Noto fonts are not installed")
    first, second = rendered.build(tmp_path / "1", ["en"]), rendered.build(tmp_path / "2", ["en"])
    assert first.lines == second.lines
    assert first.texts == second.texts
    for path in first.texts:
        assert (first.folder / path).read_bytes() == (second.folder / path).read_bytes()
    assert len(first.texts) == 18
    kinds = {line.kind for line in first.lines}
    assert {"words, clean", "words, tilted", "words, noisy", "meaning, clean", "code, clean", None} <= kinds


def test_what_is_asked_of_rendered_pictures_stands_in_them(tmp_path: Path) -> None:
    if not rendered.FONTS["Latin"][0].exists():
        pytest.skip("Noto fonts are not installed")
    built = rendered.build(tmp_path / "set", ["en", "de"])
    for line in built.lines:
        holding = {path for path, text in built.texts.items() if line.query in text}
        if line.kind is None:
            assert not line.relevant
            assert not holding
        elif line.kind.startswith("meaning"):
            assert len(line.relevant) == 1
            assert not holding
        else:
            assert holding == set(line.relevant)
    write(tmp_path / "truth.jsonl", built.lines)
    found = Pictures(built.folder)
    assert read(tmp_path / "truth.jsonl", found) == [resolve(line, found) for line in built.lines]


def test_a_script_that_cannot_be_drawn_is_left_out_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rendered.FONTS, "Korean", (tmp_path / "gone.ttc", 1))
    with pytest.raises(UnusableError, match=r"Korean is left out: .*gone\.ttc is not here"):
        rendered.build(tmp_path / "set", ["ko"])
    with pytest.raises(UnusableError, match="no phrases are in xx"):
        rendered.build(tmp_path / "set", ["xx"])
    monkeypatch.setitem(rendered.FONTS, "Arabic", (Path(__file__), 0))  # that they are there is all that counts here
    monkeypatch.setattr(rendered, "_LATIN", Path(__file__))
    monkeypatch.setattr(features, "check", lambda _: False)
    with pytest.raises(UnusableError, match="cannot shape its letters"):
        rendered.build(tmp_path / "set", ["ar"])


def test_every_phrase_is_in_its_language_once() -> None:
    import tomllib

    tables = tomllib.loads(rendered.PHRASES.read_text(encoding="utf-8"))
    assert {said["script"] for said in tables.values()} == set(rendered.FONTS)
    for code, table in tables.items():
        phrases = [phrase for group in rendered.GROUPS for phrase, _ in table[group]]
        assert len(set(phrases)) == len(phrases), code
        assert len(phrases) == (20 if table["script"] == "Latin" else 40), code
    assert json.dumps(tables)
