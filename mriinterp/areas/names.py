"""Names of brain areas, and the side in a name."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

__all__ = ["areas_frame", "side_of", "split_hemisphere"]

_SIDE = r"(?P<side>L|R|LH|RH|left|right)"
_HEMISPHERE_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"^(?P<base>.+?)[\s_.,\-]+\(?{_SIDE}\)?$",  # Hippocampus_L, hippocampus-lh, Hippocampus (left)
        rf"^{_SIDE}[\s_.\-]+(?P<base>.+)$",  # Left-Hippocampus, lh.hippocampus, L_V1
        r"^(?P<before>.+?[\s_.\-])(?P<side>LH|RH)[\s_.\-](?P<base>.+)$",  # ctx-lh-fusiform
        r"^(?P<before>.+?[_.])(?P<side>L|R|left|right)[_.](?P<base>.+)$",  # SFG_L_7_1
    )
)


def split_hemisphere(name: str) -> tuple[str, str]:
    """Name without its side, and the side: "L", "R" or "".

    Examples
    --------
    >>> split_hemisphere("Hippocampus_L")
    ('Hippocampus', 'L')
    >>> split_hemisphere("ctx-rh-fusiform")
    ('ctx-fusiform', 'R')
    >>> split_hemisphere("Vermis_3")
    ('Vermis_3', '')
    """
    for form in _HEMISPHERE_FORMS:
        found = form.match(name.strip())
        if found:
            parts = found.groupdict()
            return (parts.get("before") or "") + parts["base"], parts["side"][0].upper()
    return name, ""


def side_of(cell: str) -> str:
    """Return the side that a word alone means: "L", "R" or ""."""
    return cell.strip()[0].upper() if re.fullmatch(_SIDE, cell.strip(), re.IGNORECASE) else ""


def areas_frame(numbers, names) -> pd.DataFrame:
    """Return the table of an atlas: label, name, and the hemisphere in its name."""
    return pd.DataFrame(
        {
            "label": np.asarray(list(numbers), dtype=np.int64),
            "name": pd.array([str(n) for n in names], dtype=object),
            "hemisphere": pd.array([split_hemisphere(str(n))[1] for n in names], dtype=object),
        }
    )
