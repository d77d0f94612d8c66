"""The bench end to end: six pictures, a real daemon over its socket, tables, JSON and a chart."""

import json
import re
from pathlib import Path
from typing import Any

import finding
import others
import product
import pytest
from PIL import Image
from questions import UnusableError
from tests import pictures

CAPTIONS = {
    "IMG_0001.jpg": "Two sailing boats at sunset",
    "IMG_0002.jpg": "A steam locomotive",
    "IMG_0003.png": "A birthday cake with candles",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Captions, keywords, a sidecar, and a name that says it all."""
    folder = tmp_path / "Pictures"
    folder.mkdir()
    for number, (name, caption) in enumerate(CAPTIONS.items()):
        more = {"png_text": {"Description": caption}} if name.endswith(".png") else {"caption": caption}
        pictures.save(folder / name, pictures.noisy((64, 64), seed=number), **more)
    pictures.save(folder / "IMG_0004.jpg", pictures.noisy((64, 64), seed=4), keywords=["castle", "Bavaria"])
    pictures.save(folder / "IMG_0005.png", pictures.noisy((64, 64), seed=5))
    (folder / "IMG_0005.txt").write_text("The dentist's bill", encoding="utf-8")
    pictures.save(folder / "red bicycle.png", pictures.noisy((64, 64), seed=6))
    return folder


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    lines: list[dict[str, Any]] = [
        {"query": "sailing boats", "lang": "en", "relevant": ["IMG_0001.jpg"]},
        {"query": "Segelboote im Abendrot", "lang": "de", "relevant": ["IMG_0001.jpg"]},
        {"query": "castle in Bavaria", "lang": "en", "relevant": ["IMG_0004.jpg"]},
        {"query": "dentist's bill", "lang": "en", "relevant": ["IMG_0005.png"]},
        {"query": "red bicycle", "lang": "en", "relevant": ["red bicycle.png"]},
        {"query": "type:wrong", "lang": "en", "relevant": ["IMG_0002.jpg"]},
        {"query": "quantum chromodynamics", "lang": "en", "relevant": []},
    ]
    file = tmp_path / "truth.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return file


def test_a_folder_is_asked_and_its_figures_are_told(
    folder: Path, truth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ["--runs", "text", "--no-ocr", "--misses"]
    files = ["--json", str(tmp_path / "out.json"), "--chart", str(tmp_path / "out.png")]
    assert finding.main([str(folder), str(truth), *wanted, *files]) == 0
    told = capsys.readouterr()
    figures = json.loads((tmp_path / "out.json").read_bytes())
    everything = figures["runs"]["product"]["all"]
    assert figures["questions"] == 7
    assert figures["answerable"] == 6
    assert everything["recall@1"] == everything["MRR"] == pytest.approx(5 / 6, abs=1e-3)  # one was not understood
    assert figures["runs"]["product"]["lang"]["de"]["recall@1"] == 1
    assert figures["runs"]["text"]["lang"]["de"]["recall@1"] == 0  # no word of it stands there
    assert figures["runs"]["text"]["lang"]["en"]["recall@1"] == pytest.approx(4 / 5)
    kinds = figures["runs"]["product"]["kind"]
    assert {kind: one["n"] for kind, one in kinds.items()} == {"caption": 4, "metadata": 1, "name": 1}
    assert figures["runs"]["product"]["kind"]["metadata"]["recall@1"] == 1
    assert figures["pictures"]["fresh"] == 6
    assert "recall@1" in told.out
    assert "mean of languages" in told.out
    assert "note: 1 questions were not understood, such as 'type:wrong'" in told.out
    assert "en: 1 of 5 have no right answer among the first ten" in told.out
    assert "product: 7 of 7" in told.err
    if others.Recoll.here():
        assert figures["runs"]["Recoll"]["kind"]["name"]["recall@1"] == 1
        assert figures["runs"]["Recoll"]["lang"]["de"]["recall@1"] == 0
    with Image.open(tmp_path / "out.png") as chart:
        assert chart.width == 1200
        assert len(chart.convert("RGB").getcolors(10**6) or ()) > 5


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["gone", "truth.jsonl"], "gone: is no folder"),
        (["gone"], "a folder needs a file of questions"),
        (["stamps", "truth.jsonl"], "stamps brings its own questions"),
        (["stamps", "--stamps", "gone"], "no stamps below gone"),
        (["Pictures", "bad.jsonl", "--json", "gone/out.json"], "gone/out.json: there is no such directory"),
        (["Pictures", "good.jsonl", "--runs", "txt"], "there is no run txt"),
        (["Pictures", "good.jsonl", "--languages", "xx"], "no question is in xx"),
        (["Pictures", "bad.jsonl"], r"bad\.jsonl:1: is not JSON"),
    ],
)
def test_what_cannot_be_used_ends_with_2_and_says_why(
    folder: Path,
    arguments: list[str],
    fault: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder.parent)
    Path("bad.jsonl").write_text("{", encoding="utf-8")
    Path("good.jsonl").write_text('{"query": "x", "lang": "en", "relevant": []}', encoding="utf-8")
    assert finding.main(arguments) == 2
    assert re.search(fault, capsys.readouterr().err)


def test_a_set_is_not_built_over_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("dear to me", encoding="utf-8")
    assert finding.main(["rendered", "--keep", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_runs_are_those_that_the_encoder_can_do() -> None:
    names = [run.name for run in product.runs(None, strong=False)]
    assert names[0] == "product"
    assert {"text", "dense", "dense+text"} <= set(names)
    assert not {"sparse", "colbert", "dense+sparse"} & set(names)
    assert {"sparse", "dense+sparse"} <= {run.name for run in product.runs(None, strong=True)}
    assert [run.name for run in product.runs(["text"], strong=False)] == ["product", "text"]
    with pytest.raises(UnusableError, match="there is no run txt"):
        product.runs(["txt"], strong=False)


def test_weights_are_said_as_the_configuration_takes_them() -> None:
    from glimpsed.config import load

    for run in product.runs(None, strong=True):
        environment = {f"GLIMPSED_{name}": value for name, value in run.settings().items()}
        weights = load(environment=environment).search.weights
        if run.weights:
            assert {name: value for name, value in weights._asdict().items() if value} == dict(run.weights)


def hit(path: str, score: float, **more: object) -> dict[str, Any]:
    return {"path": path, "score": score, "signals": {}, "label": "name", "also": [], **more}


def answer(*hits: dict[str, Any], **more: object) -> Any:
    return {"hits": list(hits), "took_ms": 1.0, "encoders": [], "warnings": [], "next": None, **more}


def test_one_signal_alone_ranks_by_that_signal() -> None:
    found = answer(
        hit("exact", 0.95, signals={"dense": 0.1, "text": 1.0}),
        hit("near", 0.8, signals={"dense": 0.7}),
        hit("words", 0.1, signals={"text": 0.2}),
    )
    asked = {run.name: product.reply(found, run).paths for run in product.runs(["dense", "text"], strong=False)}
    assert asked["product"] == (("exact",), ("near",), ("words",))
    assert asked["dense"] == (("near",), ("exact",))
    assert asked["text"] == (("exact",), ("words",))


def test_certainty_is_read_where_the_daemon_tells_it() -> None:
    untold = product.reply(answer(hit("a", 0.5, also=["b"])), product.PRODUCT)
    assert (untold.sure, untold.nothing_fits, untold.paths) == (None, None, (("a", "b"),))
    told = answer(hit("a", 0.5, certainty="sure"), hit("b", 0.4, certainty="maybe"), nothing_fits=False)
    assert product.reply(told, product.PRODUCT).sure == (True, False)
    assert product.reply(told, product.PRODUCT).nothing_fits is False


def test_a_sidecar_counts_as_its_picture(tmp_path: Path) -> None:
    for name in ("a.JPG", "b.png", "a.txt", "b.png.xmp", "notes.txt"):
        (tmp_path / name).touch()
    names = {name: others.pictured(str(tmp_path / name)) for name in ("a.JPG", "a.txt", "b.png.xmp", "notes.txt")}
    assert {name: found and Path(found).name for name, found in names.items()} == {
        "a.JPG": "a.JPG", "a.txt": "a.JPG", "b.png.xmp": "b.png", "notes.txt": None,
    }  # fmt: skip
    assert others.pictured(str(tmp_path / "script.py")) is None


def test_the_bare_encoder_ranks_the_texts_by_meaning() -> None:
    bare = others.Bare({"a.png": "A dentist's bill", "b.png": "A sailing boat", "c.png": "A birthday cake"})
    assert bare.ask(["Ein Segelboot", "gâteau d'anniversaire"]) == [
        ("b.png", *bare.ask(["Ein Segelboot"])[0][1:]),
        ("c.png", *bare.ask(["gâteau d'anniversaire"])[0][1:]),
    ]


@pytest.mark.skipif(not others.Recoll.here(), reason="Recoll is not installed")
def test_recoll_takes_any_question(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    pictures.save(folder / "IMG_1.png", pictures.noisy((64, 64)))
    (folder / "IMG_1.txt").write_text("a quiet lighthouse", encoding="utf-8")
    recoll = others.Recoll(tmp_path / "recoll", folder)
    recoll.index()
    asked = ["the old lighthouse?", "-lighthouse", 'an "odd quote', "*", "///", "harbour"]
    right = (str(folder / "IMG_1.png"),)
    assert recoll.ask(asked) == [right, right, (), (), (), ()]
