"""A cohort run before it starts: every scan with its target, and what is the same for all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import mriinterp
from mriinterp.areas.atlas import Atlas
from mriinterp.cohort.choose import TRAIN, MethodChoice, chosen_split, compared_first, select_subjects
from mriinterp.cohort.layout import Layout, group_labels, subject_labels
from mriinterp.cohort.options import CohortOptions
from mriinterp.cohort.targets import choose_targets, resolved_target, with_score
from mriinterp.models import Model
from mriinterp.study import AtlasRecipe, ModelRecipe, Study
from mriinterp.study.base import ScanSource

__all__ = ["CohortPlan", "Item", "Task", "make_plan", "plan_digest"]

TABLE_COLUMNS = ("id", "subject", "group", "sex", "age", "visit", "month", "split", "severity")


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
    """What is the same for all scans of a run; small, it is sent with every piece of work.

    `withheld`: what the network says of scans is written nowhere, as these are
    real and it was trained on simulated brains only.
    """

    layout: Layout
    model: ModelRecipe
    model_digest: str
    atlas: AtlasRecipe
    atlas_digest: str
    methods: tuple[MethodChoice, ...]
    keep_maps: bool
    simulated: bool
    withheld: bool
    device: str = "auto"
    threads: int = 1
    check_space: bool = True
    reference: ScanSource | None = None
    version: str = mriinterp.__version__


@dataclass(frozen=True, eq=False)
class CohortPlan:
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


def make_plan(
    study: Study, methods: Sequence[MethodChoice], options: CohortOptions, model: Model, atlas: Atlas, out: Path
) -> CohortPlan:
    """Return the run of methods over the scans of a study.

    Raises
    ------
    ValueError
        If nothing is selected, or the target is no class of the network.
    """
    rows = select_subjects(study, options.split, options.n, options.seed)
    groups = compared_first(study.groups, options.pair)
    withheld = model.card.simulated and not study.simulated
    target = resolved_target(study, model, options.target, options.preset, withheld)
    targets = choose_targets(study, model, target, rows)
    labels = subject_labels(study.subjects.index)
    choices = with_score(methods, model, target)
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
        keep_maps=options.maps,
        simulated=study.simulated,
        withheld=withheld,
        device=options.device,
        threads=options.threads,
        check_space=study.check_space if options.check_space is None else options.check_space,
        reference=reference,
    )
    items = tuple(
        Item(str(i), labels[str(i)], str(group), study.source(i), targets[str(group)])
        for i, group in rows["group"].items()
    )
    table = rows[[c for c in TABLE_COLUMNS if c in rows.columns]].assign(training=rows["split"] == TRAIN)
    about = {
        "study": study.name,
        "title": study.title,
        "authors": list(study.authors),
        "simulated": study.simulated,
        "groups": list(groups),
        "positive": study.positive if options.pair is None else options.pair[0],
        "classes": study.classes,
        "target": target,
        "targets": targets,
        "withheld": withheld,
        "split": chosen_split(study, options.split),
        "n": options.n,
        "seed": options.seed,
    }
    return CohortPlan(task, items, table, groups, group_labels(study.groups), about)


def plan_digest(plan: CohortPlan) -> str:
    """Return the SHA-256 over what shapes maps, methods apart; while it stays, earlier methods stay in the tables."""
    digest = hashlib.sha256()
    about = {**plan.about, "groups": sorted(plan.about["groups"])}  # which two are compared shapes no map
    del about["positive"], about["authors"]
    for part in (
        plan.task.model_digest,
        plan.task.atlas_digest,
        plan.task.keep_maps,
        sorted(about.items(), key=str),
    ):
        digest.update(repr(part).encode())
    return digest.hexdigest()
