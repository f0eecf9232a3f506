"""A network of a study's own scans: folds, training, measures, baselines, a report."""

from typing import TYPE_CHECKING

from mriinterp.base.first_use import import_on_first_use

if TYPE_CHECKING:
    from mriinterp.crossval.folds import Round, assign_rounds, folds_table
    from mriinterp.crossval.presets import PRESETS, Preset
    from mriinterp.crossval.train_plan import TrainPlan, plan_training
    from mriinterp.crossval.training_run import TrainResult, run_plan, train_study

__all__ = [
    "PRESETS",
    "Preset",
    "Round",
    "TrainPlan",
    "TrainResult",
    "assign_rounds",
    "folds_table",
    "plan_training",
    "run_plan",
    "train_study",
]

import_on_first_use(
    __name__,
    {
        "folds": ("Round", "assign_rounds", "folds_table"),
        "presets": ("PRESETS", "Preset"),
        "train_plan": ("TrainPlan", "plan_training"),
        "training_run": ("TrainResult", "run_plan", "train_study"),
    },
)
