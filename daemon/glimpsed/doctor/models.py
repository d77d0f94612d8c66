"""The stronger encoder's files, what OCR can read, and which formats."""

import shlex
from collections.abc import Iterator, Sequence

from glimpsed.config import Encode
from glimpsed.doctor.findings import Finding, fault, ok, warning
from glimpsed.encoding import cache, candidate, weights
from glimpsed.encoding.hub_files import size
from glimpsed.errors import EncoderError, ExtraMissingError
from glimpsed.files import shown
from glimpsed.reading import available, formats
from glimpsed.reading.languages import AUTO


def stronger(settings: Encode) -> tuple[str | None, list[Finding]]:
    """The folder of the configured encoder's files, None where they are not here, and what is to say of it."""
    if settings.encoder == "fallback":
        return None, [ok("weights", "the configuration asks for the bundled encoder alone")]
    name = candidate.name_of(settings)
    try:
        found = candidate.find(settings)
    except EncoderError as error:
        what, mend = f"{shown(name)}: {shown(error.what)}", error.hint
        if settings.encoder == "auto":
            # Nobody asked for it; but a download that broke off is not what anybody wants.
            there = any(cache.snapshots(settings.model)) and not isinstance(error, ExtraMissingError)
            return None, [warning("weights", what, mend) if there else ok("weights", what, mend)]
        return None, [fault("weights", f"{what}; the bundled encoder stands in", mend)]
    what = f"{shown(name)} is in {shown(str(found.folder))}; needs {size(found.needs(4))}, or half with 16 bits"
    return str(found.folder), [ok("weights", what)]


def pull_command(settings: Encode) -> str:
    """What fetches the configured encoder, and mends what is damaged of it."""
    _, model = candidate.asked_for(settings)
    if not cache.is_folder(model):
        return weights.pull_command(model)
    return f"glimpse model pull NAME --to {shlex.quote(model)}"


def tesseract(wanted: Sequence[str], models: str = "") -> Iterator[Finding]:
    """Which scripts can be read besides those of the bundled models."""
    found = available.look(wanted, models)
    missing = found.missing()
    apt = f"sudo apt install {' '.join(missing)}" if missing else None
    for reason in found.unusable:
        yield fault("ocr", f"[read] ocr_models: {shown(reason)}", "see [read] ocr_models")
    if not wanted:
        yield ok("ocr", "Chinese, Japanese and Latin letters; the configuration asks for no others")
    elif not found.version:
        asked = [one for one in wanted if one != AUTO]
        what = "Chinese, Japanese and Latin letters; tesseract, for all others, is not installed"
        mend = apt or "sudo apt install tesseract-ocr, and tesseract-ocr-rus or the like"
        yield warning("ocr", what, mend) if asked else ok("ocr", what, mend)
    elif missing:
        what = f"tesseract {found.version} lacks languages that are known to matter here"
        yield warning("ocr", f"{what}: {', '.join(missing)}", apt)
    else:
        packs = ", ".join(found.installed) or "no language"
        yield ok("ocr", f"tesseract {found.version} with {packs}", "apt-cache search tesseract-ocr- lists more")


def readable() -> tuple[tuple[str, ...], list[Finding]]:
    """The optional decoders that are installed, and which formats cannot be read without one."""
    have = [form for form in formats.FORMATS if formats.readable(form)]
    lacking = [form for form in formats.FORMATS if not formats.readable(form)]
    said = [ok("formats", ", ".join(form.name for form in have))]
    if lacking:
        extras = ",".join(sorted({form.extra for form in lacking if form.extra}))
        what = f"not without more packages: {', '.join(form.name for form in lacking)}"
        said.append(ok("formats", what, formats.hint(extras) if extras else None))
    if not formats.installed("rawpy"):
        said.append(ok("formats", "RAW files without a preview cannot be developed", formats.hint("raw")))
    modules = {form.module for form in have if form.module} | ({"rawpy"} if formats.installed("rawpy") else set())
    return tuple(sorted(modules)), said
