"""What a cohort run shall compute: scans, methods, targets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mriinterp
from mriinterp.atlas import Atlas
from mriinterp.cohort.layout import Layout, group_labels, subject_labels
from mriinterp.methods import get_method
from mriinterp.models import Model
from mriinterp.study import AtlasRecipe, ModelRecipe, Study
from mriinterp.study.base import ScanSource

__all__ = [
    "COHORT_DEFAULTS",
    "Item",
    "MethodChoice",
    "Plan",
    "Task",
    "choose_methods",
    "compared_first",
    "make_plan",
    "select_subjects",
]

COHORT_DEFAULTS: dict[str, dict[str, Any]] = {"occlusion": {"size": 40, "stride": 40}}
"""As in the cohort of Rieke et al. 2018; a single scan has finer steps."""

TARGETS = ("predicted", "true")
TABLE_COLUMNS = ("id", "subject", "group", "sex", "age", "visit", "month", "split", "severity")


@dataclass(frozen=True)
class MethodChoice:
    """A method with all its parameters."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None

    @property
    def reading(self) -> str:
        """How its maps are read where no sign is wanted."""
        return get_method(self.name).reading

    @property
    def parts(self) -> tuple[str, ...]:
        """Of what there are group means: the signed map, and its reading."""
        return ("signed",) if self.reading == "signed" else ("signed", self.reading)


@dataclass(frozen=True)
class Item:
    """A scan to be explained.

    Parameters
    ----------
    id, label, group : str
    source : ScanSource
    target : str or None
        The class to explain; None for the predicted one.
    methods : tuple of str
        Those still to be computed.
    """

    id: str
    label: str
    group: str
    source: ScanSource
    target: str | None
    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """What is the same for all scans of a run; small, it is sent with every piece of work."""

    layout: Layout
    model: ModelRecipe
    model_digest: str
    atlas: AtlasRecipe
    atlas_digest: str
    methods: tuple[MethodChoice, ...]
    keep_maps: bool
    simulated: bool
    device: str = "auto"
    threads: int = 1
    check_space: bool = True
    reference: ScanSource | None = None
    version: str = mriinterp.__version__


@dataclass(frozen=True, eq=False)
class Plan:
    """A cohort run.

    Attributes
    ----------
    task : Task
    items : tuple of Item
        In the order in which maps are averaged.
    table : DataFrame
        The chosen rows of the study, in the same order.
    groups : tuple of str
        Reference group first.
    labels : dict of str to str
        Label of every group.
    about : dict
        Study, split, target, n, seed and more, for run.json.
    """

    task: Task
    items: tuple[Item, ...]
    table: pd.DataFrame
    groups: tuple[str, ...]
    labels: dict[str, str]
    about: dict[str, Any]

    @property
    def methods(self) -> tuple[MethodChoice, ...]:
        """The methods, in the order of tables."""
        return self.task.methods


def compared_first(groups: Sequence[str], pair: Sequence[str] | None = None) -> tuple[str, ...]:
    """Groups with the compared two in front, reference first.

    Parameters
    ----------
    groups : sequence of str
    pair : (str, str), optional
        The first is compared with the second.

    Raises
    ------
    KeyError, ValueError
        For a group that is not there, or one named twice.
    """
    if pair is None:
        return tuple(groups)
    positive, reference = pair
    for group in pair:
        if group not in groups:
            raise KeyError(f"expected a group to compare, got {group!r}; available: {', '.join(groups)}")
    if positive == reference:
        raise ValueError(f"expected two groups to compare, got {positive!r} twice")
    return (reference, positive, *(g for g in groups if g not in pair))


def choose_methods(
    methods: Sequence[str], params: Mapping[str, Mapping[str, Any]] | None = None, preset: str | None = None
) -> tuple[MethodChoice, ...]:
    """Methods with all their parameters checked.

    Parameters
    ----------
    methods : sequence of str
    params : mapping of method to parameters, optional
        What differs from the defaults, and from `COHORT_DEFAULTS`.
    preset : str, optional
        E.g. ``"rieke2018"``; `COHORT_DEFAULTS` still hold, as they did there.

    Raises
    ------
    KeyError, ValueError
        For unknown methods and for parameters that do not fit.
    """
    params = dict(params or {})
    names = list(dict.fromkeys(methods))
    if not names:
        raise ValueError("expected at least one method, got none")
    strangers = [name for name in params if name not in names]
    if strangers:
        raise ValueError(f"expected parameters of {', '.join(names)}, got some for {', '.join(strangers)}")
    chosen = []
    for name in names:
        entry = get_method(name)
        given = {**COHORT_DEFAULTS.get(name, {}), **params.get(name, {})}
        entry.resolve(given, preset)
        chosen.append(MethodChoice(name, given, preset))
    return tuple(chosen)


def select_subjects(study: Study, split: str | None = None, n: int | None = None, seed: int = 0) -> pd.DataFrame:
    """The rows of a study that a run is about, in the study's order.

    Parameters
    ----------
    split : str, optional
        Only this split.
    n : int, optional
        Only so many scans in all, drawn at random, as evenly from the groups
        as can be. A smaller n of the same seed draws among the same.

    Raises
    ------
    ValueError
        For an unknown split, or if nothing is left.
    """
    rows = study.subjects
    if split is not None and split != "all":
        known = sorted(set(rows["split"]) - {""})
        if split not in known:
            raise ValueError(f"expected a split, got {split!r}; available: {', '.join(known) or 'none'}, all")
        rows = rows[rows["split"] == split]
    rows = rows[rows["group"].isin(study.groups)]
    if n is not None:
        if n < 1:
            raise ValueError(f"expected a number of scans of 1 or more, got {n}")
        rng = np.random.default_rng(seed)
        queues = [rng.permutation(sorted(rows.index[rows["group"] == g])).tolist() for g in study.groups]
        drawn = [
            queue[turn] for turn in range(max(map(len, queues), default=0)) for queue in queues if turn < len(queue)
        ]
        rows = rows[rows.index.isin(drawn[:n])]
    if rows.empty:
        raise ValueError(f"expected scans in study {study.name!r}, got none")
    return rows


def make_plan(
    study: Study,
    methods: Sequence[MethodChoice],
    model: Model,
    atlas: Atlas,
    out: Path,
    *,
    split: str | None = None,
    target: str = "predicted",
    n: int | None = None,
    seed: int = 0,
    maps: bool = True,
    device: str = "auto",
    threads: int = 1,
    check_space: bool | None = None,
    pair: Sequence[str] | None = None,
) -> Plan:
    """A run over the scans of a study; see `mriinterp.cohort.run_cohort`.

    Raises
    ------
    ValueError
        If nothing is selected, or the target is no class of the network.
    """
    rows = select_subjects(study, split, n, seed)
    groups = compared_first(study.groups, pair)
    targets = _targets(study, model, target, rows)
    labels = subject_labels(study.subjects.index)
    choices = tuple(methods)
    needs_reference = any("reference" in choice.params.values() for choice in choices)
    reference = study.background_source() if needs_reference else None
    if needs_reference and reference is None:
        raise ValueError(
            f"expected training scans in study {study.name!r}, whose mean the fill 'reference' puts in, got none; "
            "choose another fill"
        )
    task = Task(
        layout=Layout(out.absolute(), model.card.space),
        model=study.model_recipe,
        model_digest=model.digest,
        atlas=study.atlas_recipe,
        atlas_digest=atlas.digest,
        methods=choices,
        keep_maps=maps,
        simulated=study.simulated,
        device=device,
        threads=threads,
        check_space=study.check_space if check_space is None else check_space,
        reference=reference,
    )
    items = tuple(
        Item(str(i), labels[str(i)], str(group), study.source(i), targets[str(group)])
        for i, group in rows["group"].items()
    )
    table = rows[[c for c in TABLE_COLUMNS if c in rows.columns]].copy()
    about = {
        "study": study.name,
        "title": study.title,
        "simulated": study.simulated,
        "groups": list(groups),
        "positive": study.positive if pair is None else pair[0],
        "classes": study.classes,
        "target": target,
        "split": split or "all",
        "n": n,
        "seed": seed,
    }
    return Plan(task, items, table, groups, group_labels(study.groups), about)


def _targets(study: Study, model: Model, target: str, rows: pd.DataFrame) -> dict[str, str | None]:
    """The class to explain in each group."""
    groups = [g for g in study.groups if (rows["group"] == g).any()]
    if target == "predicted":
        return dict.fromkeys(groups)
    known = [name for head in model.heads for name in head.classes]
    if target != "true":
        if target not in known:
            raise ValueError(f"expected a target, got {target!r}; available: {', '.join([*TARGETS, *known])}")
        return dict.fromkeys(groups, target)
    found = {g: study.class_of(g) for g in groups}
    lacking = [g for g, name in found.items() if name not in model.classes]
    if lacking or model.heads[0].kind == "scale":
        raise ValueError(
            f"expected a class of the network for every group, got none for {', '.join(lacking or groups)}; "
            f"the network has {', '.join(model.classes)}; name them under [groups.classes], or take another target"
        )
    return found


def plan_digest(plan: Plan) -> str:
    """SHA-256 over what shapes maps, but the methods: earlier methods stay in the tables while this is the same."""
    digest = hashlib.sha256()
    about = {**plan.about, "groups": sorted(plan.about["groups"])}  # which two are compared shapes no map
    del about["positive"]
    for part in (
        plan.task.model_digest,
        plan.task.atlas_digest,
        plan.task.keep_maps,
        sorted(about.items(), key=str),
    ):
        digest.update(repr(part).encode())
    return digest.hexdigest()
