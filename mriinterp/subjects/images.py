"""Where the scan of a row is: one walk through a folder, or a path written on another machine."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from mriinterp.base.names import composed, on_disk
from mriinterp.base.progress import Cancel, check_cancel
from mriinterp.image.formats import file_is_dicom

__all__ = [
    "IMAGE_ENDINGS",
    "RESULTS_MARK",
    "choose_image",
    "find_images",
    "resolve_path",
    "walk_folders",
    "walk_images",
]

IMAGE_ENDINGS = (".nii", ".nii.gz", ".mgz")
RESULTS_MARK = ".mriinterp-results"
"""A file that marks a folder of results: no scan is looked for in it or below."""
ARCHIVE = ".zip"
LOOKED_AT = 3  # files of a folder that are opened to know whether it holds DICOM
_WORD = re.compile(r"[^\W_]+")
_OTHER_NUMBER = re.compile(r"(?<![^\W_])(?:run|ses|echo|acq|rec|task|inv|flip|part|chunk|desc|space|res|dir|ce|mod)-$")
_PREFIXED_ID = re.compile(r"^[a-z]{1,5}[0-9]?(I[0-9]+)$")  # mwp1I45117: SPM and CAT12 put letters before the name
_WINDOWS = re.compile(r"^[A-Za-z]:[\\/]|^\\\\")


def walk_images(
    folder: str | Path, pattern: str | None = None, cancel: Cancel | None = None
) -> Iterator[PurePosixPath]:
    """Yield the paths of all images below a folder, relative to it, in a fixed order.

    Parameters
    ----------
    folder : path
        Links to folders are followed, each folder once; folders of results
        (`RESULTS_MARK`) are passed over.
    pattern : str, optional
        Wildcards for the file name (``mwp1*.nii``) or, with a slash, for the
        relative path (``*/mri/mwp1*``).

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    for _, below, files in walk_folders(folder, cancel):
        for name in files:
            if not name.lower().endswith(IMAGE_ENDINGS):
                continue
            path = below / name
            if pattern is None or fnmatchcase(composed(str(path) if "/" in pattern else name), composed(pattern)):
                yield path


def walk_folders(folder: str | Path, cancel: Cancel | None = None) -> Iterator[tuple[Path, PurePosixPath, list[str]]]:
    """Yield the folders of `walk_images`: path, path relative to the first, and names of files; nothing hidden.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"expected a folder of images, found none: {root}")
    seen = set()
    for here, folders, files in os.walk(root, followlinks=True):
        check_cancel(cancel)
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        if RESULTS_MARK in files:  # maps carry the ids of their scans
            folders.clear()
            continue
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        below = PurePosixPath(Path(here).relative_to(root).as_posix())
        yield Path(here), below, sorted(name for name in files if not name.startswith("."))


def find_images(
    folder: str | Path,
    ids: Iterable[str],
    pattern: str | None = None,
    cancel: Cancel | None = None,
    *,
    raw: bool = False,
) -> dict[str, list[Path]]:
    """Return images whose path below a folder holds an id as a whole word.

    ``I4511`` is not in ``…_I45117.nii``, nor ``1`` in ``run-1``; letters that SPM or CAT12 put before an
    id of the form I45117 do not hide it. The folder is walked once,
    whatever the number of ids. Either Unicode form of an id is found.

    With `raw`, folders of DICOM files and .zip archives are found, too: the
    outermost folder whose name holds the id. A pattern is one for images.

    Returns
    -------
    dict of id to list of Path
        Only ids that were found.
    """
    by_word: dict[str, list[tuple[str, re.Pattern]]] = defaultdict(list)
    for name in dict.fromkeys(map(str, ids)):
        if word := _WORD.search(composed(name)):
            whole = re.compile(rf"(?<![^\W_]){re.escape(composed(name))}(?![^\W_])")
            by_word[word[0]].append((name, whole))
    found: dict[str, list[Path]] = defaultdict(list)
    root = Path(folder)
    for path in walk_images(root, pattern, cancel):
        text = composed(str(path))
        hits = list(_named(text, by_word))
        for word in set(_WORD.findall(text)):
            if prefixed := _PREFIXED_ID.match(word):
                hits += [name for name, _ in by_word.get(prefixed[1], ()) if name == prefixed[1]]
        if hits and (root / path).is_file():  # a link to absent content is no image
            for name in dict.fromkeys(hits):
                found[name].append(root / path)
    for path in walk_raw(root, cancel) if raw else ():
        text = str(path)
        for name, end in _named(composed(text), by_word).items():
            outermost = root.joinpath(*path.parts[: composed(text).count("/", 0, end) + 1])
            if outermost not in found[name]:
                found[name].append(outermost)
    return dict(found)


def _named(text: str, by_word: Mapping[str, list[tuple[str, re.Pattern]]]) -> dict[str, int]:
    """Return the ids that a path holds as whole words, and where the first of each ends."""
    ends = {}
    for word in dict.fromkeys(_WORD.findall(text)):
        for name, whole in by_word.get(word, ()):
            end = next((match.end() for match in whole.finditer(text) if _is_own(text, match)), None)
            if end is not None:
                ends[name] = end
    return ends


def walk_raw(folder: str | Path, cancel: Cancel | None = None) -> Iterator[PurePosixPath]:
    """Yield archives, and folders that hold DICOM files themselves, below a folder, relative to it, in a fixed order."""
    for here, below, files in walk_folders(folder, cancel):
        yield from (below / name for name in files if name.lower().endswith(ARCHIVE))
        if below.parts and any(file_is_dicom(here / name) for name in files[:LOOKED_AT]):
            yield below


def _is_own(text: str, match: re.Match) -> bool:
    """Return whether a number in a path can be an id: that of ``run-1`` or ``ses-1`` is not."""
    return not (match[0].isdigit() and _OTHER_NUMBER.search(text, 0, match.start()))


def choose_image(paths: list[Path]) -> Path | None:
    """Return the one image among several, None if they are really different.

    The same name with and without compression counts as one image.
    """
    if not paths:
        return None
    bare = {re.sub(r"\.gz$", "", str(p)) for p in paths}
    return max(paths, key=lambda p: str(p).endswith(".gz")) if len(bare) == 1 else None


def _below(path: str, prefix: str) -> str | None:
    """Return what follows a prefix that ends at a slash; None if the path is elsewhere."""
    prefix = prefix.replace("\\", "/").rstrip("/")
    same = path[: len(prefix)]
    equal = same.lower() == prefix.lower() if re.match(r"^[A-Za-z]:|^//", prefix) else same == prefix
    rest = path[len(prefix) :]
    return rest.lstrip("/") if equal and (not rest or rest.startswith("/")) else None


def resolve_path(
    text: str,
    folders: Iterable[str | Path] = (),
    prefixes: Mapping[str, str | Path] | None = None,
    *,
    raw: bool = False,
) -> Path | None:
    """Return a path from a table as a file of this machine.

    Parameters
    ----------
    text : str
        Absolute or relative, with slashes or backslashes.
    folders : iterable of path
        Where relative paths start, in order of preference.
    prefixes : mapping, optional
        What the beginning of a path becomes, ``{"D:\\\\ADNI": "/data/adni"}``;
        the longest that fits, at a folder boundary, drive letters and shares
        without case.
    raw : bool
        Whether a folder is a scan, too: what a scanner wrote.

    Returns
    -------
    Path or None
        An existing file (with `raw`: or folder). A path of another machine without a fitting prefix
        is sought below `folders` by its last parts, as many as fit.
    """
    text = text.strip().strip("\"'")
    if not text:
        return None
    windows = bool(_WINDOWS.match(text)) or ("\\" in text and "/" not in text)
    path = text.replace("\\", "/") if windows else text
    for prefix, folder in sorted((prefixes or {}).items(), key=lambda entry: len(entry[0]), reverse=True):
        rest = _below(path, prefix)
        if rest is not None:
            return _file(Path(folder) / rest, raw)
    absolute = path.startswith("/") or bool(re.match(r"^[A-Za-z]:/", path))
    if absolute and (found := _file(Path(path), raw)):
        return found
    parts = [p for p in re.sub(r"^[A-Za-z]:", "", path).split("/") if p not in ("", ".")]
    for folder in map(Path, folders):
        for start in range(len(parts) if absolute else 1):
            if found := _file(folder.joinpath(*parts[start:]), raw):
                return found
    return None


def _file(path: Path, raw: bool) -> Path | None:
    """Return a path as its file is spelled on disk, with `raw` also a folder's; None if there is none."""
    path = on_disk(path)
    return path if path.is_file() or (raw and path.is_dir()) else None
