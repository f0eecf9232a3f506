"""How volumes of brain parts differ between simulated people and groups, beside published figures, and what a scan costs.

    python -m benchmarks.simulation            # 40 + 40 people of the test split, which trains no network
    python -m benchmarks.simulation --write    # puts the table into RESULTS_SIMULATION.md

Volumes are those of `mriinterp.simulation.volumes`, known exactly: no segmentation adds its error. Each patient's brain is
there twice, with and without the disease, so the change of the same brain is known as well.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.machine import conditions
from mriinterp.simulation.areas import AREA_WEIGHTS, VENTRICLE, parts_of
from mriinterp.simulation.people import DEMO, FIRST_NUMBER
from mriinterp.simulation.subjects import make_brain, simulate_subject
from mriinterp.simulation.volumes import part_volumes
from mriinterp.stats import roc_auc

RESULTS = Path(__file__).with_name("RESULTS_SIMULATION.md")
THREADS = 2
TIMED = 4
SIDES = {"L": "left", "R": "right"}
UNTOUCHED = {"Precentral": (1, 2), "Calcarine": (43, 44), "Thalamus": (77, 78)}
"""Areas that the disease spares, for comparison: their AAL-116 numbers."""
PUBLISHED = {("Hippocampus", "L"): ("−24.2%", "1.60"), ("Hippocampus", "R"): ("−23.1%", "1.52")}
SOURCE = (
    "Published: meta-analysis of MRI studies of patients with Alzheimer's disease and controls, reduction weighted by sample "
    "size and effect size (Shi et al. 2009, Hippocampus 19:1055–1064, doi:10.1002/hipo.20573)."
)
INTRO = """# The simulated study

Made by `python -m benchmarks.simulation --write`: {controls} controls and {patients} patients of the test split, volumes of tissue in
areas and of fluid in ventricles as the simulation has them, without a segmentation's error. *Between people*: standard deviation over
mean of the controls. *Between groups*: mean of patients against that of controls; d: Cohen's, pooled; AUC: of this one volume.
*Same brain*: mean over patients of the change that the disease made in their own brain.
"""


@dataclass(frozen=True)
class Volumes:
    """Millilitres by person and part.

    Parameters
    ----------
    controls, patients, without : array, shape (n, 121)
        `without`: of the patients' brains without the disease.
    """

    controls: np.ndarray
    patients: np.ndarray
    without: np.ndarray


def measure(people: int) -> Volumes:
    """Make the brains of as many controls and patients, and return the volumes of their parts."""

    def both(number: int) -> tuple[dict, np.ndarray, np.ndarray]:
        brain = make_brain(DEMO, number)
        healthy = part_volumes(brain, brain.healthy)
        ill = brain.row["severity"] > 0
        return brain.row, healthy, part_volumes(brain, brain.diseased) if ill else healthy

    first = FIRST_NUMBER["test"]
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(both, range(first, first + 2 * people)))
    ill = np.array([facts["severity"] > 0 for facts, *_ in found])
    before, after = (np.stack([entry[place] for entry in found]) for place in (1, 2))
    return Volumes(before[~ill], after[ill], before[ill])


def cohens_d(controls: np.ndarray, patients: np.ndarray) -> float:
    """Return how far controls lie above patients, in pooled standard deviations."""
    weights = np.array([len(controls) - 1, len(patients) - 1])
    pooled = np.sqrt(np.average([controls.var(ddof=1), patients.var(ddof=1)], weights=weights))
    return float((controls.mean() - patients.mean()) / pooled)


def signed(value: float, digits: int, unit: str = "") -> str:
    """Return a number with its sign, the minus a true one."""
    return f"{value:+.{digits}f}{unit}".replace("-", "−")


def row(name: str, side: str, number: int, volumes: Volumes) -> str:
    """Return one line of the table."""
    controls, patients, without = (group[:, number] for group in (volumes.controls, volumes.patients, volumes.without))
    ill = np.repeat([False, True], [len(controls), len(patients)])
    auc = roc_auc(ill, -np.concatenate([controls, patients]))
    loss, effect = PUBLISHED.get((name, side), ("", ""))
    cells = [
        f"{name.replace('_', ' ')}, {SIDES[side]}",
        f"{controls.mean():.2f}",
        f"{controls.std(ddof=1) / controls.mean():.1%}",
        signed(100 * (patients.mean() / controls.mean() - 1), 1, "%"),
        signed(cohens_d(controls, patients), 2),
        f"{max(auc, 1 - auc):.3f}",
        signed(100 * (patients / without - 1).mean(), 1, "%"),
        loss,
        effect,
    ]
    return f"| {' | '.join(cells)} |"


def table(volumes: Volumes) -> str:
    """Return volumes by structure: those of the disease, ventricles, and areas that it spares."""
    head = ["structure", "controls, ml", "between people", "between groups", "d", "AUC", "same brain", "published", "d"]
    parts = [(name, side, parts_of(name, side)) for name in (*AREA_WEIGHTS, VENTRICLE) for side in SIDES]
    parts += [(name, side, numbers[side == "R"]) for name, numbers in UNTOUCHED.items() for side in SIDES]
    rows = [row(*part, volumes) for part in parts]
    return "\n".join([f"| {' | '.join(head)} |", "| --- |" + " ---: |" * (len(head) - 1), *rows])


def seconds(people: Sequence[int]) -> float:
    """Return the processor seconds of a scan, the mean of several, one thread; anatomies are loaded before."""
    began = time.process_time()
    for number in people:
        simulate_subject(DEMO, f"sim-{number:03d}")
    return (time.process_time() - began) / len(people)


def main() -> int:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=40, help="of each group (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    args = parser.parse_args()
    if not 2 <= args.people <= DEMO.test:
        parser.error(f"expected --people from 2 to {DEMO.test}, got {args.people}")
    volumes = measure(args.people)
    first = FIRST_NUMBER["test"]
    cost = f"A scan takes {seconds(range(first, first + TIMED)):.1f} s of processor time (mean of {TIMED}, one thread)."
    about = conditions()
    text = "\n\n".join([about, table(volumes), SOURCE, cost])
    sys.stdout.write(f"{text}\n")
    if args.write:
        head = INTRO.format(controls=len(volumes.controls), patients=len(volumes.patients))
        RESULTS.write_text(f"{head}\n{text}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
