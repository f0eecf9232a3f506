"""What should be known before a training begins: faults of the study, sizes of all sets, risks, time, space."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mriinterp.base.errors import words_of
from mriinterp.base.numerals import bytes_words
from mriinterp.base.progress import Cancel, Progress
from mriinterp.base.scratch import scratch_folder
from mriinterp.crossval.folds import RULE
from mriinterp.crossval.new_network import new_network
from mriinterp.crossval.process import TrainRequest
from mriinterp.crossval.state import WORK, read_state
from mriinterp.crossval.train_plan import TrainPlan, plan_training
from mriinterp.models import TrustCode
from mriinterp.study import DemoStudy, StudyFolders, load_study
from mriinterp.study.check import check_study
from mriinterp.study.demo_files import write_demo_study
from mriinterp.subjects import Report
from mriinterp.subjects.sites import check_sites
from mriinterp.subjects.split import patient_groups

__all__ = ["TrainCheck", "check_folder", "check_patients", "check_training"]

FEW = 10  # scans of a group in a set: fewer say little
AGE_SD, SEX_SHARE = 0.5, 0.2  # differences of the groups that a network can learn instead of the disease
CHECKPOINTS = 5  # of the size of the weights: Adam keeps two numbers a weight, and the best epoch is kept
SIMULATION_SECONDS, DEMO_SCAN_BYTES = 1.2, 2.2e6
SPARE = 1.1


@dataclass(frozen=True, eq=False)
class TrainCheck:
    """What was found.

    Attributes
    ----------
    report : Report
        Findings; none may be an error.
    sets : DataFrame
        A row a fold and one for the scans held out: scans of each set and group.
    seconds : float or None
        What the training takes at most; None where it cannot begin.
    device : str
    bytes : int
        What it writes at most.
    """

    report: Report
    sets: pd.DataFrame
    seconds: float | None
    device: str
    bytes: int

    @property
    def ok(self) -> bool:
        """Whether it may begin."""
        return self.report.ok and self.seconds is not None


def check_training(
    request: TrainRequest,
    out: Path,
    *,
    trust_code: TrustCode = False,
    of_study: Callable[..., Report] = check_study,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> TrainCheck:
    """Check everything that can be known before a training begins; nothing is written.

    Parameters
    ----------
    request : TrainRequest
    out : Path
        Folder of the training.
    trust_code : bool or collection of str
        As of `mriinterp.study.load_study`.
    of_study : callable
        Checks the study file; for a caller that remembers what it found.
    progress, cancel
    """
    report = Report()
    check_folder(out, report)
    demo = request.study == DemoStudy.name
    with scratch_folder() if demo else nullcontext() as scratch:
        try:
            if scratch is None:
                report.extend(of_study(request.study, trust_code=trust_code, progress=progress, cancel=cancel))
            file = request.study if scratch is None else write_demo_study(scratch, request.scans or 0, simulate=False)
            plan = plan_training(load_study(file, trust_code=trust_code), **request.plan_options)
        except (ValueError, KeyError, OSError) as error:
            report.add("error", words_of(error))
            return TrainCheck(report, pd.DataFrame(), None, "", 0)
        check_patients(plan, report)
        seconds = plan.seconds() * (1 + request.check_leakage)
    needed = _bytes(plan)
    if demo:
        seconds += SIMULATION_SECONDS * len(plan.frame)
        needed += int(DEMO_SCAN_BYTES * len(plan.frame))
    _check_space(out, needed, report)
    return TrainCheck(report, _sets(plan), seconds, str(plan.device), needed)


def check_folder(out: Path, report: Report) -> None:
    """Report an output folder that is not allowed, in use, not empty, or cannot be written."""
    allowed = StudyFolders.of_server()
    if not allowed.allow(out):
        report.add("error", allowed.refusal(out, "output folder"))
        return
    if not out.is_absolute():
        report.add("error", f"Output folder: expected a whole path, got {out}")
        return
    above = _existing(out)
    if not above.is_dir():
        report.add("error", f"Output folder: expected a folder, got a file: {above}")
    elif not os.access(above, os.W_OK):
        report.add("error", f"Output folder: no permission to write into {above}")
    elif out.is_dir():
        state = read_state(out).state
        begun = any((out / WORK).glob("*.pt")) or state == "finished"
        others = [p.name for p in out.iterdir() if not p.name.startswith(".")] if state == "none" else []
        if begun or state in ("starting", "running", "stopping"):
            report.add(
                "error", f"Output folder: there is a training in {out} ({state}); open it, or name another folder"
            )
        elif others:
            names = ", ".join(sorted(others)[:3])
            report.add("error", f"Output folder: expected an empty or new folder, got one with {names}: {out}")


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _bytes(plan: TrainPlan) -> int:
    module = new_network(plan.model, plan.options.architecture, plan.options.preset.dropout, 0)
    weights = sum(p.numel() * 4 for p in module.parameters())
    volumes = int(plan.kept_bytes / max(len(plan.frame), 1)) * 4  # mean, deviation, mask of each fold
    return plan.kept_bytes + len(plan.rounds) * (weights * (1 + CHECKPOINTS) + volumes)


def _check_space(out: Path, needed: int, report: Report) -> None:
    free = shutil.disk_usage(_existing(out)).free
    if needed * SPARE > free:
        report.add(
            "error",
            f"Disk: expected {bytes_words(needed)} of free space for {out}, got {bytes_words(free)}; name another folder",
        )


def check_patients(plan: TrainPlan, report: Report) -> None:
    """Report what can make a network look better than it is."""
    frame, study = plan.frame, plan.study
    patients = frame.groupby("subject")["group"]
    several = int((patients.size() > 1).sum())
    mixed = patients.nunique()
    both = mixed.index[mixed > 1].tolist()
    report.add("info", f"{frame['subject'].nunique()} patients, {several} of them with several scans. {RULE}")
    if both:
        report.add("warning", f"Patients with scans in both groups ({len(both)})", both)
    smallest = min(
        frame.loc[list(ids)]["group"].value_counts().min()
        for one in plan.rounds
        for ids in (one.train, one.validation, one.test)
    )
    if smallest < FEW:
        scans = "1 scan" if smallest == 1 else f"{smallest} scans"
        report.add("warning", f"The smallest set has {scans} of a group: its figures say little")
    if not plan.held_out:
        report.add("warning", "No scan is held out: every figure is of patients that chose or trained some network")
    first = frame.drop_duplicates("subject")
    groups = first["subject"].map(patient_groups(frame, (study.positive,)))
    ill, healthy = first[groups == study.positive], first[groups == study.reference_group]
    ages = ill["age"].astype(float).dropna(), healthy["age"].astype(float).dropna()
    if all(map(len, ages)) and abs(ages[0].mean() - ages[1].mean()) > AGE_SD * first["age"].astype(float).std():
        report.add(
            "warning",
            f"Age differs between groups (mean {ages[0].mean():.0f} and {ages[1].mean():.0f} years): a network can learn "
            "age instead of disease; the report compares it with age and sex alone",
        )
    women = [(part["sex"] == "F").sum() / max(1, part["sex"].isin(("F", "M")).sum()) for part in (ill, healthy)]
    if abs(women[0] - women[1]) > SEX_SHARE:
        report.add(
            "warning",
            f"The share of women differs between groups ({women[0]:.0%} and {women[1]:.0%}): a network can learn sex",
        )
    check_sites(frame, report, (study.positive,))
    report.add("info", "The same image under two patients is looked for when the scans are read, and refused")


def _sets(plan: TrainPlan) -> pd.DataFrame:
    """Return the number of scans by fold, set and group."""
    groups = (plan.study.reference_group, plan.study.positive)

    def counts(ids) -> list[int]:
        found = plan.frame.loc[list(ids), "group"].value_counts()
        return [int(found.get(group, 0)) for group in groups]

    sets = ("train", "validation", "test")
    columns = [f"{name}, {group}" for name in ("training", "validation", "test") for group in groups]
    rows = {f"fold {one.number}": [n for name in sets for n in counts(getattr(one, name))] for one in plan.rounds}
    if plan.held_out:
        rows["held out"] = [0, 0, 0, 0, *counts(plan.held_out)]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
