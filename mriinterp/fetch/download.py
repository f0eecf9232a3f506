"""Files from a web server, a mirror or a folder, each compared with its known SHA-256."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mriinterp.base.atomic import made_folder, replacing
from mriinterp.base.fingerprint import file_digest
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell

__all__ = ["RemoteFile", "download"]

CHUNK = 1 << 16  # bytes
CONNECT_SECONDS, READ_SECONDS = 10, 60

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    Parameters
    ----------
    path : str
        Where it lies below the publication's address, and below the folder
        it is fetched into; ``/`` between folders.
    sha256 : str
    size : int
        Bytes. More than these are never read.
    """

    path: str
    sha256: str
    size: int


def download(
    files: Sequence[RemoteFile],
    base: str,
    folder: Path,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> None:
    """Bring files into a folder; those that are there, with the right content, stay as they are.

    A file that was cut off is kept as ``NAME.partial`` and continued from
    where it ended, if the server can do so.

    Parameters
    ----------
    files : sequence of RemoteFile
    base : str
        An address (``https://…``, ``http://…``), or a folder on this computer. Files
        lie below it at their paths, or, in a folder, all directly in it.
    folder : Path
    progress : callable, optional
        ``progress(done, total)`` in bytes.
    cancel : callable, optional

    Raises
    ------
    OSError
        No connection, a refusal, a full disk: with the address, and what is kept.
    ValueError
        A file that is not the published one. It is removed.
    Cancelled
    """
    total, done = sum(file.size for file in files), 0
    for file in files:
        check_cancel(cancel)
        target = folder / file.path
        if not (target.is_file() and file_digest(target) == file.sha256):
            made_folder(target.parent)
            if base.startswith(("https://", "http://")):
                _retrieve(file, f"{base.rstrip('/')}/{file.path}", target, _counted(progress, done, total), cancel)
            else:
                _copy(file, Path(base), target)
        done += file.size
        tell(progress, done, total)


def _counted(progress: Progress | None, before: int, total: int) -> Progress:
    return lambda done, _: tell(progress, before + done, total)


def _copy(file: RemoteFile, source: Path, target: Path) -> None:
    """Copy a file from a folder, after comparing it."""
    places = [source / file.path, source / Path(file.path).name]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise FileNotFoundError(f"expected {file.path} in the folder {source}, got none there or directly in it")
    _check(file, found)
    with replacing(target) as temporary:
        shutil.copyfile(found, temporary)
        _check(file, temporary)


def _retrieve(file: RemoteFile, url: str, target: Path, progress: Progress, cancel: Cancel | None) -> None:
    """Download a file with pooch, which puts it in place only if it is the published one."""
    import pooch  # not needed by those who fetch nothing

    pooch.utils.get_logger().setLevel("ERROR")
    partial = target.with_name(f"{target.name}.partial")

    def downloader(address: str, output: Any, _: Any) -> None:
        _continue(file, address, partial, progress, cancel)
        os.replace(partial, output)

    try:
        pooch.retrieve(url, f"sha256:{file.sha256}", fname=target.name, path=target.parent, downloader=downloader)
    except ValueError as error:
        raise ValueError(
            f"expected the published {file.path} (SHA-256 {file.sha256}), got another file from {url}; it was removed. "
            "Try again, or name a mirror or a folder with --from"
        ) from error


def _continue(file: RemoteFile, url: str, partial: Path, progress: Progress, cancel: Cancel | None) -> None:
    """Read what is missing of a file into `partial`."""
    import requests

    have = partial.stat().st_size if partial.is_file() else 0
    if have >= file.size:
        have = 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as answer:
            answer.raise_for_status()
            if answer.status_code != requests.codes.partial_content:
                have = 0  # the server sends the whole
            with partial.open("ab" if have else "wb") as stream:
                for chunk in answer.iter_content(CHUNK):
                    check_cancel(cancel)
                    have += len(chunk)
                    if have > file.size:
                        break
                    stream.write(chunk)
                    progress(have, file.size)
    except requests.RequestException as error:
        raise OSError(
            f"expected {file.path} from {url}, got {_reason(error)}; what has come is kept and the next try goes on "
            "from there. Without a connection: --from and a folder that holds the files"
        ) from error
    if have < file.size:
        raise OSError(
            f"expected {file.size:,} bytes of {file.path} from {url}, got {have:,}: the connection was cut off. "
            "What has come is kept; try again to go on from there"
        )
    if have > file.size:
        partial.unlink()
        raise ValueError(f"expected {file.size:,} bytes, got more")


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    return f"the answer {response.status_code} {response.reason}" if response is not None else type(error).__name__


def _check(file: RemoteFile, path: Path) -> None:
    size = path.stat().st_size
    if size != file.size or file_digest(path) != file.sha256:
        raise ValueError(
            f"expected the published {file.path} ({file.size:,} bytes, SHA-256 {file.sha256}), "
            f"got another file at {path} ({size:,} bytes)"
        )
