"""The configuration: what wins, what is accepted, and that every fault is told at once."""

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.config import KEYS, LONGEST_SOCKET, Config, load, shipped, user_file
from glimpsed.config_values import Weights, seconds
from glimpsed.errors import ConfigError

RUNTIME = "/run/user/1000"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": RUNTIME, "XDG_PICTURES_DIR": str(tmp_path / "Bilder")}


def write(home: dict[str, str], text: str) -> Path:
    file = user_file(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def faults(home: dict[str, str], text: str = "", **flags: object) -> list[str]:
    file = write(home, text)
    with pytest.raises(ConfigError) as caught:
        load(environment=home, flags={key.replace("__", "."): value for key, value in flags.items()})
    assert caught.value.exit_status == 78
    return [str(fault).replace(str(file), "FILE") for fault in caught.value.faults]


def test_what_is_shipped_holds_without_any_other_source(home: dict[str, str]) -> None:
    config = load(environment=home)
    assert config.watch.folders == (home["XDG_PICTURES_DIR"],)
    assert (config.watch.settle, config.watch.settle_at_most, config.watch.rescan) == (0.5, 30.0, 3600.0)
    assert config.watch.forget_after == 30 * 86400
    assert config.read.max_pixels == 250_000_000
    assert config.search.weights == Weights(0.4, 0.2, 0.4, 1.0)
    assert config.store.path == f"{home['HOME']}/.local/state/glimpsed"
    assert config.serve.socket == f"{RUNTIME}/glimpsed/glimpsed.sock"
    assert config.log.file is None


def test_every_shipped_key_is_a_field_and_every_field_is_shipped() -> None:
    tables = tomllib.loads(shipped("config.toml").read_text("utf-8"))
    assert {f"{section}.{key}" for section, table in tables.items() for key in table} == set(KEYS)


def test_every_shipped_key_is_explained_just_above_it() -> None:
    lines = shipped("config.toml").read_text("utf-8").splitlines()
    keys = [number for number, line in enumerate(lines) if line[:1].isalpha()]
    assert len(keys) == len(KEYS)
    assert [lines[number] for number in keys if not lines[number - 1].startswith("# ")] == []


def test_later_sources_win(home: dict[str, str]) -> None:
    write(home, '[watch]\nsettle = 1\nrescan = "2 h"\nignore = ["*.bak"]\n[read]\nworkers = 3\n')
    environment = home | {"GLIMPSED_WATCH_RESCAN": "3 h", "GLIMPSED_STORE_PATH": "~/variable"}
    config = load(environment=environment, flags={"store.path": "/flag", "serve.socket": None})
    assert (config.watch.settle, config.watch.rescan, config.watch.ignore) == (1.0, 3 * 3600, ("*.bak",))
    assert config.read.workers == 3
    assert config.store.path == "/flag"
    assert config.serve.socket.startswith(RUNTIME)


def test_languages_of_lines_that_the_models_cannot_write(home: dict[str, str]) -> None:
    assert load(environment=home).read.ocr_languages == ("auto",)
    write(home, '[read]\nocr_languages = ["ru", "th", "auto", "ru"]\n')
    assert load(environment=home).read.ocr_languages == ("ru", "th", "auto")
    for said, value in (("auto", ("auto",)), ("ru:script/Cyrillic", ("ru", "script/Cyrillic")), ("[]", ())):
        assert load(environment=home | {"GLIMPSED_READ_OCR_LANGUAGES": said}).read.ocr_languages == value
    for wrong in ('"Russian"', '["rus;rm"]', "[3]", "3"):
        (fault,) = faults(home, f"[read]\nocr_languages = {wrong}\n")
        assert 'read.ocr_languages: expected "auto" or a list of languages' in fault


def test_a_named_file_replaces_the_users_own_and_has_to_exist(home: dict[str, str], tmp_path: Path) -> None:
    write(home, "[nonsense]")
    other = tmp_path / "other.toml"
    other.write_text("[read]\nocr = false\n")
    assert load(other, environment=home).read.ocr is False
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "none.toml", environment=home)


def test_all_faults_of_all_sources_are_told_at_once_with_their_lines(home: dict[str, str]) -> None:
    text = """\
wach = 3
[watch]
setle = 3
settle = "5 parsecs"
folders = [
  "here",
]
[read]
workers = true
ocr_langs = ["en"]
max_pixels = 1.5
"""
    long = "/" + "s" * LONGEST_SOCKET
    environment = home | {"GLIMPSED_READ_OCR": "maybe", "GLIMPSED_REED_OCR": "1"}
    found = faults(environment, text, serve__socket=long, search__colours=1)
    told = "\n".join(found)
    for expected in (
        'FILE:1: wach: unknown section or key; did you mean "watch"?',
        'FILE:3: watch.setle: unknown key; did you mean "watch.settle"?',
        'FILE:4: watch.settle: expected a duration such as 0.5 or "30 s", from 0 s to 1 h, not "5 parsecs"',
        "FILE:5: watch.folders: expected a list of absolute paths",
        "FILE:9: read.workers: expected a whole number from 0 to 256, not true",
        "FILE:10: read.ocr_langs: unknown key",
        "FILE:11: read.max_pixels: expected a whole number",
        'GLIMPSED_READ_OCR: read.ocr: expected true or false, not "maybe"',
        'GLIMPSED_REED_OCR: unknown variable; did you mean "GLIMPSED_READ_OCR"?',
        "flag search.colours: unknown key",
        f"--socket: serve.socket: the socket's path \"/{'s' * 77}… has {LONGEST_SOCKET + 1} bytes",
    ):
        assert expected in told
    assert len(found) == 11


def test_a_key_in_the_wrong_section_is_led_to_its_own(home: dict[str, str]) -> None:
    assert faults(home, "[watch]\nocr = true\n") == ['FILE:2: watch.ocr: unknown key; did you mean "read.ocr"?']
    assert faults(home, "watch = 3\n") == ["FILE:1: watch: expected a section, [watch]"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"[watch]\nsettle = = 3\n", "FILE:2: is not TOML"),
        (b"[watch]\nfolders = [\n", "FILE:2: is not TOML"),
        (b"[watch]\n# \xff\n", "FILE:2: is not UTF-8"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(home: dict[str, str], raw: bytes, expected: str) -> None:
    file = write(home, "")
    file.write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        load(environment=home)
    (fault,) = caught.value.faults
    assert str(fault).replace(str(file), "FILE").startswith(expected)


def test_a_directory_in_the_place_of_the_file_is_a_fault(home: dict[str, str]) -> None:
    user_file(home).mkdir(parents=True)
    with pytest.raises(ConfigError, match="Is a directory"):
        load(environment=home)


def test_paths_are_expanded_normalised_and_told_once(home: dict[str, str]) -> None:
    write(
        home, '[watch]\nfolders = ["~", "~/a/../b//c/", "$HOME/b/c", "${XDG_CONFIG_HOME}/d", "//e", "$XDG_CACHE_HOME"]'
    )
    folders = load(environment=home).watch.folders
    base = home["HOME"]
    assert folders == (base, f"{base}/b/c", f"{base}/.config/d", "/e", f"{base}/.cache")


@pytest.mark.parametrize("path", ["relative", "$NOTHING/x", "", "a\\u0000b", "$XDG_RUNTIME_DIR/x"])
def test_paths_that_lead_nowhere_are_faults(home: dict[str, str], path: str) -> None:
    del home["XDG_RUNTIME_DIR"]
    (fault,) = faults(home, f'[store]\npath = "{path}"\n')
    assert fault.startswith("FILE:2: store.path: expected an absolute path, not")


def test_pictures_are_found_through_the_users_directories(
    home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del home["XDG_PICTURES_DIR"]
    for name in ("XDG_PICTURES_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", home["HOME"])
    config = Path(home["HOME"], ".config")
    config.mkdir()
    (config / "user-dirs.dirs").write_text('XDG_PICTURES_DIR="$HOME/Bilder"\n')
    assert load().watch.folders == (f"{home['HOME']}/Bilder",)


def test_flags_are_relative_to_the_working_directory(
    home: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = {"watch.folders": ["pictures", "~/x"], "store.path": "state"}
    config = load(environment=home, flags=flags)
    assert config.watch.folders == (str(tmp_path / "pictures"), f"{home['HOME']}/x")
    assert config.store.path == str(tmp_path / "state")


def test_the_socket_goes_to_the_state_directory_without_a_runtime_directory(home: dict[str, str]) -> None:
    del home["XDG_RUNTIME_DIR"]
    assert load(environment=home, flags={"store.path": "/s"}).serve.socket == "/s/glimpsed.sock"
    state = "/" + "s" * 100
    assert faults(home, f'[store]\npath = "{state}"\n')[0].startswith("FILE:2: store.path: the socket's path")


def test_the_longest_possible_socket_path_is_accepted(home: dict[str, str]) -> None:
    path = "/" + "ü" * 53
    assert len(path.encode()) == LONGEST_SOCKET
    assert load(environment=home, flags={"serve.socket": path}).serve.socket == path


def test_variables_take_every_kind_of_value(home: dict[str, str]) -> None:
    environment = home | {
        "GLIMPSED_WATCH_FOLDERS": "/a:~/b:",
        "GLIMPSED_WATCH_IGNORE": '["*.x:y", "z"]',
        "GLIMPSED_READ_OCR": "Off",
        "GLIMPSED_READ_WORKERS": " 2 ",
        "GLIMPSED_ENCODE_MIN_TEXTS_PER_SECOND": "2.5",
        "GLIMPSED_ENCODE_MODEL": "~/m",
        "GLIMPSED_ENCODE_DEVICE": "cuda:1",
        "GLIMPSED_SEARCH_WEIGHTS": "{ dense = 1, sparse = 0, text = 0.5 }",
        "GLIMPSED_SEARCH_COLBERT": " 32 ",
        "GLIMPSED_LOG_FILE": "/var/log/g.log",
    }
    config = load(environment=environment)
    assert config.search.colbert == 32
    assert load(environment=environment | {"GLIMPSED_SEARCH_COLBERT": "off"}).search.colbert == "off"
    assert config.watch.folders == ("/a", f"{home['HOME']}/b")
    assert config.watch.ignore == ("*.x:y", "z")
    assert (config.read.ocr, config.read.workers) == (False, 2)
    assert config.encode.min_texts_per_second == 2.5
    assert config.encode.model == f"{home['HOME']}/m"
    assert config.encode.device == "cuda:1"
    assert config.search.weights == (1.0, 0.0, 0.0, 0.5)
    assert config.log.file == "/var/log/g.log"


@pytest.mark.parametrize(
    "line",
    [
        "[search]\nweights = { dense = 0, sparse = 0, text = 0 }",
        "[search]\nweights = { dense = 1, sparse = 0 }",
        "[search]\nweights = { dense = -1, sparse = 0, text = 1 }",
        "[search]\nweights = [1, 2, 3]",
        "[search]\nmin_score = nan",
        "[search]\ncolbert = 0",
        "[search]\ncolbert = true",
        '[search]\ncolbert = "all"',
        "[search]\nmin_score = true",
        "[watch]\nsettle = inf",
        "[watch]\nsettle = -1",
        "[watch]\nsettle = true",
        "[watch]\nrescan = 0",
        '[watch]\nfolders = "/a"',
        "[watch]\nfolders = [3]",
        '[watch]\nignore = [""]',
        "[watch]\nfollow_symlinks = 1",
        '[read]\nworkers = "2"',
        '[encode]\nencoder = "bge"',
        '[encode]\ndevice = "cuda:x"',
        '[encode]\nmodel = ""',
        "[encode]\nmax_length = 9000",
        '[log]\nlevel = "loud"',
    ],
)
def test_values_of_another_kind_are_faults(home: dict[str, str], line: str) -> None:
    (fault,) = faults(home, line)
    assert fault.startswith("FILE:2: ")
    assert ": expected " in fault


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("auto", "auto"),
        ("intfloat/multilingual-e5-large", "intfloat/multilingual-e5-large"),
        ("Alibaba-NLP/gte-Qwen2-7B-instruct", "Alibaba-NLP/gte-Qwen2-7B-instruct"),
        ("~/models/gte", "HOME/models/gte"),
        ("/srv/models//gte", "/srv/models/gte"),
        ("./gte", "HERE/gte"),
    ],
)
def test_an_encoder_is_a_word_a_name_or_a_folder(home: dict[str, str], given: str, expected: str) -> None:
    wanted = expected.replace("HOME", home["HOME"]).replace("HERE", os.getcwd())
    assert load(environment=home | {"GLIMPSED_ENCODE_ENCODER": given}).encode.encoder == wanted


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("bgem3", '"bge-m3"'),
        ("BGE-M3", '"bge-m3"'),
        ("fall-back", '"fallback"'),
        ("Auto", '"auto"'),
        ("xyz", None),
        ("a/b/c", None),
        ("https://huggingface.co/BAAI/bge-m3", None),
    ],
)
def test_an_encoder_that_is_none_is_told_with_the_nearest(home: dict[str, str], given: str, near: str | None) -> None:
    (fault,) = faults(home, f'[encode]\nencoder = "{given}"')
    assert fault.startswith('FILE:2: encode.encoder: expected "auto", "bge-m3", "fallback", a name such as')
    assert fault.endswith(f"; the nearest is {near}" if near else "it is none of them")


@pytest.mark.parametrize("text", ["{ dense = ", "x"])
def test_a_variable_that_is_not_what_it_should_be_is_a_fault(home: dict[str, str], text: str) -> None:
    (fault,) = faults(home | {"GLIMPSED_SEARCH_WEIGHTS": text})
    assert fault.startswith("GLIMPSED_SEARCH_WEIGHTS: search.weights: expected")


def test_keys_that_must_agree(home: dict[str, str]) -> None:
    assert faults(home, '[watch]\nsettle = "1 min"\n') == [
        "FILE:2: watch.settle: settle_at_most must not be shorter than settle"
    ]
    assert faults(home, "[encode]\nmax_tokens_per_batch = 512\n") == [
        "FILE:2: encode.max_tokens_per_batch: max_tokens_per_batch must not be smaller than max_length"
    ]
    (fault,) = faults(home, '[watch]\nfolders = ["/p"]\n', store__path="/p/state")
    assert fault.startswith("--state: store.path: the state directory lies in a watched folder")
    flags = {"watch.folders": [home["HOME"], "/"], "store.path": "/hidden/.local/state"}
    assert load(environment=home, flags=flags).store.path == "/hidden/.local/state"


def test_a_folder_may_lie_in_another(home: dict[str, str]) -> None:
    assert load(environment=home, flags={"watch.folders": ["/p/a", "/p"]}).watch.folders == ("/p/a", "/p")


def test_names_that_are_not_utf8_are_kept(home: dict[str, str]) -> None:
    path = os.fsdecode(b"/p/\xff")
    assert load(environment=home, flags={"watch.folders": [path]}).watch.folders == (path,)
    assert "�" in faults(home, serve__socket=path + "s" * 200)[0]


def test_the_value_is_frozen(home: dict[str, str]) -> None:
    config: Config = load(environment=home)
    with pytest.raises(AttributeError):
        config.read.workers = 3  # type: ignore[misc]  # the very thing that must fail


UNITS = {"ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800, "": 1}


@given(
    number=st.decimals(0, 10**6, places=3, allow_nan=False),
    unit=st.sampled_from(sorted(UNITS)),
    blanks=st.tuples(*[st.sampled_from(["", " ", "\t"])] * 3),
    upper=st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_a_duration_is_its_number_times_its_unit(
    number: object, unit: str, blanks: tuple[str, str, str], upper: bool
) -> None:
    text = f"{blanks[0]}{number}{blanks[1]}{unit.upper() if upper else unit}{blanks[2]}"
    assert seconds(text) == pytest.approx(float(str(number)) * UNITS[unit])


@given(st.text(max_size=12))
@settings(deadline=None, max_examples=300)
def test_any_text_is_a_duration_or_a_fault(text: str) -> None:
    try:
        value = seconds(text)
    except ValueError:
        return
    assert value >= 0
    assert text.strip()[0] in "0123456789"
