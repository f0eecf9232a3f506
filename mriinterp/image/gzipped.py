"""Gzip streams, member by member.

A .nii.gz is one member as a rule, many where it was packed in blocks (bgzip)
or appended to. Some programs pad the last one, sign it, or leave other data
behind it: RFC 1952 gives a file's end no meaning, so what follows the image is
no damage. `gzip.GzipFile` reads on and fails there.
"""

from __future__ import annotations

import zlib
from io import BufferedIOBase

__all__ = ["GZIP_MAGIC", "GzipStream"]

GZIP_MAGIC = b"\x1f\x8b"
PIECE = 1 << 16
WITH_GZIP_HEADER = 31  # zlib's window size for gzip; it checks length and checksum at the end of a member


class GzipStream:
    """The unpacked bytes of a gzip file, as far as they are asked for.

    Parameters
    ----------
    stream : binary file
        At the beginning of the first member.
    """

    def __init__(self, stream: BufferedIOBase):
        self._stream = stream
        self._member = zlib.decompressobj(WITH_GZIP_HEADER)
        self._packed = b""  # read and not unpacked yet

    def readinto(self, view: memoryview) -> int:
        """Fill a buffer in part; 0 at the end of the last member.

        Raises
        ------
        EOFError
            If the file ends inside a member.
        zlib.error
            If a member is damaged.
        """
        data = b""
        while len(view) and not data and (not self._member.eof or self._next_member()):
            data = self._unpack(len(view))
        view[: len(data)] = data
        return len(data)

    def end_member(self, most: int) -> int:
        """Unpack this member to its end, where its checksum is; how many bytes, at most one piece beyond `most`."""
        surplus = 0
        while not self._member.eof and surplus <= most:
            surplus += len(self._unpack(PIECE))
        return surplus

    def _unpack(self, most: int) -> bytes:
        """Unpack up to `most` more bytes of this member; none only at its end."""
        data = b""
        while not data and not self._member.eof:
            data = self._member.decompress(self._packed, most)
            self._packed = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if not (data or self._member.eof or self._packed):
                self._packed = self._stream.read(PIECE)
                if not self._packed:
                    raise EOFError("the file ends inside a gzip member")
        return data

    def _next_member(self) -> bool:
        """Go on to the next member; False if none follows."""
        packed = self._after_padding()
        if packed[:2] != GZIP_MAGIC:
            return False
        self._member, self._packed = zlib.decompressobj(WITH_GZIP_HEADER), packed
        return True

    def _after_padding(self) -> bytes:
        """Return what follows this member and zeros after it; at least two bytes of it, unless the file ends."""
        packed = self._packed.lstrip(b"\0")
        while len(packed) < 2:
            more = self._stream.read(PIECE)
            if not more:
                break
            packed = (packed + more).lstrip(b"\0") if not packed else packed + more
        self._packed = packed
        return packed
