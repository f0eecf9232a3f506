"""A training in a process of its own: it outlives the page, the browser and the server that started it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mriinterp.base.atomic import made_folder, write_text
from mriinterp.base.files import read_json
from mriinterp.base.scripts import PACKAGE
from mriinterp.crossval.presets import PRESETS
from mriinterp.crossval.state import LOG, RECORD, STOP, WORK, TrainState, read_state
from mriinterp.results.home import default_folder, try_to_keep
from mriinterp.study import DemoStudy, StudyFolders

__all__ = [
    "TrainRequest",
    "forget_training",
    "known_trainings",
    "remember_training",
    "request_in",
    "start_training",
    "training_state",
]

REQUEST = "request.json"
KEPT = 50  # trainings that are known

_processes: dict[Path, subprocess.Popen] = {}  # started by this process


@dataclass(frozen=True)
class TrainRequest:
    """What a training is started with: the options of ``mriinterp train``.

    Parameters
    ----------
    study : str
        A study file, or ``"demo"``.
    folds : int
    preset : str
    architecture, device : str
        "" and "auto": as the study has it, and as the machine does.
    epochs, scans : int or None
        `scans`: of the demo study.
    stratify : tuple of str
    check_leakage : bool
    """

    study: str
    folds: int = 5
    preset: str = "recommended"
    architecture: str = ""
    epochs: int | None = None
    device: str = "auto"
    stratify: tuple[str, ...] = ()
    check_leakage: bool = False
    scans: int | None = None

    @property
    def plan_options(self) -> dict[str, Any]:
        """Return the options of `mriinterp.crossval.plan_training`."""
        return {
            "folds": self.folds, "preset": self.preset, "architecture": self.architecture or None,
            "epochs": self.epochs, "stratify": self.stratify, "device": self.device,
        }  # fmt: skip

    def arguments(self, out: Path) -> list[str]:
        """Return the arguments of ``mriinterp`` that begin the training, or go on with it."""
        found = ["train", self.study, "--out", str(out), "--folds", str(self.folds), "--preset", self.preset]
        found += ["--device", self.device, "--resume"]
        for name, value in (("architecture", self.architecture), ("epochs", self.epochs), ("scans", self.scans)):
            found += [f"--{name}", str(value)] if value else []
        found += ["--stratify", ",".join(self.stratify)] if self.stratify else []
        found += ["--check-leakage"] if self.check_leakage else []
        return found


def start_training(request: TrainRequest, out: Path, *, agreed_code: bool = False) -> None:
    """Start a training in a process of its own, or go on with it; `read_state` reads its progress.

    Parameters
    ----------
    request : TrainRequest
    out : Path
        Folder of the training.
    agreed_code : bool
        Let it run code that the study comes with, if a person has agreed to it.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    out = made_folder(out).absolute()
    if training_state(out).works:
        return
    work = made_folder(out / WORK)
    (work / STOP).unlink(missing_ok=True)
    write_text(work / REQUEST, json.dumps(asdict(request), indent=1) + "\n")
    command = [sys.executable, "-m", "mriinterp", *request.arguments(out), *(["--agreed-code"] if agreed_code else [])]
    paths = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH")]))
    own: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    with (work / LOG).open("wb") as log:
        _processes[out] = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": paths}, **own
        )
    remember_training(out, request.study)


def training_state(folder: Path) -> TrainState:
    """Return `read_state` of a folder, by which a process that was started here and has ended is recognised."""
    process = _processes.get(folder.absolute())
    return read_state(folder, ended=None if process is None else process.poll() is not None)


def request_in(folder: Path) -> TrainRequest | None:
    """Return what a training was started with, from a page or from the command line; None if that is not known."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        entries: dict[str, Any] = read_json(folder / WORK / REQUEST, "the request of a training")
        return TrainRequest(**{**entries, "stratify": tuple(entries["stratify"])})
    with suppress(OSError, ValueError, TypeError, KeyError):
        return _of_record(read_json(folder / RECORD, "the record of a training"), folder)
    return None


def _of_record(record: Mapping[str, Any], folder: Path) -> TrainRequest:
    made = record["made_with"]
    request = TrainRequest(
        record["study"], made["folds"], made["preset"]["name"], made["architecture"] or "",
        made["preset"]["fitting"]["epochs"], record["device"].partition(":")[0], tuple(made["stratify"]),
        made["check_leakage"],
    )  # fmt: skip
    demo = folder / DemoStudy.name
    if Path(request.study).parent == demo.absolute():
        request = replace(request, study=DemoStudy.name, scans=len(list(demo.glob("*_T1w.nii.gz"))))
    preset = PRESETS[request.preset].fitting
    if made["seed"] or made["preset"]["fitting"]["batch"] != preset.batch:
        raise ValueError("expected options that a page has, got others: go on from the command line")
    return request


def _list_file() -> Path:
    return default_folder() / "trainings.json"


_unkept: list[dict[str, str]] = []  # where the home cannot be written: until the server ends


def known_trainings() -> list[tuple[Path, str]]:
    """Return folder and study of every training that was started or opened here and is there, the latest first."""
    try:
        entries = read_json(_list_file(), "the list of trainings")
    except (OSError, ValueError):
        entries = []
    allowed = StudyFolders.of_server()
    found: dict[Path, str] = {}
    for entry in [*_unkept, *(entries if isinstance(entries, list) else [])]:
        if isinstance(entry, dict) and isinstance(entry.get("folder"), str) and isinstance(entry.get("study"), str):
            folder = Path(entry["folder"])
            if allowed.allow(folder) and ((folder / WORK).is_dir() or (folder / RECORD).is_file()):
                found.setdefault(folder, entry["study"])
    return list(found.items())


def remember_training(folder: Path, study: str) -> None:
    """Put a training first in the list of those that are known."""
    others = [(path, name) for path, name in known_trainings() if path != folder]
    _keep([(folder, study), *others][:KEPT])


def forget_training(folder: Path) -> None:
    """Remove a training from the list; its files stay."""
    _keep([(path, name) for path, name in known_trainings() if path != folder])


def _keep(trainings: list[tuple[Path, str]]) -> None:
    entries = [{"folder": str(path), "study": study} for path, study in trainings]
    text = json.dumps(entries, indent=1) + "\n"
    kept = try_to_keep(default_folder(), "the list of trainings", lambda: write_text(_list_file(), text))
    _unkept[:] = [] if kept else entries
