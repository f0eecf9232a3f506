"""Numbers that a network reads beside images: age, head size. For a scan they are constants."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["NumberInput", "count_inputs", "read_numbers"]


@dataclass(frozen=True)
class NumberInput:
    """A number that a network reads.

    Parameters
    ----------
    name : str
        As scans and study files have it.
    mean, std : float
        Over the training scans; the network reads (value − mean) / std.
    default : float or None
        Of a scan that does not say; None: such a scan is refused.
    """

    name: str
    mean: float = 0.0
    std: float = 1.0
    default: float | None = None

    def __post_init__(self):
        values = (self.mean, self.std, *([] if self.default is None else [self.default]))
        if not all(isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in values):
            raise ValueError(f"{self.name}: expected mean, std and default as numbers, got {values}")
        if self.std <= 0:
            raise ValueError(f"{self.name}: expected a std above 0, got {self.std}")

    def scaled(self, value: float | None) -> float:
        """Return a scan's value as the network reads it; the mean where there is none and no default."""
        value = self.default if value is None else value
        return 0.0 if value is None else (value - self.mean) / self.std

    def entries(self) -> dict[str, float]:
        """Return it as a model card has it."""
        return {"mean": self.mean, "std": self.std} | ({} if self.default is None else {"default": self.default})


def count_inputs(numbers: int, numbers_as: str) -> int:
    """Return how many tensors a network reads: the image, and so many numbers as one vector or by keywords."""
    return 1 + (numbers if numbers_as == "keywords" else min(1, numbers))


def read_numbers(entries: object) -> tuple[NumberInput, ...]:
    """Return the numbers of a model card: a list of names, or ``{"age": {"mean": 70, "std": 8}}``."""
    if isinstance(entries, (list, tuple)):
        if len(set(map(str, entries))) != len(entries):
            raise ValueError(f"expected different names, got {reprlib.repr(entries)}")
        entries = {name: {} for name in entries} if all(isinstance(name, str) for name in entries) else None
    if not isinstance(entries, Mapping) or not all(isinstance(about, Mapping) for about in entries.values()):
        raise ValueError(
            f'expected a list of names, or {{"age": {{"mean": 70, "std": 8}}}}, got {reprlib.repr(entries)}'
        )
    found = []
    for name, about in entries.items():
        if unknown := about.keys() - {"mean", "std", "default"}:
            raise ValueError(f"{name}: expected mean, std and default, got {', '.join(sorted(map(str, unknown)))}")
        found.append(NumberInput(str(name), **about))
    return tuple(found)
