"""Volumes as few bytes for the browser, without loss a reader could notice.

A scan goes as 8 bit grey, relevance as 16 bit integers with an exact zero,
areas as running numbers. Bytes are split into planes (all low bytes, then all
high bytes), which compresses better, and gzipped; i runs fastest, as in NIfTI.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mriinterp.image.volume import Volume

__all__ = ["NOT_A_NUMBER", "Packed", "pack_labels", "pack_mask", "pack_relevance", "pack_scan"]

NOT_A_NUMBER = 65535  # the one code of 16 that stands for no value
_DIGEST_LENGTH = 32


@dataclass(frozen=True, eq=False)
class Packed:
    """A volume ready for the wire.

    Parameters
    ----------
    digest : str
        32 hexadecimal digits over everything the browser would decode.
    message : bytes
        The digest in ASCII, then the gzipped codes.
    meta : dict
        What turns codes into values again; JSON-ready.
    """

    digest: str
    message: bytes
    meta: dict


def _packed(codes: np.ndarray, meta: dict) -> Packed:
    flat = np.ascontiguousarray(codes.ravel(order="F"))
    planes = flat.astype(flat.dtype.newbyteorder("<"), copy=False).view(np.uint8).reshape(flat.size, -1).T
    raw = np.ascontiguousarray(planes).tobytes()
    digest = hashlib.sha256(f"{codes.shape}{codes.dtype.str}{sorted(meta.items())}".encode() + raw)
    name = digest.hexdigest()[:_DIGEST_LENGTH]
    meta = {"volume": name, "bits": 8 * flat.dtype.itemsize, **meta}
    return Packed(name, name.encode() + gzip.compress(raw, compresslevel=1, mtime=0), meta)


def pack_scan(scan: Volume) -> Packed:
    """Return a scan as 8 bit grey.

    Codes 0..255 span from the smallest value to a quarter of the display
    window above the window's top, so that the window can still be widened.

    Parameters
    ----------
    scan : Volume, shape (i, j, k)
        RAS+ order. Values that are not finite count as 0.

    Returns
    -------
    Packed
        meta: ``low``, ``high`` (values of codes 0 and 255) and ``window``
        (the 1st and 99th percentile of the voxels that are not 0).
    """
    data = np.nan_to_num(scan.data.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    inside = data[data != 0]
    black, white = (float(v) for v in np.percentile(inside, (1, 99))) if inside.size else (0.0, 1.0)
    if white <= black:
        black, white = min(black, 0.0), max(white, black + 1e-6)
    low = min(float(data.min()), black)
    high = max(white, min(float(data.max()), white + 0.25 * (white - black)))
    codes = np.clip(np.rint((data - low) * (255 / (high - low))), 0, 255).astype(np.uint8)
    return _packed(codes, {"low": low, "high": high, "window": [black, white]})


def pack_relevance(relevance: Volume) -> Packed:
    """Return a relevance map as 16 bit codes: value = (code - zero) · scale.

    Zero is a code of its own, so what is 0 reads 0; every other value reads
    right to half a step, which is less than 1/131000 of the map's range.
    ``NOT_A_NUMBER`` stands for values that are not finite.

    Parameters
    ----------
    relevance : Volume, shape (i, j, k)
        RAS+ order.

    Returns
    -------
    Packed
        meta: ``scale``, ``zero``.
    """
    data = relevance.data.astype(np.float64)
    missing = ~np.isfinite(data)
    np.copyto(data, 0.0, where=missing)
    low, high = min(0.0, float(data.min())), max(0.0, float(data.max()))
    scale = (high - low) / (NOT_A_NUMBER - 2) or 1.0
    zero = int(np.rint(-low / scale))
    data /= scale  # in place from here: each of these arrays is 14 MB
    np.rint(data, out=data)
    data += zero
    codes = np.clip(data, 0, NOT_A_NUMBER - 1, out=data).astype(np.uint16)
    np.copyto(codes, NOT_A_NUMBER, where=missing)
    return _packed(codes, {"scale": scale, "zero": zero})


def pack_labels(labels: Volume, areas: pd.DataFrame) -> Packed:
    """Pack areas as running numbers 1, 2, …; 0 is no area.

    Parameters
    ----------
    labels : Volume of int, shape (i, j, k)
        RAS+ order; 0 is no area.
    areas : DataFrame
        Columns ``label``, ``name``, ``hemisphere``. A label that it does not
        know is named by its number.

    Returns
    -------
    Packed
        meta: ``names``, the name of each running number from 1 on.

    Raises
    ------
    ValueError
        If there are more than 65534 areas.
    """
    present = np.unique(labels.data)
    present = present[present != 0]
    if present.size > NOT_A_NUMBER - 1:
        raise ValueError(f"expected at most {NOT_A_NUMBER - 1} areas, got {present.size}")
    known = dict(zip(areas["label"].astype(int), _display_names(areas), strict=True))
    codes = np.searchsorted(present, labels.data) + 1
    codes = np.where(labels.data == 0, 0, codes).astype(np.uint8 if present.size < 256 else np.uint16)
    return _packed(codes, {"names": [known.get(int(v), f"label {int(v)}") for v in present]})


def pack_mask(mask: Volume) -> Packed:
    """Return a mask as 1 inside and 0 outside.

    Parameters
    ----------
    mask : Volume, shape (i, j, k)
        RAS+ order. What is not 0 lies inside; values that are not finite
        lie outside.

    Returns
    -------
    Packed
        meta: nothing beyond the name of the volume and its bits.
    """
    return _packed((np.isfinite(mask.data) & (mask.data != 0)).astype(np.uint8), {})


def _display_names(areas: pd.DataFrame) -> list[str]:
    """Return the names of areas with their side in words, unless the name says it already."""
    names = []
    for name, side in zip(areas["name"].astype(str), areas["hemisphere"].astype(str), strict=True):
        word = {"L": "left", "R": "right"}.get(side, "")
        sided = name.endswith(("_L", "_R", " L", " R")) or word in name.lower().split()
        names.append(f"{name} ({word})" if word and not sided else name)
    return names
