"""Plan a benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mriinterp.base.progress import describe_seconds
from mriinterp.methods import get_method, listed_methods, method_names
from mriinterp.stats.correlation import LEAST
from mriinterp.study import Study
from mriinterp.trust.explainers import Explainer, null_explainers, parse_explainer
from mriinterp.trust.measure_registry import get_measure, measure_names, settings_of
from mriinterp.trust.occlusion_settings import QUICK_WINDOWS, has_settings
from mriinterp.trust.units import SETTINGS

__all__ = ["FULL", "QUICK", "BenchmarkPlan", "Scale", "chosen_explainers", "make_plan"]

SMALLEST_GROUP = 2


@dataclass(frozen=True)
class Scale:
    """How much of everything.

    Parameters
    ----------
    subjects, costly : int
        Subjects of the positive group for cheap and for costly measures.
    controls : int
        Subjects of the reference group, mapped for the group effect.
    reference_scans : int
        Scans in the control mean.
    others : int
        Other subjects that each costly one is compared with.
    networks : int, optional
        Networks retrained from other seeds, at most; default all.
    quick : bool
        Only the methods that are listed for a short benchmark.
    """

    subjects: int
    costly: int
    controls: int
    reference_scans: int
    others: int
    quick: bool = False
    networks: int | None = None

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """Settings by measure, and of the comparison of boxes."""
        found = settings_of("quick" if self.quick else "full")
        return {**found, SETTINGS: {"windows": QUICK_WINDOWS}} if self.quick else found


FULL = Scale(
    subjects=30,
    costly=6,
    controls=30,
    reference_scans=24,
    others=1,
)
QUICK = Scale(
    subjects=4,
    costly=2,
    controls=3,
    reference_scans=4,
    others=1,
    quick=True,
    networks=2,
)


@dataclass(frozen=True)
class BenchmarkPlan:
    """Who, by which methods, by which measures.

    Parameters
    ----------
    explainers : tuple of Explainer
        Methods first, then the four null maps.
    measures : tuple of str
    subjects : tuple of str
        Of the positive group; the first `costly` of them for costly measures.
    controls : tuple of str
        Of the reference group, for the group effect.
    others : int
    settings : dict of measure to settings
    skipped : dict of measure to reason
    replicates : int
        Retrained networks there are.
    maps : bool
        Keep what comparing maps takes even where no groups are compared.
    """

    explainers: tuple[Explainer, ...]
    measures: tuple[str, ...]
    subjects: tuple[str, ...]
    costly: tuple[str, ...]
    controls: tuple[str, ...]
    others: int = 1
    reference_scans: int = 12
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    replicates: int = 0
    maps: bool = False
    method_files: dict[str, str] = field(default_factory=dict)

    def measures_of(self, subject: str) -> list[str]:
        """Return the measures of one subject, in order; none but the maps for null maps."""
        if subject not in self.subjects:
            return []
        return [
            name
            for name in self.measures
            if not get_measure(name).of_groups and (get_measure(name).cost == "cheap" or subject in self.costly)
        ]

    @property
    def people(self) -> tuple[str, ...]:
        """Subjects, then controls."""
        return (*self.subjects, *self.controls)

    @property
    def cohort(self) -> bool:
        """Whether maps of both groups are compared."""
        return any(get_measure(name).of_groups for name in self.measures)

    @property
    def compared_boxes(self) -> str:
        """The method whose fills, sizes and strides are compared, too; "" if there is none."""
        return next((e.method for e in self.explainers if has_settings(e)), "")

    def lines(self, seconds: float | None = None) -> list[str]:
        """Describe the plan."""
        methods = [e.name for e in self.explainers if not e.is_null_map]
        nulls = [e.label.removeprefix("Null map: ") for e in self.explainers if e.is_null_map]
        found = [
            f"methods ({len(methods)}): {', '.join(methods)}",
            f"null maps ({len(nulls)}): {', '.join(nulls)}",
            f"cheap measures on {len(self.subjects)} subjects: "
            + ", ".join(n for n in self.measures if get_measure(n).cost == "cheap" and not get_measure(n).of_groups),
            f"costly measures on {len(self.costly)} subjects: "
            + ", ".join(n for n in self.measures if get_measure(n).cost == "costly"),
        ]
        if self.cohort:
            names = ", ".join(get_measure(n).label.lower() for n in self.measures if get_measure(n).of_groups)
            found.append(f"{names}: {len(self.subjects)} + {len(self.controls)} subjects")
        if self.compared_boxes:
            found.append(f"{self.compared_boxes}'s fills, sizes and strides compared on {len(self.costly)} subjects")
        found += [f"left out: {name}: {reason}" for name, reason in self.skipped.items()]
        found.append(f"hidden tissue is replaced by the mean of {self.reference_scans} scans of the reference group")
        if seconds is not None:
            found.append(f"about {describe_seconds(seconds)} on this machine (a rough estimate)")
        return found


def chosen_explainers(methods: Sequence[str] | None = None, *, quick: bool = False) -> list[Explainer]:
    """Return methods by name, with the benchmark's parameters where none are given.

    Parameters
    ----------
    methods : sequence of str, optional
        As `parse_explainer` takes them; default all registered ones and their
        variants, or those listed for a short benchmark if `quick`.
    """
    if not methods and not quick:
        variants = [Explainer(name, dict(params)) for name in method_names() for params in get_method(name).variants]
        return [*map(_as_measured, method_names()), *variants]
    return [_as_measured(name) for name in methods or listed_methods("quick")]


def _as_measured(name: str) -> Explainer:
    """Return an explainer with the benchmark's parameters where none are given."""
    chosen = parse_explainer(name)
    if chosen.params or chosen.is_null_map:
        return chosen
    return Explainer(chosen.method, dict(get_method(chosen.method).benchmark))


def make_plan(
    study: Study,
    *,
    methods: Sequence[str] | None = None,
    measures: Sequence[str] | None = None,
    quick: bool = False,
    subjects: int | None = None,
    costly: int | None = None,
    replicates: int = 0,
    method_files: Mapping[str, str] | None = None,
) -> BenchmarkPlan:
    """Plan the benchmark of a study.

    Parameters
    ----------
    methods : sequence of str, optional
        See `chosen_explainers`.
    measures : sequence of str, optional
        Default all.
    quick : bool
        Few subjects, coarse settings.
    subjects, costly : int, optional
        Subjects for cheap and for costly measures.
    replicates : int
        Retrained networks at hand; a quick benchmark takes the first two.
    method_files : mapping of str to str, optional
        Of methods from files of their own, the SHA-256 of the file (`mriinterp.trust.method_files.register_files`).

    Raises
    ------
    KeyError, ValueError
        Unknown names, or a study without a subject of its positive group.
    """
    scale = QUICK if quick else FULL
    replicates = min(replicates, scale.networks or replicates)
    explainers = chosen_explainers(methods, quick=quick)
    wanted = list(measures or measure_names())
    ill, well = (list(map(str, study.subjects.index[study.subjects["group"] == g])) for g in _two_groups(study))
    if not ill:
        raise ValueError(f"{study.name}: expected subjects of group {study.positive!r}, got none")
    ill = ill[: subjects or scale.subjects]
    skipped = {}
    for name in list(wanted):
        reason = _lacking(get_measure(name).needs, study, len(ill), len(well), replicates)
        if reason:
            skipped[name] = reason
            wanted.remove(name)
    return BenchmarkPlan(
        explainers=(*[e for e in explainers if not e.is_null_map], *null_explainers()),
        measures=tuple(wanted),
        subjects=tuple(ill),
        costly=tuple(ill[: costly or scale.costly]),
        controls=tuple(well[: min(scale.controls, max(len(ill), SMALLEST_GROUP))])
        if any(get_measure(n).of_groups for n in wanted)
        else (),
        others=scale.others,
        reference_scans=scale.reference_scans,
        settings=scale.settings,
        skipped=skipped,
        replicates=replicates,
        method_files=dict(method_files or {}),
    )


def _two_groups(study: Study) -> tuple[str, str]:
    return study.positive, study.reference_group


def _lacking(needs: frozenset[str], study: Study, ill: int, well: int, replicates: int) -> str:
    """Return why a measure cannot be taken; "" if it can."""
    if "models" in needs and replicates == 0:
        return "needs networks retrained from other seeds (--replicates DIR, or --train-replicates N)"
    if "cohort" in needs and min(ill, well) < SMALLEST_GROUP:
        return f"needs at least {SMALLEST_GROUP} subjects of both groups"
    if "subjects" in needs and ill < 2:
        return "needs a second subject"
    if "truth" in needs and not study.simulated and study.truth(study.subjects.index[0]) is None:
        return "it is not known where the disease is in these scans"
    if "severity" in needs and (ill < LEAST or "severity" not in study.subjects):
        return f"needs the severity of at least {LEAST} patients (a column of the table)"
    if {"atrophy", "twin", "areas"} & needs and not study.diseased_areas:
        return "it is not known what these scans would be without the disease"
    return ""
