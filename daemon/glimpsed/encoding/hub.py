"""A model from the Hugging Face hub onto this machine: the only place that uses the network, and only when told to.

Requests go through huggingface_hub, so HF_ENDPOINT, HF_TOKEN, HF_HUB_* and proxies count. That library begins a file
anew after a kill; here what was fetched of it is kept, gone on with, and compared with the hub's own sums.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from glimpsed.encoding import cache, devices
from glimpsed.encoding.hub_files import PART, Plan, RemoteFile, size, wanted
from glimpsed.errors import DownloadError, ExtraMissingError, UsageError

_RESERVE = 256 << 20  # bytes of the disk that are left to others
Say = Callable[[str], None]
"""Takes a line for people."""
Checked = Callable[[str, int, int], None]
"""Takes the name of a file, the bytes of it that were looked at, and all that it has."""


def plan(model: str, *, revision: str = "main", folder: Path | None = None) -> Plan:
    """Ask the hub what `model` is made of. Raises DownloadError, ExtraMissingError, or UsageError for no name."""
    if not cache.is_name(model):
        raise UsageError(
            f"{model!r} is no model's name on the hub", hint="names look like intfloat/multilingual-e5-large"
        )
    api = _library().HfApi()
    with _translated(model, revision):
        found = api.model_info(model, revision=revision, files_metadata=True, timeout=30)
    listed = {one.rfilename: one for one in found.siblings or ()}
    names = wanted(listed)
    if not names or not found.sha:
        raise DownloadError("holds no files", where=model)
    unsafe = [name for name in names if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]
    if unsafe:
        raise DownloadError(f"names a file outside of its folder: {unsafe[0]!r}", where=model)
    files = tuple(_remote(model, listed[name]) for name in names)
    left_out = sum(one.size or 0 for name, one in listed.items() if name not in names)
    return Plan(model, revision, found.sha, files, left_out, folder)


def fetch(plan: Plan, say: Say, *, bars: bool, checked: Checked = lambda name, done, total: None) -> Path:
    """Fetch what is missing, compare all of it with the hub's sums, and return the folder with the model.

    What was fetched before a break is kept and gone on with; a file that is not what the hub has is told of and
    fetched anew, once. `bars`: show the progress on standard error. `checked` is told how far it is with the sum of a
    file that is here. Raises DownloadError.
    """
    library = _library()
    if not bars:
        library.utils.disable_progress_bars()
    with _translated(plan.model, plan.revision):
        _expect_room(plan)
        for file in plan.files:
            path = plan.path(file)
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and not file.fits(path, lambda done, file=file: checked(file.name, done, file.size)):  # type: ignore[misc]  # bound at definition
                say(f"{file.name} is damaged here; it is fetched anew")
                path.unlink()
            if path.exists():
                say(f"{file.name} is here")
            else:
                _fetch(library, plan, file, say)
            if plan.folder is None:
                _link(plan.target / file.name, path)
        if plan.folder is None and plan.revision != plan.commit:
            reference = cache.directory(plan.model) / "refs" / plan.revision
            reference.parent.mkdir(parents=True, exist_ok=True)
            reference.write_text(plan.commit, "ascii")  # last: what it points to is whole
    return plan.target


def _fetch(library: Any, plan: Plan, file: RemoteFile, say: Say) -> None:
    from huggingface_hub.file_download import http_get  # noqa: PLC0415  heavy

    path = plan.path(file)
    part = path.with_name(path.name + PART)
    url = library.hf_hub_url(plan.model, file.name, revision=plan.commit)
    with _held_alone(part) as stream:
        for attempt in (1, 2):
            done = stream.seek(0, os.SEEK_END)
            if done > file.size:
                done = stream.truncate(0)
                stream.seek(0)
            if done:
                say(f"{file.name}: going on after {size(done)}")
            if file.size:
                headers = library.utils.build_hf_headers()
                http_get(
                    url,
                    stream,
                    resume_size=done,
                    headers=headers,
                    expected_size=file.size,
                    displayed_filename=file.name,
                )
            stream.flush()
            os.fsync(stream.fileno())
            if file.fits(part):
                os.replace(part, path)
                say(f"{file.name} is fetched and verified, {size(file.size)}")
                return
            stream.truncate(0)
            if attempt == 1:
                say(f"{file.name} did not arrive as the hub has it; it is fetched anew")
    raise DownloadError(
        f"{file.name} arrived damaged twice: its sum is not the hub's", where=plan.model, hint="try again later"
    )


@contextmanager
def _held_alone(part: Path) -> Iterator[IO[bytes]]:
    """What was fetched of a file so far, for this process alone."""
    with part.open("ab") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DownloadError("is being fetched by another process", where=str(part)) from None
        yield stream


def _remote(model: str, listed: Any) -> RemoteFile:
    sum_ = listed.lfs.sha256 if listed.lfs else listed.blob_id
    if listed.size is None or len(sum_ or "") not in (40, 64) or not all(sign in "0123456789abcdef" for sign in sum_):
        raise DownloadError(f"the hub tells neither size nor sum of {listed.rfilename}", where=model)
    return RemoteFile(listed.rfilename, listed.size, sum_)


def _expect_room(plan: Plan) -> None:
    place = plan.folder or cache.place()
    while not place.exists():
        place = place.parent
    free, missing = shutil.disk_usage(place).free, plan.missing()
    if missing and missing + _RESERVE > free:
        raise DownloadError(
            f"{size(missing)} are to be fetched, and only {size(free)} are free",
            where=str(place),
            hint="make room, or choose another disk with HF_HUB_CACHE",
        )


def _link(link: Path, target: Path) -> None:
    """A relative link, as the hub's own library makes them."""
    link.parent.mkdir(parents=True, exist_ok=True)
    if not (link.is_symlink() and link.resolve() == target.resolve()):
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(target, link.parent))


def _library() -> Any:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import huggingface_hub  # noqa: PLC0415  heavy, and of the extra
    except ImportError as error:
        raise ExtraMissingError(f"cannot be imported: {error}", hint=devices.EXTRA_HINT) from error
    return huggingface_hub


@contextmanager
def _translated(model: str, revision: str) -> Iterator[None]:
    """The library's errors as ours, with what to do."""
    try:
        yield
    except DownloadError:
        raise
    except Exception as error:
        raise _told(error, model, revision) from error


def _told(error: Exception, model: str, revision: str) -> DownloadError:
    errors = _library().errors
    hub = str(_library().constants.ENDPOINT)
    status = getattr(getattr(error, "response", None), "status_code", None)
    line = (str(error).strip() or type(error).__name__).partition("\n")[0]
    login = "set HF_TOKEN, or log in with `hf auth login`"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return DownloadError("HF_HUB_OFFLINE forbids it", where=model, hint="unset that variable for this command")
    if isinstance(error, errors.GatedRepoError):
        return DownloadError("asks you to agree to its terms", where=model, hint=f"do so at {hub}/{model}; {login}")
    if isinstance(error, errors.RevisionNotFoundError):
        return DownloadError(f"has no revision {revision!r}", where=model)
    if isinstance(error, errors.RepositoryNotFoundError):
        return DownloadError(f"{hub} has no such model (status {status}), or it is private", where=model, hint=login)
    if status in (401, 403):
        return DownloadError(f"{hub} does not let us (status {status})", where=model, hint=login)
    if status is not None:
        return DownloadError(f"{hub} answered with status {status}", where=model, hint="try again later")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadError("the disk is full", where=model, hint="make room; the next try goes on from here")
    if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        return DownloadError(f"cannot be written: {error.strerror}", where=str(error.filename))
    return DownloadError(
        f"{hub} cannot be reached, or broke off: {line}",
        where=model,
        hint="try again, it goes on from here; HF_ENDPOINT names a mirror, HTTPS_PROXY a proxy",
    )
