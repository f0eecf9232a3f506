"""How long preparing a raw scan takes, by step, and how near it comes to a professional preparation.

    python -m benchmarks.prepare RAW.nii.gz [RAW.nii.gz …] [--reference PREPARED.nii.gz …] [--write]

Seconds are those of this machine; the share of each step and the processor seconds travel better.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import torch

from mriinterp import read_volume
from mriinterp.prepare.brain import find_brain
from mriinterp.prepare.quality import judge
from mriinterp.prepare.register import register_affine
from mriinterp.prepare.transform import Transform

RESULTS = Path(__file__).with_name("RESULTS_PREPARE.md")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", nargs="+")
    parser.add_argument("--reference", nargs="*", default=[])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    head = "| scan | read | brain | registration | resample | quality | all, s | processor, s | correlation | Dice | correlation with the reference |"
    rows = [head, "|" + " --- |" * 11]
    for number, scan in enumerate(args.scans):
        reference = args.reference[number] if number < len(args.reference) else None
        rows.append(_row(Path(scan), reference))
    own, children = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    note = f"Peak memory {own:.0f} MB in this process, {children:.0f} MB in the registration's; {args.threads} threads for the brain mask, one for the registration."
    text = "\n".join([*rows, "", note])
    print(text)
    if args.write:
        RESULTS.write_text(
            f"# Preparing raw scans\n\nMade by `python -m benchmarks.prepare … --write`.\n\n{text}\n", encoding="utf-8"
        )


def _row(path: Path, reference: str | None) -> str:
    marks, started = [time.perf_counter()], _processor()
    scan = read_volume(path)
    marks.append(time.perf_counter())
    mask = find_brain(scan)
    marks.append(time.perf_counter())
    brain = scan.with_data(np.where(mask.data, scan.data, 0).astype(np.float32))
    transform = Transform(register_affine(brain, threads=1).matrix)
    marks.append(time.perf_counter())
    given = None if reference is None else read_volume(reference)
    made = transform.scan_on(brain, brain.grid if given is None else given.grid)
    marks.append(time.perf_counter())
    quality = judge(scan, mask, transform)
    marks.append(time.perf_counter())
    steps = np.diff(marks)
    dice = alike = "–"
    if given is not None:
        ours, theirs = made.data > 0, given.data > 0
        dice = f"{2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()):.3f}"
        alike = f"{np.corrcoef(made.data[ours | theirs], given.data[ours | theirs])[0, 1]:.3f}"
    shares = " | ".join(f"{step:.1f} ({step / steps.sum():.0%})" for step in steps)
    name = path.name.partition("_")[0]
    return f"| {name} | {shares} | {steps.sum():.1f} | {_processor() - started:.1f} | {quality.correlation:.3f} | {dice} | {alike} |"


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(entry.ru_utime + entry.ru_stime for entry in used)


if __name__ == "__main__":
    main()
