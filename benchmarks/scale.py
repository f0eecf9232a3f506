"""A thousand small scans through scheduler, store and means: what a scan costs beside the network, and memory over time.

``python -m benchmarks.scale`` makes a study of small scans with a small network, runs sensitivity over it with 2, 4 and 8
worker processes, and prints a table; ``--write`` puts it into ``benchmarks/RESULTS_SCALE.md``. Linux only: memory is read
from ``/proc``. What it says of 50,000 scans is a formula, explained in ``docs/scale.md``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import conditions

RESULTS = Path(__file__).with_name("RESULTS_SCALE.md")
SHAPE = (14, 15, 13)
AFFINE = np.array([[-12.0, 0, 0, 80], [0, 12.0, 0, -110], [0, 0, 12.0, -70], [0, 0, 0, 1]])
AREAS = 5
SCANS, LARGE = 1000, 50_000

NETWORK = '''"""A network that costs next to nothing."""

from torch import nn

from mriinterp.models import register_architecture


@register_architecture("scale_benchmark")
class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.relu, self.pool = nn.Conv3d(1, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool3d(2)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        return self.out(self.pool(self.relu(self.conv(x))).flatten(1))
'''

INTRO = """# Many scans

Made by `python -m benchmarks.scale --write`: {scans:,} scans of 14×15×13 voxels on disk, a network that costs next to nothing,
sensitivity, maps kept, through scheduler, store, tables and means. What is left is what the program itself costs.

- *processor ms a scan*: of all processes together, starting them included.
- *memory*: resident, of the first process and the largest worker, when a fifth of the scans was done and in the second half.
- *last step*: from the last map to the finished folder (means, tables, provenance), in seconds of the clock.
- *{large:,} scans*: (processor seconds a scan + those of the maps, see `docs/scale.md`) × scans / workers is the time of the
  clock on as many free cores; the column holds the program's own part of it, in core hours.
"""


def make_study(folder: Path, scans: int) -> Path:
    """Write a study of noise and return its file."""
    import pandas as pd
    import torch

    from mriinterp.image.volume import Volume
    from mriinterp.image.write import write_volume
    from mriinterp.study import write_study_file

    rng = np.random.default_rng(0)
    (folder / "net.py").write_text(NETWORK, encoding="utf-8")
    generator = torch.Generator().manual_seed(0)
    shapes = {"conv.weight": (4, 1, 3, 3, 3), "conv.bias": (4,), "out.weight": (2, 32), "out.bias": (2,)}
    torch.save({k: 0.5 * torch.randn(v, generator=generator) for k, v in shapes.items()}, folder / "weights.pt")
    card = {
        "name": "tiny",
        "architecture": "scale_benchmark",
        "grid": {"shape": list(SHAPE), "affine": AFFINE.tolist()},
        "classes": ["healthy", "ill"],
        "weights": ["weights.pt"],
    }
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    labels = np.zeros(SHAPE, np.int16)
    for index in range(AREAS):
        labels[1 + 2 * index : 3 + 2 * index, 2:12, 2:10] = index + 1
    write_volume(Volume(labels, AFFINE), folder / "labels.nii.gz")
    names = [f"Area {index + 1}" for index in range(AREAS)]
    pd.DataFrame({"index": range(1, AREAS + 1), "name": names}).to_csv(folder / "areas.csv", index=False)
    with open(folder / "table.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["scan_id", "subject", "group", "filepath"])
        for number in range(scans):
            name = f"scans/I{number:05d}.nii.gz"
            write_volume(Volume(rng.gamma(2.0, size=SHAPE).astype(np.float32), AFFINE), folder / name)
            table.writerow([f"I{number:05d}", f"P{number:05d}", ("CN", "AD")[number % 2], name])
    entries = {
        "name": "scale",
        "subjects": {"table": "table.csv", "check_space": False},
        "groups": {"reference": "CN", "positive": "AD", "classes": {"CN": "healthy", "AD": "ill"}},
        "model": {"card": "card.json", "code": "net.py"},
        "atlas": {"image": "labels.nii.gz", "table": "areas.csv"},
    }
    write_study_file(entries, folder / "study.toml")
    return folder / "study.toml"


class Memory(threading.Thread):
    """Resident memory of this process and of its workers, in MB, over a run."""

    def __init__(self):
        super().__init__(daemon=True)
        self.share, self.early, self.late = 0.0, {}, {}
        self._ended = threading.Event()

    def run(self) -> None:
        """Measure memory twice a second."""
        while not self._ended.wait(0.5):
            now = {pid: resident(pid) for pid in (os.getpid(), *workers())}
            if 0.15 < self.share <= 0.25:
                self.early |= {pid: max(size, self.early.get(pid, 0)) for pid, size in now.items()}
            if self.share > 0.5:
                self.late |= {pid: max(size, self.late.get(pid, 0)) for pid, size in now.items()}

    def stop(self) -> None:
        """Stop measuring."""
        self._ended.set()
        self.join()

    def words(self) -> tuple[str, str]:
        """Return early → late of the first process, and of the workers."""
        own = os.getpid()
        pair = [
            [
                max((size for pid, size in sizes.items() if (pid == own) == first), default=float("nan"))
                for sizes in (self.early, self.late)
            ]
            for first in (True, False)
        ]
        return tuple(f"{early:,.0f} → {late:,.0f}" for early, late in pair)


def workers() -> list[int]:
    """Return the processes of the pool: the largest children of this process."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def resident(pid: int) -> float:
    """Return the resident memory of a process in MB; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    except (OSError, IndexError):
        return 0.0


def processor_seconds() -> float:
    """Return the seconds of this process and of all workers that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def measure(file: Path, scans: int, count: int) -> str:
    """Run the study with some workers; return a row of the table."""
    from mriinterp.cohort import run_cohort
    from mriinterp.study import load_study

    memory, last = Memory(), [0.0]

    def progress(done: int, total: int) -> None:
        memory.share = done / total
        if done == total and not last[0]:
            last[0] = time.perf_counter()

    with tempfile.TemporaryDirectory() as out:
        study = load_study(file, trust_code=True)
        before, start = processor_seconds(), time.perf_counter()
        memory.start()
        result = run_cohort(study, ["sensitivity"], out=out, split="all", workers=count, progress=progress)
        end = time.perf_counter()
        memory.stop()
        done = sum(result.run["counts"]["sensitivity"].values())
        if done != scans or result.run["failed"]:
            raise RuntimeError(f"expected maps of {scans} scans, got {done}; failed: {result.run['failed']}")
        files = sum(path.is_file() for path in Path(out).rglob("*"))
    each = (processor_seconds() - before) / scans
    first, largest = memory.words()
    return (
        f"| {count} | {scans / (end - start):.1f} | {1000 * each:.0f} | {first} | {largest} | {end - last[0]:.1f} "
        f"| {files:,} | {each * LARGE / 3600:.1f} |"
    )


def main() -> None:
    """Read the options, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=SCANS, help=f"scans of the study (default: {SCANS})")
    parser.add_argument("--workers", default="2,4,8", help="numbers of worker processes (default: 2,4,8)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    lines = [
        "| workers | scans a second | processor ms a scan | memory, first process (MB) | memory, largest worker (MB) "
        f"| last step (s) | files | {LARGE:,} scans (core hours) |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    print("\n".join(lines), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = make_study(Path(folder), options.scans)
        for count in map(int, options.workers.split(",")):
            lines.append(measure(file, options.scans, count))
            print(lines[-1], flush=True)
    if options.write:
        head = INTRO.format(scans=options.scans, large=LARGE)
        RESULTS.write_text("\n".join([head, conditions(), "", *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
