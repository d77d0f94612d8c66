"""`glimpse model`: what is here, what is fetched from a hub on a real socket, and what is chosen."""

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.hub_server import COMMIT, Hub, hub
from tests.unix_server import serving

pytest.importorskip("sentence_transformers", reason="the extra bge-m3 is not installed")

from tests.encoding.checkpoint import build, cached, checkpoint
from tests.encoding.sentence_models import PROMPTS, edit, sentence_model, with_code

from glimpsed.encoding import hub_files, weights

Done = subprocess.CompletedProcess[str]
NAME = "thenlper/gte-tiny"
PATIENCE = 120


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment of its own, from which no hub can be reached."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GLIMPSED_", "XDG_", "HF_", "HUGGING", "TRANSFORMERS_")) and "proxy" not in name.lower()
    }
    told = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run"), "HF_HOME": str(tmp_path / "hf")}
    return kept | told | {"HF_ENDPOINT": "http://127.0.0.1:9", "COLUMNS": "200"}


@pytest.fixture
def served(home: dict[str, str]) -> Iterator[Hub]:
    with hub() as one:
        home["HF_ENDPOINT"] = one.url
        yield one


@pytest.fixture
def small(tmp_path: Path, served: Hub) -> Path:
    """A model on the hub whose weights are none, but small."""
    folder = sentence_model(tmp_path / "small", settings={"prompts": PROMPTS})
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 1000)
    served.models[NAME] = folder
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from glimpsed.cli import glimpse; glimpse()", "model", *arguments]


def run(home: Mapping[str, str], *arguments: str) -> Done:
    return subprocess.run(
        command(*arguments), env=home, capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=home["HOME"]
    )


def encode(home: Mapping[str, str]) -> dict[str, Any]:
    file = Path(home["HOME"], ".config/glimpsed/config.toml")
    return dict(tomllib.loads(file.read_text("utf-8"))["encode"])


def in_cache(home: Mapping[str, str], name: str = NAME) -> Path:
    return weights.find(name, home, check=lambda folder, command: None)


def blobs(home: Mapping[str, str]) -> list[Path]:
    return sorted(Path(home["HF_HOME"], "hub").rglob("blobs/*"))


# glimpse model pull


def test_a_model_is_fetched_whole_and_found(home: dict[str, str], served: Hub, tmp_path: Path) -> None:
    folder = sentence_model(tmp_path / "published", settings={"prompts": PROMPTS})
    (folder / "onnx").mkdir()
    for name in ("onnx/model.onnx", "pytorch_model.bin", "tf_model.h5", "logo.png"):
        (folder / name).write_bytes(b"x" * 1_000_000)
    served.models[NAME] = folder
    done = run(home, "pull", NAME)
    assert done.returncode == 0, done.stderr
    assert "4.0 MB in other formats are left out" in done.stdout
    assert "model.safetensors is fetched and verified, 90.9 MB" in done.stdout
    assert f"to use it: glimpse model use {NAME}" in done.stdout
    snapshot = in_cache(home)
    assert snapshot.name == COMMIT
    there = {str(path.relative_to(snapshot)) for path in snapshot.rglob("*") if path.is_file()}
    published = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == published - {"onnx/model.onnx", "pytorch_model.bin", "tf_model.h5", "logo.png", ".gitattributes"}
    assert all((snapshot / name).read_bytes() == (folder / name).read_bytes() for name in there)
    listed = json.loads(run(home, "list", "--json").stdout)
    [told] = [one for one in listed["models"] if one["name"] == NAME]
    assert (told["kind"], told["missing"], told["dimension"], told["max_tokens"]) == ("sentence", None, 384, 256)
    assert 90_000_000 < told["bytes"] < 100_000_000
    assert told["needs"]["cpu"] > 1e9

    served.asked.clear()
    again = run(home, "pull", NAME)
    assert "0 bytes to fetch" in again.stdout
    assert served.files() == []


def test_the_hubs_own_library_takes_it_for_its_own(home: dict[str, str], served: Hub, small: Path) -> None:
    assert run(home, "pull", NAME).returncode == 0
    program = f"from huggingface_hub import snapshot_download as get; print(get({NAME!r}, local_files_only=True))"
    done = subprocess.run([sys.executable, "-c", program], env=home, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(in_cache(home))


def test_a_download_that_was_stopped_goes_on(home: dict[str, str], served: Hub, tmp_path: Path) -> None:
    served.models[NAME] = sentence_model(tmp_path / "published")
    name, half = "model.safetensors", 45_000_000
    served.stall[name] = half
    with subprocess.Popen(command("pull", NAME), env=home, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert served.stalled.wait(PATIENCE)
        part = wait_for_part(home)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    held = part.stat().st_size
    assert 10_000_000 < held <= half
    served.stall.clear()
    served.asked.clear()
    done = run(home, "pull", NAME)
    assert done.returncode == 0, done.stderr
    assert "model.safetensors: going on after" in done.stdout
    [asked] = [one for one in served.files() if one.path.endswith(name)]
    assert asked.range == f"bytes={held}-"
    assert not part.exists()
    assert (in_cache(home) / name).read_bytes() == (served.models[NAME] / name).read_bytes()


def wait_for_part(home: Mapping[str, str]) -> Path:
    from tests.waiting import wait_for

    def parts() -> list[Path]:
        return [path for path in blobs(home) if path.suffix == ".incomplete" and path.stat().st_size > 10_000_000]

    wait_for(lambda: bool(parts()), deadline=PATIENCE)
    return parts()[0]


def test_a_cut_connection_is_taken_up_again(home: dict[str, str], served: Hub, small: Path) -> None:
    served.cut["model.safetensors"] = 100_000
    done = run(home, "pull", NAME)
    assert done.returncode == 0, done.stderr
    assert len([one for one in served.files() if one.path.endswith("model.safetensors")]) == 2


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_what_arrives_damaged_is_found_and_fetched_anew(
    home: dict[str, str], served: Hub, small: Path, name: str
) -> None:
    served.damaged[name] = 1
    done = run(home, "pull", NAME)
    assert done.returncode == 0, done.stderr
    assert f"{name} did not arrive as the hub has it" in done.stdout
    assert (in_cache(home) / name).read_bytes() == (small / name).read_bytes()
    served.damaged[name] = 2
    (in_cache(home) / name).resolve().unlink()
    done = run(home, "pull", NAME)
    assert done.returncode == 69
    assert f"{name} arrived damaged twice" in done.stderr


def test_what_was_damaged_on_the_disk_is_found_and_fetched_anew(
    home: dict[str, str], served: Hub, small: Path, tmp_path: Path
) -> None:
    target = tmp_path / "models" / "gte"
    assert run(home, "pull", NAME, "--to", str(target)).returncode == 0
    file = target / "model.safetensors"
    with file.open("r+b") as stream:
        stream.seek(1000)
        stream.write(b"?")
    done = run(home, "pull", NAME, "--to", str(target))
    assert done.returncode == 0
    assert "model.safetensors is damaged here; it is fetched anew" in done.stdout
    assert "config.json is here" in done.stdout
    assert file.read_bytes() == (small / "model.safetensors").read_bytes()
    assert f"glimpse model use {target}" in done.stdout


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        ((404, {"X-Error-Code": "RepoNotFound"}), "no such model"),
        ((401, {}), "HF_TOKEN"),
        ((403, {"X-Error-Code": "GatedRepo"}), "agree to its terms"),
        ((403, {}), "does not let us"),
        ((503, {}), "answered with status 503"),
    ],
)
def test_a_refusal_is_told(home: dict[str, str], served: Hub, refusal: tuple[int, dict[str, str]], told: str) -> None:
    served.refusal = refusal
    done = run(home, "pull", NAME)
    assert (done.returncode, done.stdout) == (69, "")
    assert told in done.stderr
    assert NAME in done.stderr
    assert "Traceback" not in done.stderr


def test_what_stands_in_the_way_is_told(home: dict[str, str], served: Hub, small: Path) -> None:
    wrong = run(home, "pull", NAME, "--revision", "v9")
    assert (wrong.returncode, "no revision 'v9'" in wrong.stderr) == (69, True)
    offline = run(home | {"HF_HUB_OFFLINE": "1"}, "pull", NAME)
    assert (offline.returncode, "HF_HUB_OFFLINE" in offline.stderr) == (69, True)
    nobody = run(home | {"HF_ENDPOINT": "http://127.0.0.1:9"}, "pull", NAME)
    assert (nobody.returncode, "cannot be reached" in nobody.stderr) == (69, True)
    assert "HF_ENDPOINT" in nobody.stderr
    nonsense = run(home, "pull", "no name")
    assert (nonsense.returncode, "no model's name" in nonsense.stderr) == (64, True)
    Path(home["HOME"], "file").touch()
    unwritable = run(home, "pull", NAME, "--to", str(Path(home["HOME"], "file")))
    assert (unwritable.returncode, "cannot be written" in unwritable.stderr) == (69, True)


def test_a_disk_without_room_is_told_before(home: dict[str, str], served: Hub, small: Path) -> None:
    os.truncate(small / "model.safetensors", 0)
    assert run(home, "pull", NAME).returncode == 0
    program = f"""
import shutil
from pathlib import Path
from glimpsed.encoding import hub
shutil.disk_usage = lambda place: shutil._ntuple_diskusage(1 << 40, 1 << 40, 1000)
hub.fetch(hub.plan({NAME!r}, folder=Path({home["HOME"]!r}, "new")), print, bars=False)
"""
    done = subprocess.run([sys.executable, "-c", program], env=home, capture_output=True, text=True, check=False)
    assert "only 1.0 kB are free" in done.stderr
    assert not Path(home["HOME"], "new").exists()


def test_the_configured_model_is_the_one_to_fetch(home: dict[str, str], served: Hub, tmp_path: Path) -> None:
    served.models["BAAI/bge-m3"] = build(tmp_path / "published")
    target = tmp_path / "my m3"
    done = run(home | {"GLIMPSED_ENCODE_MODEL": str(target)}, "pull")
    assert done.returncode == 0, done.stderr
    assert weights.find(str(target)) == target
    done = run(home | {"GLIMPSED_ENCODE_ENCODER": str(target)}, "pull")
    assert (done.returncode, "say which model" in done.stderr) == (64, True)


def test_the_token_goes_to_the_hub_and_the_mirror_is_asked(home: dict[str, str], served: Hub, small: Path) -> None:
    assert run(home | {"HF_TOKEN": "hf_secret"}, "pull", NAME).returncode == 0
    assert {one.token for one in served.asked} == {"Bearer hf_secret"}


def test_what_is_no_encoder_or_brings_code_is_told(home: dict[str, str], served: Hub, tmp_path: Path) -> None:
    served.models[NAME] = with_code(tmp_path / "code")
    (tmp_path / "code" / "model.safetensors").unlink()
    (tmp_path / "code" / "model.safetensors").write_bytes(b"x" * 1000)
    done = run(home, "pull", NAME)
    assert done.returncode == 0
    assert "brings code of its own (turned.Turned)" in done.stderr
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text("{}")
    served.models["org/chat"] = tmp_path / "other"
    assert "neither BGE-M3 nor a Sentence" in run(home, "pull", "org/chat").stderr


def test_without_the_extra_it_says_so(home: dict[str, str]) -> None:
    site = Path(home["HOME"], "site")
    site.mkdir()
    (site / "sitecustomize.py").write_text("import sys; sys.modules['huggingface_hub'] = None")
    paths = f"{site}:{home.get('PYTHONPATH', '')}"
    done = run(home | {"PYTHONPATH": paths}, "pull", NAME)
    assert (done.returncode, "make bge-m3" in done.stderr) == (69, True)


def test_only_what_is_loaded_is_wanted() -> None:
    names = [
        *("README.md", "config.json", "model.safetensors", "model-00001-of-00002.safetensors", "pytorch_model.bin"),
        *("model.safetensors.index.json", "2_Dense/pytorch_model.bin", "onnx/model.onnx", "onnx/config.json"),
        *("openvino/m.xml", "sparse_linear.pt", "imgs/a.jpg", "modeling.py", "3_Dense/model.safetensors"),
        *("3_Dense/pytorch_model.bin", "a/pytorch_model-00001-of-00002.bin", "a/model.safetensors.index.json"),
        "a/model-00001-of-00002.safetensors",
    ]
    assert hub_files.wanted(names) == [
        *("README.md", "config.json", "model.safetensors", "2_Dense/pytorch_model.bin", "sparse_linear.pt"),
        *("modeling.py", "3_Dense/model.safetensors", "a/model.safetensors.index.json"),
        "a/model-00001-of-00002.safetensors",
    ]


# glimpse model list


def test_the_list_tells_what_is_here_and_what_would_be_used(home: dict[str, str], tmp_path: Path) -> None:
    cached(Path(home["HF_HOME"]), checkpoint())
    cached(Path(home["HF_HOME"]), sentence_model(tmp_path / "gte"), name=NAME)
    broken = cached(Path(home["HF_HOME"]), sentence_model(tmp_path / "e5"), name="intfloat/e5-small")
    (broken / "model.safetensors").unlink()
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text("{}")
    cached(Path(home["HF_HOME"]), other, name="org/chat")
    told = run(home | {"GLIMPSED_ENCODE_DEVICE": "cpu"}, "list").stdout
    assert "org/chat" not in told
    [m3] = [line for line in told.splitlines() if "BAAI/bge-m3" in line]
    assert m3.startswith("* BAAI/bge-m3")
    assert "384 numbers a text" in m3
    assert "GB on cpu" in m3
    assert "lacks model.safetensors (glimpse model pull intfloat/e5-small)" in told
    assert "would be used  BGE-M3 on cpu: if it makes 10 texts/s" in told
    slow = json.loads(run(home | {"GLIMPSED_ENCODE_ENCODER": NAME}, "list", "--json").stdout)
    assert slow["chosen"]["name"] == NAME
    assert slow["chosen"]["running"] is False
    assert [one["name"] for one in slow["models"] if one["chosen"]] == [NAME]
    assert [one["name"] for one in slow["devices"]][-1] == "cpu"


def test_the_list_tells_what_the_daemon_uses(home: dict[str, str]) -> None:
    encoder = {"id": "x", "name": "BGE-M3", "device": "cuda:0", "reason": "it has the room", "step": None}
    socket = Path(home["XDG_RUNTIME_DIR"], "glimpsed", "glimpsed.sock")
    socket.parent.mkdir(parents=True)
    with serving(socket) as stub:
        stub.answers["/v1/status"] = {"encoder": encoder, "pictures": {"fresh": 7}}
        told = run(home, "list").stdout
        assert "in use  BGE-M3 on cuda:0: it has the room" in told
        assert "* BAAI/bge-m3" in told
        done = run(home, "use", "auto")
        assert "7 pictures are encoded anew" in done.stdout


# glimpse model use


def test_a_model_that_is_here_is_chosen(home: dict[str, str], tmp_path: Path) -> None:
    file = Path(home["HOME"], ".config/glimpsed/config.toml")
    file.parent.mkdir(parents=True)
    file.write_text("# mine\n[encode]\nmax_length = 512  # short\n")
    cached(Path(home["HF_HOME"]), sentence_model(tmp_path / "gte"), name=NAME)
    done = run(home, "use", NAME)
    assert done.returncode == 0, done.stderr
    assert "restart glimpsed" in done.stdout
    assert "encoded anew" in done.stdout
    assert encode(home) == {"max_length": 512, "encoder": NAME}
    assert "# mine" in file.read_text()
    assert "# short" in file.read_text()
    assert run(home, "use", "./gte", "--json").returncode == 0
    assert encode(home)["encoder"] == str(tmp_path / "gte")
    told = json.loads(run(home | {"GLIMPSED_ENCODE_ENCODER": "auto"}, "use", "fallback", "--json").stdout)
    assert told == {"file": str(file), "encoder": "fallback", "missing": None, "restart": True}
    assert "nothing is encoded anew" in run(home, "use", "fallback").stdout


def test_bge_m3_is_known_by_its_name_and_its_heads(home: dict[str, str]) -> None:
    done = run(home, "use", str(checkpoint()))
    assert done.returncode == 0, done.stderr
    assert encode(home) == {"encoder": "bge-m3", "model": str(checkpoint())}
    done = run(home, "use", "BAAI/bge-m3")
    assert done.returncode == 64
    assert "glimpse model pull BAAI/bge-m3" in done.stderr
    assert run(home, "use", "BAAI/bge-m3", "--force").returncode == 0
    assert encode(home) == {"encoder": "bge-m3", "model": "BAAI/bge-m3"}
    done = run(home, "use", "bge-m3")
    assert (done.returncode, "for now the fallback stands in" in done.stderr) == (0, True)


def test_what_is_not_here_is_refused(home: dict[str, str]) -> None:
    done = run(home, "use", NAME)
    assert done.returncode == 64
    assert f"glimpse model pull {NAME}" in done.stderr
    assert not Path(home["HOME"], ".config").exists()
    done = run(home, "use", "bgem3")
    assert done.returncode == 64
    assert 'the nearest is "bge-m3"' in done.stderr
    done = run(home, "use", NAME, "--force")
    assert (done.returncode, "is not in the Hugging Face cache" in done.stderr) == (0, True)
    assert encode(home) == {"encoder": NAME}
    assert run(home, "use", "").returncode == 64


def test_code_has_to_be_trusted_first(home: dict[str, str], tmp_path: Path) -> None:
    folder = with_code(tmp_path / "model")
    done = run(home, "use", str(folder))
    assert done.returncode == 64
    assert "give --trust-remote-code" in done.stderr
    assert run(home, "use", str(folder), "--trust-remote-code").returncode == 0
    assert encode(home) == {"encoder": str(folder), "trust_remote_code": True}
    assert run(home, "use", str(folder)).returncode == 0
    assert encode(home) == {"encoder": str(folder), "trust_remote_code": True}
    done = run(home, "use", str(with_code(tmp_path / "other")))
    assert (done.returncode, "give --trust-remote-code" in done.stderr) == (64, True)
    assert encode(home) == {"encoder": str(folder), "trust_remote_code": True}
    assert run(home, "use", "fallback").returncode == 0
    assert encode(home) == {"encoder": "fallback", "trust_remote_code": False}
    edit(folder / "config.json", auto_map={"AutoModel": "org/code--modeling.Model"})
    done = run(home, "use", str(folder), "--trust-remote-code")
    assert "glimpse model pull org/code" in done.stderr


def test_a_variable_that_wins_is_told(home: dict[str, str]) -> None:
    done = run(home | {"GLIMPSED_ENCODE_ENCODER": "auto"}, "use", "fallback")
    assert "GLIMPSED_ENCODE_ENCODER wins" in done.stderr


def test_names_are_completed(home: dict[str, str], tmp_path: Path) -> None:
    cached(Path(home["HF_HOME"]), sentence_model(tmp_path / "gte"), name=NAME)
    for begun, expected in {"f": ["plain,fallback"], "then": [f"plain,{NAME}"], "x": []}.items():
        asked = {"_GLIMPSE_COMPLETE": "bash_complete", "COMP_WORDS": f"glimpse model use {begun}", "COMP_CWORD": "3"}
        program = [sys.executable, "-c", "from glimpsed.cli import glimpse; glimpse()"]
        done = subprocess.run(program, env=home | asked, capture_output=True, text=True, check=False)
        assert done.stdout.split() == expected
