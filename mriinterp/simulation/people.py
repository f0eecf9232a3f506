"""The people of a simulated study: settings, splits, and one row of facts each; no image is made here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mriinterp.simulation.anatomy import ANATOMIES
from mriinterp.simulation.scanner import SITES

__all__ = [
    "COLUMNS",
    "DEMO",
    "VARIANTS",
    "SimulationSettings",
    "anatomy_of",
    "demo_subjects",
    "number_of",
    "row_of",
    "stream",
    "subjects_table",
]

VARIANTS = ("plain", "confound", "suppressor")
COLUMNS = ("id", "group", "sex", "age", "site", "severity", "split")
FIRST_NUMBER = {"demo": 1, "validation": 1001, "test": 2001, "train": 4001}  # splits never share a subject


@dataclass(frozen=True)
class SimulationSettings:
    """What is simulated.

    Parameters
    ----------
    seed : int
        The same seed gives the same subjects; other seeds give other ones.
    demo, validation, test, train : int
        Subjects per group in each split.
    variant : str
        ``"plain"``, ``"confound"`` or ``"suppressor"``; the brains are the
        same in all three.
    groups : pair of str
        Names of the groups without and with the disease.
    effect : float
        Scale of the disease: atrophy = effect · severity.
    ageing : float
        Scale of what age and normal variation do in both groups.
    noise : float
        Mean standard deviation of the noise, as a share of white matter.
    """

    seed: int = 2018
    demo: int = 30
    validation: int = 24
    test: int = 100
    train: int = 120
    variant: str = "plain"
    groups: tuple[str, str] = ("CN", "AD")
    effect: float = 0.8
    ageing: float = 1.0
    noise: float = 0.035

    def __post_init__(self):
        if self.variant not in VARIANTS:
            raise ValueError(f"expected a variant, got {self.variant!r}; available: {', '.join(VARIANTS)}")
        if self.seed < 0 or min(self.demo, self.validation, self.test, self.train) < 0:
            raise ValueError("expected a seed and numbers of subjects of 0 or more")
        if len(self.groups) != 2 or self.groups[0] == self.groups[1]:
            raise ValueError(f"expected two different group names, got {self.groups}")


DEMO = SimulationSettings()


def _name(number: int) -> str:
    return f"sim-{number:03d}"


def number_of(subject: str) -> int:
    """Return the number of a subject; KeyError if the name is not that of a simulated one."""
    prefix, _, digits = str(subject).partition("-")
    if prefix != "sim" or not digits.isdigit() or _name(int(digits)) != subject:
        raise KeyError(f"expected a simulated subject such as 'sim-001', got {subject!r}")
    return int(digits)


def stream(settings: SimulationSettings, number: int, purpose: int) -> np.random.Generator:
    """Return the random numbers of one subject for one purpose, whatever else was drawn before."""
    return np.random.default_rng([settings.seed, number, purpose])


def _split(number: int) -> str:
    return max((first, name) for name, first in FIRST_NUMBER.items() if first <= number)[1]


def row_of(settings: SimulationSettings, number: int) -> dict:
    """Return the facts about one subject; subjects 2k−1 and 2k are one of each group, in random order."""
    pair = (number + 1) // 2
    first_is_ill = bool(stream(settings, pair, 0).integers(2))
    ill = first_is_ill == (number % 2 == 1)
    rng = stream(settings, number, 1)
    sex = "FM"[rng.integers(2)]
    age = float(np.round(rng.uniform(60, 88) if ill else rng.uniform(58, 86), 1))
    severity = float(np.round(0.15 + 0.85 * rng.beta(1.6, 1.6), 3)) if ill else 0.0
    site = sorted(SITES)[rng.integers(len(SITES))]
    group = settings.groups[int(ill)]
    values = (_name(number), group, sex, age, site, severity, _split(number))
    return dict(zip(COLUMNS, values, strict=True))


def anatomy_of(settings: SimulationSettings, number: int) -> int:
    """Return which of `ANATOMIES` a subject has: drawn anew for each."""
    return int(stream(settings, number, 6).integers(len(ANATOMIES)))


def subjects_table(settings: SimulationSettings = DEMO) -> pd.DataFrame:
    """Return the subjects of all splits, without making any scan.

    Returns
    -------
    DataFrame
        Columns id, group, sex (``"F"``, ``"M"``), age (years), site (``"A"``, ``"B"``: the scanner), severity (0 to
        1; 0 without the disease), split (``"demo"``, ``"validation"``,
        ``"test"``, ``"train"``).
    """
    return _subjects_of(settings, FIRST_NUMBER)


def demo_subjects(settings: SimulationSettings = DEMO) -> pd.DataFrame:
    """Return the test cohort of the demo study: the rows of `subjects_table` in the split ``"demo"``."""
    return _subjects_of(settings, ["demo"])


def _subjects_of(settings: SimulationSettings, splits: Iterable[str]) -> pd.DataFrame:
    rows = [row_of(settings, FIRST_NUMBER[split] + k) for split in splits for k in range(2 * getattr(settings, split))]
    return pd.DataFrame(rows, columns=list(COLUMNS))
