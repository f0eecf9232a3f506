"""A simulated cohort on real template anatomy, with known disease.

Each subject is the ICBM152 T1 template, bent by a smooth random deformation,
aged, for some subjects diseased (`mriinterp.simulation.atrophy`), and then seen by a
simulated scanner: tissue contrast, bias field, Rician noise, arbitrary
scale. Everything about a subject follows from (seed, number of the subject),
so subjects can be made in any order, in any number of threads or processes.

Three variants share the same brains:

plain
    The atrophy is all that separates the groups.
confound
    Subjects with the disease also carry a bright spot beside the head, on
    the left (where `ClassificationModel3D` looks), like a capsule taped to
    the head at one of two sites. It tells the group by itself; a map that shows
    what such a network uses must show relevance outside the brain.
suppressor
    Every subject carries a smooth pattern of random strength, independent of
    the group: it lies over the medial temporal areas, where it masks or
    mimics the atrophy, and once more, alone, over the occipital pole. The
    occipital copy knows nothing about the group, yet a network profits from
    it, because it tells how much to subtract (Haufe et al. 2014,
    doi:10.1016/j.neuroimage.2013.10.067; Wilming et al. 2023,
    arXiv:2306.01464). Relevance there is no sign of disease there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd

from mriinterp.image.template import DEMO_GRID, brain_mask, template
from mriinterp.image.volume import Volume
from mriinterp.simulation.anatomy import (
    ageing,
    axes_mm,
    deformation,
    interpolated,
    sample_brain,
    smooth_noise,
    template_fluid,
)
from mriinterp.simulation.atrophy import (
    Fields,
    apply_atrophy,
    atrophy_amounts,
    atrophy_fields,
    changed,
    disease_field,
)

__all__ = [
    "DEMO",
    "DEMO_GRID",
    "VARIANTS",
    "SimulatedDisease",
    "SimulatedSubject",
    "SimulationSettings",
    "apply_atrophy",
    "brain_mask",
    "demo_subjects",
    "simulate_disease",
    "simulate_subject",
    "subjects_table",
    "template",
]

VARIANTS = ("plain", "confound", "suppressor")
FIRST_NUMBER = {"demo": 1, "validation": 1001, "test": 2001, "train": 4001}  # splits never share a subject

MARK_MM = (-76.0, -40.0, -40.0)  # the confound: beside the left temporal bone
SUPPRESSOR_MM = ((-26.0, -18.0, -18.0), (26.0, -18.0, -18.0), (-14.0, -92.0, 0.0), (14.0, -92.0, 0.0))
SUPPRESSOR_SIGMA_MM = 12.0


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
    demo: int = 20
    validation: int = 24
    test: int = 100
    train: int = 120
    variant: str = "plain"
    groups: tuple[str, str] = ("CN", "AD")
    effect: float = 0.7
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


@dataclass(frozen=True, eq=False)
class SimulatedSubject:
    """A simulated scan and what is known about it.

    Parameters
    ----------
    volume : Volume
        T1 scan, float32, skull-stripped: 0 outside the brain.
    truth : Volume
        bool; True where the disease changed the brain, before noise and bias
        field, by more than `mriinterp.simulation.atrophy.TRUTH_THRESHOLD` of its mean.
    row : dict
        id, group, sex, age, severity, split.
    healthy : Volume
        The same brain without the disease (noise-free, in the intensities of
        the template), and `diseased` with it.
    """

    volume: Volume
    truth: Volume
    row: dict
    healthy: Volume = field(repr=False)
    diseased: Volume = field(repr=False)

    @property
    def id(self) -> str:
        """The name of the subject; it tells nothing about the group."""
        return self.row["id"]


def _name(number: int) -> str:
    return f"sim-{number:03d}"


def _number(subject: str) -> int:
    prefix, _, digits = str(subject).partition("-")
    if prefix != "sim" or not digits.isdigit() or _name(int(digits)) != subject:
        raise KeyError(f"expected a simulated subject such as 'sim-001', got {subject!r}")
    return int(digits)


def _rng(settings: SimulationSettings, number: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([settings.seed, number, stream])


def _split(number: int) -> str:
    return max((first, name) for name, first in FIRST_NUMBER.items() if first <= number)[1]


def _row(settings: SimulationSettings, number: int) -> dict:
    """Return the facts about one subject; subjects 2k−1 and 2k are one of each group, in random order."""
    pair = (number + 1) // 2
    first_is_ill = bool(_rng(settings, pair, 0).integers(2))
    ill = first_is_ill == (number % 2 == 1)
    rng = _rng(settings, number, 1)
    sex = "FM"[rng.integers(2)]
    age = float(np.round(rng.uniform(60, 88) if ill else rng.uniform(58, 86), 1))
    severity = float(np.round(0.15 + 0.85 * rng.beta(1.6, 1.6), 3)) if ill else 0.0
    group = settings.groups[int(ill)]
    return {"id": _name(number), "group": group, "sex": sex, "age": age, "severity": severity, "split": _split(number)}


def subjects_table(settings: SimulationSettings = DEMO) -> pd.DataFrame:
    """Return the subjects of all splits, without making any scan.

    Returns
    -------
    DataFrame
        Columns id, group, sex (``"F"``, ``"M"``), age (years), severity (0 to
        1; 0 without the disease), split (``"demo"``, ``"validation"``,
        ``"test"``, ``"train"``).
    """
    rows = [
        _row(settings, FIRST_NUMBER[split] + k) for split in FIRST_NUMBER for k in range(2 * getattr(settings, split))
    ]
    return pd.DataFrame(rows, columns=["id", "group", "sex", "age", "severity", "split"])


def demo_subjects(settings: SimulationSettings = DEMO) -> pd.DataFrame:
    """Return the test cohort of the demo study: the rows of `subjects_table` in the split ``"demo"``."""
    table = subjects_table(settings)
    return table[table["split"] == "demo"].reset_index(drop=True)


FLUID, GREY, WHITE = 68.0, 166.0, 222.0  # levels of the template, by its tissue maps


def _scanner(rng: np.random.Generator, settings: SimulationSettings, brain: np.ndarray, pattern) -> np.ndarray:
    """Apply a scanner to a brain: contrast, bias field, pattern, noise, scale."""
    inside = brain > 0
    levels = [0, rng.normal(58, 7), rng.normal(160, 5), rng.normal(222, 4), 262]
    bias = np.exp(0.05 * smooth_noise(rng, DEMO_GRID, 55.0) + 0.025 * smooth_noise(rng, DEMO_GRID, 35.0))
    seen = np.interp(brain[inside], [0, FLUID, GREY, WHITE, 262], levels) * bias[inside]
    if pattern is not None:
        seen = seen * (1 + pattern[inside])
    sigma = WHITE * settings.noise * rng.uniform(0.7, 1.3)
    real = seen + sigma * rng.standard_normal(seen.size, dtype=np.float32)
    imaginary = sigma * rng.standard_normal(seen.size, dtype=np.float32)
    scan = np.zeros(brain.shape, np.float32)
    scan[inside] = np.hypot(real, imaginary) * rng.uniform(1.0, 4.0)
    return scan


@lru_cache(maxsize=2)
def _blobs(centres: tuple, sigma: float) -> np.ndarray:
    """Return the sum of Gaussians of height 1 on the demo grid, float32."""
    total = np.zeros(DEMO_GRID.shape, np.float32)
    for centre in centres:
        x, y, z = (np.exp(-0.5 * ((a - c) / sigma) ** 2) for a, c in zip(axes_mm(DEMO_GRID), centre, strict=True))
        total += x[:, None, None] * y[:, None] * z
    return total


def _add_mark(rng: np.random.Generator, scan: np.ndarray) -> None:
    """Add the confound: a ball of 4 mm radius beside the head, brighter than any tissue."""
    centre = np.array(MARK_MM) + rng.uniform(-3, 3, 3)
    at = np.round(DEMO_GRID.to_voxel(centre)).astype(int)
    offsets = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"))
    ball = (offsets**2).sum(0) * 1.5**2 <= 4.0**2
    level = 2.5 * np.percentile(scan[scan > 0], 90)
    box = scan[tuple(slice(a - 3, a + 4) for a in at)]
    box[ball] = level


@dataclass(frozen=True, eq=False)
class _Brain:
    """A subject's brain with and without the disease, before any scanner: voxels inside the brain only."""

    row: dict
    inside: np.ndarray
    points: np.ndarray
    healthy_fields: Fields
    fields: Fields
    before: np.ndarray
    after: np.ndarray

    def volume(self, values: np.ndarray) -> np.ndarray:
        """Return values of the voxels inside the brain as a volume, at least 1 there."""
        volume = np.zeros(DEMO_GRID.shape, np.float32)
        volume[self.inside] = np.maximum(values, 1.0)
        return volume


def _brain(settings: SimulationSettings, number: int) -> _Brain:
    """Make the brain of a subject."""
    row = _row(settings, number)
    from_template = deformation(_rng(settings, number, 2), DEMO_GRID)
    mask = brain_mask(DEMO_GRID).data.astype(np.float32)
    at = DEMO_GRID.to_voxel(from_template.reshape(3, -1).T).T
    inside = interpolated(mask, at).reshape(DEMO_GRID.shape) > 0.5
    points = from_template[:, inside]

    fluid_potential = template_fluid()
    rng = _rng(settings, number, 3)
    normal, everywhere = ageing(rng, row["age"], settings.ageing)
    healthy = fields = atrophy_fields(DEMO_GRID, fluid_potential, normal, everywhere)
    before = after = sample_brain(points, healthy, FLUID)
    if row["severity"] > 0:
        asymmetry = float(np.clip(rng.normal(0.08, 0.2), -0.5, 0.5))
        disease = atrophy_amounts(settings.effect * row["severity"], asymmetry=asymmetry, jitter=0.2, seed=rng)
        both = {where: normal[where] + disease[where] for where in normal}
        fields = atrophy_fields(DEMO_GRID, fluid_potential, both, everywhere)
        after = sample_brain(points, fields, FLUID)
    return _Brain(row, inside, points, healthy, fields, before, after)


def _scan(settings: SimulationSettings, row: dict, brain: np.ndarray) -> Volume:
    """Return the scan of a brain; the same subject always meets the same scanner, noise included."""
    number = _number(row["id"])
    pattern = None
    if settings.variant == "suppressor":
        strength = _rng(settings, number, 5).normal(0, 0.12)
        pattern = strength * _blobs(SUPPRESSOR_MM, SUPPRESSOR_SIGMA_MM)
    scan = _scanner(_rng(settings, number, 4), settings, brain, pattern)
    if settings.variant == "confound" and row["severity"] > 0:
        _add_mark(_rng(settings, number, 5), scan)
    return Volume(scan, DEMO_GRID.affine)


def simulate_subject(settings: SimulationSettings, subject: str) -> SimulatedSubject:
    """Make one subject of a study; the same settings and id give the same bytes.

    Parameters
    ----------
    settings : SimulationSettings
    subject : str
        An id as in `subjects_table`.

    Returns
    -------
    SimulatedSubject
        Volumes on `DEMO_GRID`.

    Raises
    ------
    KeyError
        If the id is not that of a simulated subject.
    """
    brain = _brain(settings, _number(subject))
    healthy, diseased = brain.volume(brain.before), brain.volume(brain.after)
    affine = DEMO_GRID.affine
    return SimulatedSubject(
        _scan(settings, brain.row, diseased),
        Volume(changed(healthy, diseased), affine),
        brain.row,
        Volume(healthy, affine),
        Volume(diseased, affine),
    )


@dataclass(frozen=True, eq=False)
class SimulatedDisease:
    """What the disease did to one simulated brain.

    Parameters
    ----------
    twin : Volume
        The scan without the disease: the same brain, scanner and noise. Voxels that the disease left alone equal the scan's.
    atrophy : Volume
        float32, 0 where nothing happened: |log of the local change of volume| plus the share of tissue that became fluid.
    """

    twin: Volume
    atrophy: Volume


def simulate_disease(settings: SimulationSettings, subject: str) -> SimulatedDisease:
    """Return the scan that a subject would have without the disease, and the field of the atrophy.

    Parameters
    ----------
    settings, subject
        As of `simulate_subject`.

    Returns
    -------
    SimulatedDisease
        Volumes on `DEMO_GRID`. The deformation that makes a person of the template cancels in the ratio of the two
        Jacobian determinants, so the field is that of the disease alone.
    """
    brain = _brain(settings, _number(subject))
    field = np.zeros(DEMO_GRID.shape, np.float32)
    if brain.row["severity"] > 0:
        strength = disease_field(brain.healthy_fields, brain.fields)
        field[brain.inside] = interpolated(strength, DEMO_GRID.to_voxel(brain.points.T).T)
    twin = _scan(settings, brain.row, brain.volume(brain.before))
    return SimulatedDisease(twin, Volume(field, DEMO_GRID.affine))
