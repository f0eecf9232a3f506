"""What a training will do: checked and counted before it begins."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from mriinterp.crossval.folds import Round, assign_rounds
from mriinterp.crossval.new_network import check_trainable, crop_of, new_network
from mriinterp.crossval.presets import Preset, get_preset
from mriinterp.models import Model, choose_device
from mriinterp.study import Study, TableStudy

__all__ = ["TrainOptions", "TrainPlan", "plan_training", "rounds_of"]

BALANCES: dict[str, dict[str, Any]] = {
    "weights": {"balanced": True, "sampling": "shuffled"},
    "sampling": {"balanced": True, "sampling": "balanced"},
    "none": {"balanced": False, "sampling": "shuffled"},
}
LIMIT = 3.0  # seconds that a step is measured for


@dataclass(frozen=True)
class TrainOptions:
    """What decides the networks of a training, beside the study.

    Parameters
    ----------
    folds : int
    preset : Preset
    architecture : str or None
        Default: that of the study's network.
    seed : int
        Of the folds; weights have seeds of their own, from that of the preset.
    stratify : tuple of str
        Columns spread evenly over folds besides the diagnosis.
    """

    folds: int
    preset: Preset
    architecture: str | None = None
    seed: int = 0
    stratify: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class TrainPlan:
    """What will be done: checked, not begun.

    Attributes
    ----------
    study : TableStudy
    options : TrainOptions
    model : Model
        The study's network: grid, mask, architecture, normalisation.
    frame : DataFrame
        Scans of the two groups, indexed by id.
    rounds : list of Round
    device : torch.device
    """

    study: TableStudy
    options: TrainOptions
    model: Model
    frame: pd.DataFrame
    rounds: list[Round]
    device: torch.device

    @property
    def voxelwise(self) -> bool:
        """Whether a normalisation is fitted in each fold."""
        kind = (self.model.card.normalisation or {}).get("kind")
        return self.options.preset.voxelwise or self.study.settings.normalisation == "voxelwise" or kind == "voxelwise"

    @property
    def held_out(self) -> list[str]:
        """Scans of the test set: no network and no choice has seen them."""
        return sorted(self.frame["id"][self.frame["split"] == "test"])

    @property
    def kept_bytes(self) -> int:
        """Size of the file of scans."""
        return len(self.frame) * int(np.prod(self.model.grid.shape)) * 2

    def lines(self) -> list[str]:
        """Return what will be done, in words: a line for all, a line a round, a line for the test set."""
        frame, preset = self.frame, self.options.preset

        def words(ids: Sequence[str]) -> str:
            part = frame.loc[list(ids)]
            counts = part["group"].value_counts()
            groups = ", ".join(f"{counts.get(g, 0)} {g}" for g in (self.study.reference_group, self.study.positive))
            return f"{len(part)} scans ({groups}) of {part['subject'].nunique()} patients"

        said = [f"{words(frame['id'])}; preset {preset.name}: {preset.label}"]
        said += [
            f"fold {one.number}: train {words(one.train)}, validation {words(one.validation)}, test {words(one.test)}"
            for one in self.rounds
        ]
        return [*said, f"held out: {words(self.held_out)}"]

    def seconds(self) -> float:
        """Measure one step of training and return what all rounds take at most."""
        preset = self.options.preset
        module = new_network(self.model, self.options.architecture, preset.dropout, 0).to(self.device)
        x = torch.rand((preset.fitting.batch, 1, *crop_of(module, self.model.grid.shape)), device=self.device)
        times: list[float] = []
        begun = time.perf_counter()
        while len(times) < 2 or time.perf_counter() - begun < LIMIT / 3:
            start = time.perf_counter()
            module(x).float().square().mean().backward()
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            times.append(time.perf_counter() - start)
            if time.perf_counter() - begun > LIMIT:
                break
        scans = sum(len(one.train) + len(one.validation) / 3 for one in self.rounds)  # forward alone: a third
        return min(times) / preset.fitting.batch * scans * preset.fitting.epochs


def plan_training(
    study: Study,
    *,
    folds: int = 5,
    preset: str = "recommended",
    architecture: str | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    balance: str | None = None,
    seed: int = 0,
    stratify: Sequence[str] = (),
    device: str | None = None,
) -> TrainPlan:
    """Check whether a study can be trained on, and assign its patients to folds.

    Parameters
    ----------
    study : TableStudy
        A study from a file. Its network gives grid, brain mask, normalisation
        and, unless named, the architecture; its weights are not used.
    folds : int
    preset : str
        A name of `mriinterp.crossval.presets.PRESETS`.
    architecture : str, optional
    epochs, batch : int, optional
        Default: those of the preset.
    balance : {"weights", "sampling", "none"}, optional
        How classes of different size come to count the same. Default: that of the preset.
    seed : int
    stratify : sequence of str
        Columns to spread evenly over folds besides the diagnosis: sex, age.
    device : str, optional
        As of `mriinterp.models.choose_device`.

    Raises
    ------
    KeyError, ValueError
        For an unknown preset, a study without two groups, too few patients,
        or a network that cannot be trained here; in words.
    """
    if not isinstance(study, TableStudy):
        raise ValueError(
            f"expected a study from a file (.toml), got {study.name!r}; write one: mriinterp study init --table … --images …"
        )
    if not study.positive:
        raise ValueError(f"{study.name}: expected two groups to tell apart, got only {study.reference_group!r}")
    chosen = get_preset(preset)
    fitting = chosen.fitting
    fitting = replace(
        fitting,
        epochs=fitting.epochs if epochs is None else epochs,
        batch=fitting.batch if batch is None else batch,
    )
    if balance is not None:
        if balance not in BALANCES:
            raise ValueError(f"expected balance of {', '.join(BALANCES)}, got {balance!r}")
        fitting = replace(fitting, **BALANCES[balance])
    chosen = replace(chosen, fitting=fitting)
    model = study.settings.model.load("cpu")
    check_trainable(model)
    pair = (study.reference_group, study.positive)
    frame = study.subjects[study.subjects["group"].isin(pair)]
    options = TrainOptions(folds, chosen, architecture, seed, tuple(stratify))
    rounds = rounds_of(frame, study, options)
    new_network(model, architecture, chosen.dropout, 0)  # it can be made
    return TrainPlan(study, options, model, frame, rounds, choose_device(device))


def rounds_of(frame: pd.DataFrame, study: TableStudy, options: TrainOptions) -> list[Round]:
    """Return the rounds that options make of scans; errors as of `assign_rounds`."""
    return assign_rounds(
        frame.reset_index(drop=True), options.folds, positive=study.positive, seed=options.seed,
        stratify=options.stratify,
    )  # fmt: skip
