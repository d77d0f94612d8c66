"""Which languages are tried, in which order, and what is said where they are not installed."""

from pathlib import Path

import pytest

from glimpsed.reading.available import Foreign, advice, look
from glimpsed.reading.languages import AUTO, PACKS, SCRIPTS, Seen, code_of, of_locale, order, relatives, written
from glimpsed.records import Content, Part


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Привет, мир", "ru"),
        ("Ласкаво просимо до Києва", "uk"),
        ("Добро дошли, љубав и ђаци", "sr"),
        ("مرحبا بالعالم", "ar"),
        ("چای و پنیر", "fa"),
        ("오늘 날씨", "ko"),
        ("สวัสดี", "th"),
        ("नमस्ते दुनिया", "hi"),
        ("Καλημέρα", "el"),
        ("Cửa hàng bánh mì ở Sài Gòn, mở cửa từ sáng, mưa", "vi"),
        ("Bonjour à tous", None),
        ("東京", None),
        ("", None),
    ],
)
def test_the_language_of_a_caption(text: str, code: str | None) -> None:
    assert written(text) == code


def test_locales() -> None:
    assert of_locale({"LANG": "ru_RU.UTF-8"}) == ("ru",)
    assert of_locale({"LANGUAGE": "th:en_GB", "LC_ALL": "C", "LANG": "de_DE.UTF-8"}) == ("th", "en", "de")
    assert of_locale({"LANG": "C.UTF-8"}) == ()
    assert of_locale({"LC_ALL": "POSIX"}) == ()
    assert [code_of(name) for name in ("rus", "ru", "pt_BR.UTF-8", "fas")] == ["ru", "ru", "pt", "fa"]


def test_order_of_packs() -> None:
    installed = ("ara", "eng", "kor", "rus", "tha", "ukr")
    assert order((AUTO,), (), installed) == ["rus", "ukr", "kor", "ara", "tha"]  # Latin ones are not asked
    assert order((AUTO,), ("th", "el", "uk"), installed) == ["tha", "ukr", "rus", "kor", "ara"]
    assert order(("ko", AUTO), ("th",), installed) == ["kor", "tha", "rus", "ukr", "ara"]
    assert order(("ru", "eng"), ("th",), installed) == ["rus", "eng"]  # what is named is asked
    assert order((), ("th",), installed) == []
    assert order((AUTO,), ("th",), ()) == []


def test_relatives_share_a_script() -> None:
    assert relatives("rus", ["ukr", "kor", "rus", "srp"]) == ["ukr", "srp"]
    assert relatives("own", ["own", "else"]) == []
    assert set(PACKS.values()) == set(SCRIPTS)


def test_what_was_seen_goes_before_the_locale() -> None:
    seen = Seen()
    seen.text("Привет")
    seen.lines(["th", "th"])
    seen.text("nothing of note")
    assert seen.likely({"LANG": "ko_KR"}) == ("th", "ru", "ko")
    assert seen.likely({}, most=1) == ("th",)


def test_captions_are_noted() -> None:
    foreign = Foreign(version="5", installed=("kor", "rus", "tha"), environment={})
    content = Content("0" * 64, parts=(Part("caption", "สวัสดี"), Part("camera", "Зенит")))
    foreign.captioned(content)
    foreign.captioned(None)
    assert foreign.packs() == ("tha", "rus", "kor")


def test_the_id_tells_what_is_installed_and_wanted() -> None:
    some = [
        Foreign(),
        Foreign(version="5.3.0", installed=("rus",)),
        Foreign(version="5.3.0", installed=("rus", "tha")),
        Foreign(version="5.3.0", installed=("rus", "tha"), wanted=("ru",)),
        Foreign(models=("/models/cyrillic.onnx",)),
    ]
    assert some[0].id == "none"
    assert len({one.id for one in some}) == len(some)
    some[1].seen.lines(["ru"])
    assert some[1].id == Foreign(version="5.3.0", installed=("rus",)).id


def test_advice_names_packages() -> None:
    assert advice(0, Foreign(environment={})) == []
    assert advice(3, Foreign((), environment={})) == []  # nobody wants them read
    (said,) = advice(1, Foreign(environment={}))
    assert said.startswith("1 picture has lines in scripts that cannot be read here: install tesseract-ocr and the")
    (said,) = advice(3, Foreign(environment={"LANG": "ru_RU.UTF-8"}))
    assert said.startswith("3 pictures have")
    assert said.endswith(": install tesseract-ocr and tesseract-ocr-rus")
    (said,) = advice(3, Foreign(version="5", installed=("rus",), environment={"LANG": "th_TH", "LANGUAGE": "ru:de"}))
    assert said.endswith(": install tesseract-ocr-tha")
    (said,) = advice(3, Foreign(("ko",), version="5", installed=("rus",), environment={"LANG": "th_TH"}))
    assert said.endswith(": install tesseract-ocr-kor")


def test_models_that_cannot_be_used_are_told() -> None:
    foreign = Foreign(environment={})
    foreign.learn(("ru",), ("a.onnx cannot be used: no model",))
    foreign.learn((), ())
    assert advice(0, foreign) == ["[read] ocr_models: a.onnx cannot be used: no model"]
    assert foreign.missing() == ("tesseract-ocr", "tesseract-ocr-rus")


def test_models_are_found_in_a_folder(tmp_path: Path) -> None:
    for name in ("b.onnx", "a.onnx", "a.txt"):
        (tmp_path / name).touch()
    found = look((), str(tmp_path))
    assert found.models == (str(tmp_path / "a.onnx"), str(tmp_path / "b.onnx"))
    assert found.packs() == ()
    assert found.id != Foreign().id
    absent = look(("ru",), str(tmp_path / "absent"))
    assert absent.models == ()
    assert advice(0, absent) == [f"[read] ocr_models: {tmp_path}/absent has no file *.onnx"]
