"""Read untrusted files: what a path leads to, text of any encoding, JSON.

A path can lead to a pipe that never ends, and a file can be nested beyond
what a parser bears. Everything here answers with words instead, and the words
never hold what stands in the file: whoever names a file need not be allowed
to read it.
"""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from pathlib import Path
from typing import Any

__all__ = ["check_file", "decode_text", "parse_json", "read_json", "read_text", "stand_in"]

LONGEST_KEY = 60  # letters of a key in a message
MAX_TEXT = 64 << 20  # bytes; the largest text file the program writes itself is a few megabytes

SPECIAL = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
MARKS = (  # the longer ones first: UTF-32 begins as UTF-16 does
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
STAND_INS = (  # first bytes, what begins so, what to do
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the file itself: git lfs pull"),
    (b"/annex/objects/", "a git-annex pointer", "fetch the file itself: git annex get, or datalad get"),
    (b"<!doctype html", "a web page", "the download failed; download the file again"),
    (b"<html", "a web page", "the download failed; download the file again"),
)
SPREADSHEETS = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def check_file(path: str | os.PathLike, what: str = "a file") -> Path:
    """Check that a path leads to an ordinary file.

    Parameters
    ----------
    path : path
    what : str
        What is expected there, for messages.

    Raises
    ------
    FileNotFoundError
        If there is nothing.
    ValueError
        If it is a folder, or a pipe, socket or device, which might never end.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"expected {what}, got a path where there is none: {path}") from None
    if stat.S_ISREG(mode):
        return path
    kind = next((name for test, name in SPECIAL if test(mode)), "something that is no file")
    way_out = "" if stat.S_ISDIR(mode) else "; write its content to a file first"
    raise ValueError(f"expected {what}, got {kind}: {path}{way_out}")


def stand_in(head: bytes) -> tuple[str, str] | None:
    """Return what stands in the place of a file that was not fetched, by its first bytes, and what to do; else None."""
    begins = head.lstrip().lower()
    return next(((what, way_out) for mark, what, way_out in STAND_INS if begins.startswith(mark)), None)


def read_text(path: str | os.PathLike, what: str = "a text file", *, fallback: str | None = None) -> str:
    """Read the text of a file, decoded as `decode_text` does; errors of `check_file` and `decode_text`."""
    path = check_file(path, what)
    with path.open("rb") as stream:
        raw = stream.read(MAX_TEXT + 1)
    if len(raw) > MAX_TEXT:
        raise ValueError(f"{path.name}: expected {what} of at most {MAX_TEXT >> 20} MB, got more")
    return decode_text(raw, path.name, what, fallback=fallback)


def decode_text(raw: bytes, name: str, what: str = "a text file", *, fallback: str | None = None) -> str:
    """Decode bytes as text: UTF-8 with or without mark, UTF-16 and UTF-32 with one.

    Parameters
    ----------
    raw : bytes
    name, what : str
        For messages: name of the file, and what is expected in it.
    fallback : str, optional
        Encoding of bytes that are none of these; such bytes are an error without it.

    Raises
    ------
    ValueError
        For a spreadsheet, or bytes that are no text.
    """
    if raw.startswith(SPREADSHEETS):
        raise ValueError(f"{name}: expected {what}, got a spreadsheet or an archive; save it as text (CSV) first")
    if found := stand_in(raw[:64]):
        raise ValueError(f"{name}: expected {what}, got {found[0]}; {found[1]}")
    encoding = next((encoding for mark, encoding in MARKS if raw.startswith(mark)), "utf-8-sig")
    if encoding == "utf-8-sig" and b"\0" in raw:
        raise ValueError(f"{name}: expected {what}, got a binary file")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        if fallback is not None and encoding == "utf-8-sig":
            return raw.decode(fallback, errors="replace")
        raise ValueError(f"{name}: expected {what}, got bytes that are no {encoding.removesuffix('-sig')}") from error


def read_json(path: str | os.PathLike, what: str = "a JSON file") -> Any:
    """Read a JSON file.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_text` and `parse_json`.
    """
    return parse_json(read_text(path, what), Path(path).name, what)


def parse_json(text: str | bytes, name: str, what: str = "a JSON file") -> Any:
    """Parse a text in JSON.

    Parameters
    ----------
    text : str or bytes
    name, what : str
        For messages: name of the file, and what is expected in it.

    Raises
    ------
    ValueError
        Where it is no JSON, is nested too deeply, or an object has a key
        twice: which of the two counts would be a guess.
    """
    twice: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entries = dict(pairs)
        if len(entries) < len(pairs):
            twice.extend(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        return entries

    try:
        found = json.loads(text, object_pairs_hook=once)
    except RecursionError:
        raise ValueError(f"{name}: expected {what}, got JSON that is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{name}: expected {what} in JSON, got something else ({error})") from error
    if twice:
        keys = ", ".join(repr(key[:LONGEST_KEY]) for key in dict.fromkeys(twice))
        raise ValueError(f"{name}: expected {what} that names each key once, got more than one {keys}; leave one")
    return found
