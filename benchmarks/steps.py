"""How far integrated gradients and SmoothGrad are off by their numbers of steps and samples, on scans of the demo study.

``python -m benchmarks.steps`` prints two tables; ``--write`` puts them into ``benchmarks/RESULTS_STEPS.md``. It takes about ten
processor minutes; ``--scans 2`` takes less.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import conditions
from mriinterp.base.allocator import keep_pages
from mriinterp.explain import explain
from mriinterp.methods import get_method
from mriinterp.models import Model
from mriinterp.study import load_study

RESULTS = Path(__file__).with_name("RESULTS_STEPS.md")
STEPS, MANY_STEPS = (8, 16, 24, 32, 64), 256
SAMPLES, MANY_SAMPLES = (4, 8, 16, 32), 128

INTRO = """# Steps of integrated gradients, samples of SmoothGrad

Made by `python -m benchmarks.steps --write`: {scans} scans of the demo study, its network, logit margin, otherwise the defaults
({steps} steps, {samples} samples). Each number is the median of the scans, the largest in brackets.

- *completeness error*: of the map's sum from the difference of the scores of scan and baseline, as a share of it. It stands with every map.
- *difference*: Euclidean, of the map from that of many steps or samples, as a share of that map's size.
- *correlation*: of the same two maps, voxel by voxel.
- *standard error*: as it stands with every SmoothGrad map, from its own samples.

{about}
"""


def numbers_of(maps: Sequence[np.ndarray]) -> list[tuple[float, float]]:
    """Return difference and correlation of each map but the last from the last."""
    many = maps[-1].ravel().astype(np.float64)
    flat = [m.ravel().astype(np.float64) for m in maps[:-1]]
    return [(float(np.linalg.norm(f - many) / np.linalg.norm(many)), float(np.corrcoef(f, many)[0, 1])) for f in flat]


def percent(values: Sequence[float]) -> str:
    """Return median and largest, in percent."""
    return f"{np.median(values):.1%} ({max(values):.1%})"


def lowest(values: Sequence[float]) -> str:
    """Return median and smallest of correlations."""
    return f"{np.median(values):.3f} ({min(values):.3f})"


def share_in(note: str) -> float:
    """Return the share that stands last in a note on a map, in words."""
    return float(next(word for word in reversed(note.split()) if word.endswith("%"))[:-1]) / 100


def measure(model: Model, scans: Sequence, method: str, counts: Sequence[int], note: str) -> list[list[tuple]]:
    """Return for each scan and each count but the last: what the map's note says, difference and correlation."""
    found = []
    for number, scan in enumerate(scans, 1):
        name = get_method(method).counted
        maps = [explain(model, scan, method, **{name: count}) for count in counts]
        noted = [share_in(relevance.chosen[note]) for relevance in maps]
        apart = numbers_of([relevance.volume.data for relevance in maps])
        found.append([(own, *rest) for own, rest in zip(noted, apart, strict=False)])
        sys.stderr.write(f"{method}: {number} of {len(scans)}\n")
    return found


def table(found: list[list[tuple]], counts: Sequence[int], heads: tuple[str, str]) -> list[str]:
    """Return the rows of a table, by number of steps or samples."""
    counted, noted = heads
    lines = [f"| {counted} | {noted} | difference | correlation |", "| ---: | ---: | ---: | ---: |"]
    for row, count in enumerate(counts):
        own, apart, alike = zip(*(scan[row] for scan in found), strict=True)
        lines.append(f"| {count} | {percent(own)} | {percent(apart)} | {lowest(alike)} |")
    return lines


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--scans", type=int, default=8)
    options = parser.parse_args()
    keep_pages()
    torch.set_num_threads(1)
    study = load_study("demo")
    model = study.model("cpu")
    scans = [study.scan(subject) for subject in study.subjects.index[: options.scans]]
    steps = measure(model, scans, "integrated_gradients", (*STEPS, MANY_STEPS), "completeness")
    samples = measure(model, scans, "smoothgrad", (*SAMPLES, MANY_SAMPLES), "standard error")
    lines = [
        f"Integrated gradients, beside {MANY_STEPS} steps:",
        "",
        *table(steps, STEPS, ("steps", "completeness error")),
        "",
        f"SmoothGrad, beside {MANY_SAMPLES} samples:",
        "",
        *table(samples, SAMPLES, ("samples", "standard error")),
        "",
    ]
    sys.stdout.write("\n".join(lines))
    if options.write:
        head = INTRO.format(
            scans=len(scans),
            steps=get_method("integrated_gradients").resolve({})["steps"],
            samples=get_method("smoothgrad").resolve({})["samples"],
            about=conditions(),
        )
        RESULTS.write_text("\n".join([head, *lines]), encoding="utf-8")


if __name__ == "__main__":
    main()
