"""A simulated cohort on real anatomy, with known disease.

Each subject is one of four real brains in template space, bent by a smooth
random deformation, with parts of its own sizes, aged, with lesions of the
white matter, for some subjects diseased (`mriinterp.simulation.atrophy`), and then
seen by the scanner of one of two sites: tissue contrast, bias field, Rician
noise, arbitrary scale. Everything about a subject follows from (seed, number
of the subject), so subjects can be made in any order, in any number of threads
or processes.

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

import numpy as np

from mriinterp.image.template import DEMO_GRID, brain_mask, template
from mriinterp.image.volume import Volume
from mriinterp.simulation.anatomy import GREY, WHITE, anatomy
from mriinterp.simulation.atrophy import (
    STILL_MM,
    apply_atrophy,
    atrophy_amounts,
    changed,
    disease_field,
    shift_of,
)
from mriinterp.simulation.displacement import Shift, interpolated
from mriinterp.simulation.healthy import deformation, own_sizes
from mriinterp.simulation.lesions import lesions
from mriinterp.simulation.people import (
    COLUMNS,
    DEMO,
    VARIANTS,
    SimulationSettings,
    anatomy_of,
    demo_subjects,
    number_of,
    row_of,
    stream,
    subjects_table,
)
from mriinterp.simulation.scanner import (
    MARK_MM,
    SITES,
    SUPPRESSOR_MM,
    SUPPRESSOR_SIGMA_MM,
    add_mark,
    scan_at,
    suppressor,
)

__all__ = [
    "COLUMNS",
    "DEMO",
    "DEMO_GRID",
    "MARK_MM",
    "SUPPRESSOR_MM",
    "SUPPRESSOR_SIGMA_MM",
    "VARIANTS",
    "Brain",
    "SimulatedDisease",
    "SimulatedSubject",
    "SimulationSettings",
    "apply_atrophy",
    "brain_mask",
    "demo_subjects",
    "make_brain",
    "simulate_disease",
    "simulate_subject",
    "subjects_table",
    "template",
]


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
        By `COLUMNS`.
    healthy : Volume
        The same brain without the disease (no scanner, in the intensities of
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


@dataclass(frozen=True, eq=False)
class Brain:
    """A subject's brain with and without the disease, before any scanner: voxels inside the brain only.

    Parameters
    ----------
    row : dict
        By `COLUMNS`.
    inside : array of bool, shape of `DEMO_GRID`
    points : array, shape (3, n)
        Where in the template (mm) each voxel inside comes from.
    healthy, diseased : Shift
        What moves there without and with the disease.
    before, after : array, shape (n,)
        Intensities without and with it.
    """

    row: dict
    inside: np.ndarray
    points: np.ndarray
    healthy: Shift
    diseased: Shift
    before: np.ndarray
    after: np.ndarray

    def volume(self, values: np.ndarray) -> np.ndarray:
        """Return values of the voxels inside the brain as a volume, at least 1 there."""
        volume = np.zeros(DEMO_GRID.shape, np.float32)
        volume[self.inside] = np.maximum(values, 1.0)
        return volume


def make_brain(settings: SimulationSettings, number: int) -> Brain:
    """Make the brain of a subject, by number."""
    row, person = row_of(settings, number), anatomy(anatomy_of(settings, number))
    from_template = deformation(stream(settings, number, 2), DEMO_GRID)
    at = DEMO_GRID.to_voxel(from_template.reshape(3, -1).T).T
    inside = interpolated(person.inside, at).reshape(DEMO_GRID.shape) > 0.5
    points = from_template[:, inside]
    spots = lesions(stream(settings, number, 7), row["age"], settings.ageing)
    spots = interpolated(spots, at[:, inside.ravel()])

    def seen(at: np.ndarray, chosen=slice(None)) -> np.ndarray:
        value = person.sample(at)
        return value - spots[chosen] * np.clip(value - GREY, 0, WHITE - GREY)

    rng = stream(settings, number, 3)
    sizes = own_sizes(rng, row["age"], settings.ageing)
    healthy = diseased = shift_of(person.tissues, sizes)
    from_healthy = points + healthy.at(points)  # composed, so that the anatomy is interpolated once
    before = after = seen(from_healthy)
    if row["severity"] > 0:
        asymmetry = float(np.clip(rng.normal(0.08, 0.2), -0.5, 0.5))
        disease = atrophy_amounts(settings.effect * row["severity"], asymmetry=asymmetry, jitter=0.25, seed=rng)
        diseased = shift_of(person.tissues, sizes + disease)
        from_diseased = points + diseased.at(points)
        moved = np.abs(from_diseased - from_healthy).max(axis=0) > STILL_MM
        after = before.copy()
        after[moved] = seen(from_diseased[:, moved], moved)
    return Brain(row, inside, points, healthy, diseased, before, after)


def _scan(settings: SimulationSettings, row: dict, brain: np.ndarray) -> Volume:
    """Return the scan of a brain; the same subject always meets the same scanner, noise included."""
    number, pattern = number_of(row["id"]), None
    if settings.variant == "suppressor":
        pattern = stream(settings, number, 5).normal(0, 0.12) * suppressor()
    scan = scan_at(SITES[row["site"]], stream(settings, number, 4), brain, settings.noise, pattern)
    if settings.variant == "confound" and row["severity"] > 0:
        add_mark(stream(settings, number, 5), scan)
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
    brain = make_brain(settings, number_of(subject))
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
        float32, 0 where nothing happened: |log of the local change of volume|.
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
    brain = make_brain(settings, number_of(subject))
    found = np.zeros(DEMO_GRID.shape, np.float32)
    if brain.row["severity"] > 0:
        strength = disease_field(brain.healthy, brain.diseased)
        found[brain.inside] = interpolated(strength.data, strength.grid.to_voxel(brain.points.T).T)
    twin = _scan(settings, brain.row, brain.volume(brain.before))
    return SimulatedDisease(twin, Volume(found, DEMO_GRID.affine))
