"""A network of a study's own scans: folds, training, measures, baselines, a report."""

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
