"""Files from a web server, a mirror or a folder, each compared with its known SHA-256."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mriinterp.base.atomic import made_folder, replacing
from mriinterp.base.fingerprint import file_digest
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell

__all__ = ["RemoteFile", "download", "is_address"]

CHUNK = 1 << 16  # bytes
SUMS = "SHA256SUMS"  # a list as sha256sum writes it
LARGEST = 1 << 33  # bytes that are read where their number is not known
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
        "" where none was published: the file is compared with the list
        ``SHA256SUMS`` of a mirror or folder, where there is one.
    size : int
        Bytes. More than these are never read. 0: as many as the server says.
    address : str
        Where it is published, if not below the publication's address.
    """

    path: str
    sha256: str = ""
    size: int = 0
    address: str = ""

    def is_at(self, path: Path) -> bool:
        """Return whether the file is there, whole and unchanged as far as its digest is known."""
        return path.is_file() and (not self.sha256 or file_digest(path) == self.sha256)


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
    files = _with_sums(files, base)
    sizes = {file.path: file.size for file in files}
    for at, file in enumerate(files):
        check_cancel(cancel)
        target, before = folder / file.path, sum(sizes[one.path] for one in files[:at])

        def counted(done: int, size: int, before: int = before, path: str = file.path) -> None:
            sizes[path] = max(size, done)
            tell(progress, before + done, sum(sizes.values()))

        if not file.is_at(target):
            made_folder(target.parent)
            if is_address(base):
                _retrieve(file, file.address or f"{base.rstrip('/')}/{file.path}", target, counted, cancel)
            else:
                _copy(file, Path(base), target)
        size = file.size or target.stat().st_size
        counted(size, size)


def is_address(source: str) -> bool:
    """Return whether a source is on a web server, and not a folder."""
    return source.startswith(("https://", "http://"))


def _with_sums(files: Sequence[RemoteFile], base: str) -> list[RemoteFile]:
    """Return files with the digests that a mirror or folder lists, where none were published."""
    if all(file.sha256 or file.address for file in files):
        return list(files)
    sums = _sums(base)
    return [file if file.sha256 or file.address else replace(file, sha256=sums.get(file.path, "")) for file in files]


def _sums(base: str) -> dict[str, str]:
    """Return the list `SUMS` of a mirror or folder by path; empty if there is none."""
    if is_address(base):
        import requests

        try:
            answer = requests.get(f"{base.rstrip('/')}/{SUMS}", timeout=(CONNECT_SECONDS, READ_SECONDS))
        except requests.RequestException:
            return {}  # errors of the files themselves state what is wrong
        text = answer.text if answer.ok else ""
    else:
        path = Path(base) / SUMS
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = re.findall(r"^([0-9a-fA-F]{64}) [ *](?:\./)?(.+?)\s*$", text, re.MULTILINE)
    return {path: digest.lower() for digest, path in found}


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

    known = f"sha256:{file.sha256}" if file.sha256 else None
    try:
        pooch.retrieve(url, known, fname=target.name, path=target.parent, downloader=downloader)
    except ValueError as error:
        raise ValueError(
            f"expected the published {file.path} (SHA-256 {file.sha256 or 'not published'}), got another file from "
            f"{url}; it was removed. Try again, or name a mirror or a folder with --from"
        ) from error


def _continue(file: RemoteFile, url: str, partial: Path, progress: Progress, cancel: Cancel | None) -> None:
    """Read what is missing of a file into `partial`."""
    import requests

    have = partial.stat().st_size if partial.is_file() else 0
    if file.size and have >= file.size:
        have = 0
    size = file.size
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable and have:
                partial.unlink()  # it was whole, or is of another file
                _continue(file, url, partial, progress, cancel)
                return
            answer.raise_for_status()
            if answer.status_code != requests.codes.partial_content:
                have = 0  # the server sends the whole
            said = answer.headers.get("Content-Length", "")
            size = size or (have + int(said) if said.isdecimal() else 0)
            with partial.open("ab" if have else "wb") as stream:
                for chunk in answer.iter_content(CHUNK):
                    check_cancel(cancel)
                    have += len(chunk)
                    if have > (size or LARGEST):
                        break
                    stream.write(chunk)
                    progress(have, size)
    except requests.RequestException as error:
        raise OSError(
            f"expected {file.path} from {url}, got {_reason(error)}; what has come is kept and the next try goes on "
            "from there. Without a connection: --from and a folder that holds the files"
        ) from error
    if have < size:
        raise OSError(
            f"expected {size:,} bytes of {file.path} from {url}, got {have:,}: the connection was cut off. "
            "What has come is kept; try again to go on from there"
        )
    if have > (size or LARGEST):
        partial.unlink()
        raise ValueError(f"expected {size or LARGEST:,} bytes, got more")


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    return f"the answer {response.status_code} {response.reason}" if response is not None else type(error).__name__


def _check(file: RemoteFile, path: Path) -> None:
    size = path.stat().st_size
    if (file.size and size != file.size) or not file.is_at(path):
        raise ValueError(
            f"expected the published {file.path} ({f'{file.size:,} bytes, ' if file.size else ''}SHA-256 {file.sha256}), "
            f"got another file at {path} ({size:,} bytes)"
        )
