"""Unpack an uploaded .zip: nothing outside the folder, nothing larger than expected."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO

from mriinterp.base.progress import Cancel, check_cancel

__all__ = ["MAX_BYTES", "MAX_FILES", "kept_ending", "unpack"]

MAX_FILES = 20_000
MAX_BYTES = 2 << 30
PIECE = 1 << 20
NESTED = (".zip", ".tar", ".tgz", ".tbz", ".txz", ".7z", ".rar")
PACKED = (".gz", ".bz2", ".xz", ".zst")
BEGINNINGS = (
    b"PK\x03\x04",
    b"7z\xbc\xaf",
    b"Rar!",
    b"BZh",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
)  # of archives, by any name
GZIP = b"\x1f\x8b"
INSIDE = "expected images in the archive, got another archive inside it; unpack that one first"


def unpack(
    archive: Path | IO[bytes],
    folder: Path,
    *,
    max_files: int = MAX_FILES,
    max_bytes: int = MAX_BYTES,
    cancel: Cancel | None = None,
) -> list[Path]:
    """Unpack a .zip into a folder, each file under a neutral name that keeps its ending.

    Names inside an archive can lead elsewhere and can hold a patient's name,
    so that only their endings are used.

    Parameters
    ----------
    archive : path or binary stream
    folder : Path
        An existing, empty folder.
    max_files, max_bytes : int
        Bytes are counted as they are unpacked, not as the archive states them.

    Returns
    -------
    list of Path

    Raises
    ------
    ValueError
        Not a .zip, damaged, encrypted, an archive inside it, a path that
        leads out of it, too many files or bytes, or nothing in it.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir() and not _is_clutter(member)]
            _check(members, max_files, max_bytes)
            written, left = [], max_bytes
            for number, member in enumerate(members):
                check_cancel(cancel)
                path = folder / f"{number:05d}{kept_ending(member.filename)}"
                left -= _write(opened, member, path, left, max_bytes)
                written.append(path)
            return written
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise ValueError(f"expected a .zip archive, got a file that is none or is damaged ({error})") from error


def _check(members: list[zipfile.ZipInfo], max_files: int, max_bytes: int) -> None:
    if not members:
        raise ValueError("expected a .zip archive with a scan in it, got an empty one")
    if len(members) > max_files:
        raise ValueError(f"expected at most {max_files} files in the archive, got {len(members)}; pack one series only")
    for member in members:
        parts = Path(member.filename.replace("\\", "/")).parts
        if ".." in parts or member.filename.startswith(("/", "\\")) or (parts and ":" in parts[0]):
            raise ValueError("expected paths inside the archive, got one that leads out of it; pack the folder anew")
        if member.flag_bits & 1:
            raise ValueError("expected an archive without a password, got an encrypted one; unpack it and pack it anew")
        name = member.filename.lower()
        if name.endswith(NESTED) or (name.endswith(PACKED) and not kept_ending(name)):
            raise ValueError(INSIDE)
    if sum(member.file_size for member in members) > max_bytes:
        raise ValueError(_too_large(max_bytes))


def _too_large(max_bytes: int) -> str:
    return f"expected an archive that unpacks to at most {max_bytes / 2**30:.1f} GiB, got a larger one; pack one series"


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, left: int, max_bytes: int) -> int:
    size = 0
    with opened.open(member) as source, path.open("xb") as target:
        while piece := source.read(PIECE):
            packed = piece.startswith(GZIP) and not path.name.endswith((".gz", ".nii", ".mgz", ".mgh"))
            if size == 0 and (piece.startswith(BEGINNINGS) or packed):
                raise ValueError(INSIDE)
            size += len(piece)
            if size > left:
                raise ValueError(_too_large(max_bytes))
            target.write(piece)
    return size


def _is_clutter(member: zipfile.ZipInfo) -> bool:
    parts = member.filename.replace("\\", "/").split("/")
    return "__MACOSX" in parts or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def kept_ending(name: str) -> str:
    """Return what of a file's name is kept: the ending of an image; "" for others."""
    for ending in (".nii.gz", ".nii", ".mgz", ".mgh", ".dcm", ".ima"):
        if name.lower().endswith(ending):
            return ending
    return ""
