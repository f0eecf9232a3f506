"""Names of scans, people, visits and files: compared, shortened, and the nearest known ones."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

__all__ = ["LONGEST_NAME", "composed", "name_pieces", "near_names", "on_disk", "plain_integer", "propose", "shortened"]

LONGEST_NAME = 48
"""Characters of a name inside a file name: with what is written around it, well below the 255 bytes a file name may have."""

_PIECES = re.compile(r"\d+|[^\W\d_]+")
_PREFIXES = ("sub", "ses")  # BIDS writes them before the label; a table may or may not


def composed(text: str) -> str:
    """Return text in Unicode's composed form (NFC).

    macOS writes ``ü`` in file names as ``u`` and a combining mark; most tables hold one character.

    Examples
    --------
    >>> composed("Mu\\u0308ller") == "M\\u00fcller"
    True
    """
    return unicodedata.normalize("NFC", text)


def plain_integer(text: str) -> str:
    """Return a number without the decimals that a spreadsheet adds: ``45117.0`` is 45117, ``I7.0`` is I7.

    Examples
    --------
    >>> plain_integer("2.0"), plain_integer("0.5"), plain_integer("v1.0")
    ('2', '0.5', 'v1.0')
    """
    return re.sub(r"^(I?\d+)\.0+$", r"\1", text)


def on_disk(path: Path) -> Path:
    """Return a path as the file system spells it: of either Unicode form, whichever is there; else as it is.

    Examples
    --------
    >>> on_disk(Path("nowhere/M\u00fcller.nii")).name == "M\u00fcller.nii"
    True
    """
    if str(path).isascii() or os.path.lexists(path):
        return path
    made = Path(path.anchor)
    for part in path.relative_to(path.anchor).parts:
        following = made / part
        if not part.isascii() and not os.path.lexists(following):
            try:
                names = os.listdir(made)
            except OSError:
                return path
            following = next((made / name for name in names if composed(name) == composed(part)), following)
        made = following
    return made


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a name for use in a file name: as it is, or its beginning and a digest of the whole.

    Examples
    --------
    >>> shortened("sub-01"), len(shortened("x" * 225))
    ('sub-01', 48)
    """
    if len(name.encode()) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    beginning = name.encode()[: longest - len(digest) - 1].decode(errors="ignore")
    return f"{beginning}x{digest}"


def name_pieces(name: str) -> tuple[str, ...]:
    """Return words and numbers of a name, without case, separators, leading zeros and the prefixes of BIDS.

    Examples
    --------
    >>> name_pieces("sub-0012_ses-M06")
    ('12', 'm', '6')
    """
    found = _PIECES.findall(composed(name).casefold())
    return tuple(p.lstrip("0") or "0" if p.isdigit() else p for p in found if p not in _PREFIXES)


def near_names(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Return known names that differ from a name only in zeros before numbers, case, separators or ``sub-``, ``ses-``.

    Examples
    --------
    >>> near_names("ses-1", ["ses-01", "ses-11"]), near_names("12", ["0012", "sub-12", "0120"])
    (['ses-01'], ['0012', 'sub-12'])
    """
    pieces = name_pieces(name)
    if not pieces:
        return []
    return [other for other in known if other != name and name_pieces(other) == pieces][:most]


def propose(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean A or B?"`` for the near names, "" if there are none."""
    near = near_names(name, known)
    return f"; did you mean {' or '.join(near)}?" if near else ""
