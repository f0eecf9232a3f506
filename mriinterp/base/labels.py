"""Names of scans as labels of BIDS: letters and digits, different where names are."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

from mriinterp.base.names import composed, shortened

__all__ = ["image_labels", "plain_label", "subject_labels", "unique_labels"]

_BIDS_ID = re.compile(r"^sub-[A-Za-z0-9]+(?:_ses-[A-Za-z0-9]+)?$")


def plain_label(text: str) -> str:
    """Return the letters and digits of a text."""
    return re.sub(r"[^A-Za-z0-9]+", "", composed(text))


def unique_labels(wanted: dict[str, str]) -> dict[str, str]:
    """Return labels that differ, also where case is ignored: equal ones end in a digest of the name."""
    count = Counter(label.lower() for label in wanted.values())
    return {
        name: f"{label}x{hashlib.sha256(composed(name).encode()).hexdigest()[:8]}"
        if count[label.lower()] > 1
        else label
        for name, label in wanted.items()
    }


def image_labels(names: Iterable[str]) -> dict[str, str]:
    """Return the label, in names of files, of every image of a scan of several."""
    return unique_labels({name: shortened(plain_label(name)) or "x" for name in names})


def subject_labels(ids: Iterable[str]) -> dict[str, str]:
    """Return the BIDS label of every scan: ``sub-01_ses-m12`` as it is, ``002_S_0295`` as ``sub-002S0295``."""
    wanted = {i: i if _BIDS_ID.match(i) else f"sub-{plain_label(i) or 'x'}" for i in map(str, ids)}
    return unique_labels({i: "_".join(map(shortened, label.split("_"))) for i, label in wanted.items()})
