"""Run greedy, the registration program of the Penn Image Computing and Science Laboratory (Apache), in its own process.

A process of its own can be cancelled, does not hold up the pages of a server while it works, and gives back its memory.
Images pass through a temporary folder that holds voxels and affines only and is removed at once.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mriinterp.base.progress import Cancel, check_cancel
from mriinterp.base.scratch import scratch_folder
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume

__all__ = ["run_greedy"]

CODE = "import sys; from picsl_greedy import Greedy3D; Greedy3D().execute(sys.argv[1])"
POLL_SECONDS = 0.1


def run_greedy(
    command: str,
    images: Mapping[str, Volume],
    read: Callable[[Path], Any],
    *,
    texts: Mapping[str, str] | None = None,
    threads: int = 1,
    seconds: float = 3600,  # on a busy machine a minute of work takes ten
    cancel: Cancel | None = None,
    waiting: Callable[[float], None] | None = None,
) -> Any:
    """Run one greedy command on images and read what it wrote.

    Parameters
    ----------
    command : str
        As greedy takes it; images by ``NAME.nii``, other files by plain names.
    images : mapping of str to Volume
        Written as ``NAME.nii``.
    read : callable
        ``read(folder)`` reads the output while the folder is there.
    texts : mapping of str to str, optional
        Further files, by name.
    threads : int
    seconds : float
        Time after which it is stopped.
    cancel : callable, optional
    waiting : callable, optional
        ``waiting(seconds)`` is called while it works.

    Raises
    ------
    Cancelled
    ValueError
        If greedy fails or takes too long.
    FileNotFoundError
        If it is not installed.
    """
    if importlib.util.find_spec("picsl_greedy") is None:
        raise FileNotFoundError(
            "expected the package picsl-greedy, which registers scans; pip install -r requirements.txt"
        )
    with scratch_folder() as folder:
        for image, volume in images.items():
            write_volume(volume, folder / f"{image}.nii", dtype=np.float32)
        for file, text in (texts or {}).items():
            (folder / file).write_text(text, encoding="ascii")
        arguments = [sys.executable, "-c", CODE, f"-d 3 -threads {threads} -V 0 {command}"]
        with (folder / "log.txt").open("w+") as log:
            process = subprocess.Popen(arguments, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
            try:
                _wait(process, seconds, cancel, waiting)
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()
            if process.returncode:
                log.seek(0)
                raise ValueError(f"the registration failed: {_last_line(log.read())}")
        return read(folder)


def _wait(process, seconds: float, cancel: Cancel | None, waiting: Callable[[float], None] | None) -> None:
    started = time.monotonic()
    while process.poll() is None:
        check_cancel(cancel)
        elapsed = time.monotonic() - started
        if elapsed > seconds:
            raise ValueError(f"the registration took longer than {seconds:.0f} seconds and was stopped")
        if waiting is not None:
            waiting(elapsed)
        time.sleep(POLL_SECONDS)


def _last_line(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1] if lines else "no message was given"
