"""How a scan was brought into template space: known of a scan, expected by a network, compared."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["KINDS", "Preparation", "read_preparation"]

KINDS = {
    "linear": "registered to the template without a warp (linear)",
    "nonlinear": "warped onto the template (nonlinear)",
}
DIGITS = 32  # of a pipeline's digest, as image headers hold it
SHOWN = 12
MARK = re.compile(r"mriinterp prepared (linear|nonlinear) ([0-9a-f]{32})")


@dataclass(frozen=True)
class Preparation:
    """How scans were brought into template space.

    Parameters
    ----------
    kind : {"linear", "nonlinear"}
    pipeline : str
        Digest of the pipeline (`mriinterp.prepare`), or its first 32 or more
        digits; "" for another program's.

    Raises
    ------
    ValueError
        For another kind, or a pipeline that is no digest.
    """

    kind: str
    pipeline: str = ""

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"expected a preparation, got {reprlib.repr(self.kind)}; available: {', '.join(KINDS)}")
        if self.pipeline and not re.fullmatch(rf"[0-9a-f]{{{DIGITS},64}}", self.pipeline):
            raise ValueError(
                f"expected a pipeline's digest of {DIGITS} to 64 hexadecimal digits, got {reprlib.repr(self.pipeline)}"
            )

    @property
    def mark(self) -> str:
        """For the description in a NIfTI header; "" without a pipeline."""
        return f"mriinterp prepared {self.kind} {self.pipeline[:DIGITS]}" if self.pipeline else ""

    @classmethod
    def from_mark(cls, text: str) -> Preparation | None:
        """Return the preparation that a header's description states; None for any other text."""
        found = MARK.fullmatch(text)
        return None if found is None else cls(found[1], found[2])

    def mismatch(self, scan: Preparation | None) -> str:
        """Describe in what a scan was prepared otherwise than the scans that a network was trained on, which are these.

        Parameters
        ----------
        scan : Preparation or None
            None if unknown.

        Returns
        -------
        str
            A sentence without its full stop; "" where nothing is known to differ.
        """
        trained = f"the network was trained on scans that were {KINDS[self.kind]}"
        if scan is None:
            if not self.pipeline:
                return ""
            return f"{trained} by the pipeline {self.pipeline[:SHOWN]}; how this one was prepared is not known"
        if scan.kind != self.kind:
            return f"{trained}, this one was {KINDS[scan.kind]}: what the network says of it may be wrong"
        if self.pipeline and scan.pipeline[:DIGITS] != self.pipeline[:DIGITS]:
            other = f"by the pipeline {scan.pipeline[:SHOWN]}" if scan.pipeline else "by another program"
            return f"{trained} by the pipeline {self.pipeline[:SHOWN]}, this one {other}; prepare it as they were"
        return ""

    @property
    def entry(self) -> str | dict[str, str]:
        """As a model card writes it."""
        return {"kind": self.kind, "pipeline": self.pipeline} if self.pipeline else self.kind


def read_preparation(entry: Any) -> Preparation:
    """Read the entry ``preparation`` of a model card: ``"linear"``, ``"nonlinear"``, or ``{"kind": …, "pipeline": …}``.

    Raises
    ------
    ValueError
    """
    if isinstance(entry, str):
        return Preparation(entry)
    if not isinstance(entry, Mapping) or not {"kind"} <= entry.keys() <= {"kind", "pipeline"}:
        raise ValueError(f'expected "linear", "nonlinear" or {{"kind": …, "pipeline": …}}, got {reprlib.repr(entry)}')
    if not all(isinstance(value, str) for value in entry.values()):
        raise ValueError(f"expected texts for kind and pipeline, got {reprlib.repr(dict(entry))}")
    return Preparation(**entry)
