"""How long preparing a raw scan takes, by step; how near it comes to a professional preparation; what damage does to it.

    python -m benchmarks.prepare RAW.nii.gz [RAW.nii.gz …] [--reference PREPARED.nii.gz …] [--weights FILE …] [--damaged] [--write]

Seconds are those of this machine and of whatever else it does; the share of each step and the processor seconds travel
better. Everything runs on one thread with a fixed seed, so that transforms and figures of quality are the same each time.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import time
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from mriinterp import load_model, prepare_scan, read_volume
from mriinterp.image.template import native_template
from mriinterp.image.volume import Volume
from mriinterp.prepare import PrepareJob, PrepareOptions, Quality, prepare_all, prepare_volume
from mriinterp.prepare.brain import find_brain
from mriinterp.prepare.quality import judge
from mriinterp.prepare.register import register_affine
from mriinterp.prepare.transform import Transform

RESULTS = Path(__file__).with_name("RESULTS_PREPARE.md")
STEPS = ("read", "brain", "registration", "resample", "quality")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", nargs="+", type=Path)
    parser.add_argument(
        "--reference", nargs="*", default=[], type=Path, help="professional versions, in the same order"
    )
    parser.add_argument("--weights", nargs="*", help="of the published network ncomms2022, to compare its outputs")
    parser.add_argument("--damaged", action="store_true", help="also damaged versions of the first scan")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    makers = [
        lambda: _steps(args.scans),
        lambda: _likeness(args.scans, args.reference, args.weights),
        lambda: _side_by_side(args.scans),
        *([lambda: _damaged(args.scans[0])] if args.damaged else []),
    ]
    parts = []
    for make in makers:
        parts.append(make())
        print(parts[-1], end="\n\n", flush=True)
    if args.write:
        text = "\n\n".join(parts)
        head = f"# Preparing raw scans\n\nMade by `python -m benchmarks.prepare … --write` on {os.cpu_count()} cores."
        RESULTS.write_text(f"{head}\n\n{text}\n", encoding="utf-8")


def _table(*rows: tuple) -> str:
    lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def _steps(scans: list[Path]) -> str:
    """Time each step."""
    rows = [("scan", *(f"{step}, processor s" for step in STEPS), "all, processor s", "all, s", "transform")]
    for path in scans:
        began, marks = time.perf_counter(), [_processor()]
        scan = read_volume(path)
        marks.append(_processor())
        mask = find_brain(scan)
        marks.append(_processor())
        brain = scan.with_data(np.where(mask.data, scan.data, 0).astype(np.float32))
        transform = Transform(register_affine(brain).matrix)
        marks.append(_processor())
        transform.scan_on(brain, native_template().grid)
        marks.append(_processor())
        judge(scan, mask, transform)
        marks.append(_processor())
        steps = np.diff(marks)
        shares = (f"{step:.1f} ({step / steps.sum():.0%})" for step in steps)
        digest = hashlib.sha256(transform.matrix.tobytes()).hexdigest()[:8]
        rows.append((_name(path), *shares, f"{steps.sum():.1f}", f"{time.perf_counter() - began:.1f}", digest))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    note = (
        f"Peak memory of this process, which finds the brain: {peak:.0f} MB; the registration takes less, in its own."
    )
    return f"## Steps\n\n{_table(*rows)}\n\n{note}"


def _likeness(scans: list[Path], references: list[Path], weights: list[str] | None) -> str:
    """Compare with the professional versions, on their grids."""
    network = load_model("ncomms2022", weights, "cpu") if weights else None
    rows = [("scan", "correlation with the template", "Dice", "correlation", "RMS", "network, ours and theirs")]
    for path, reference in zip_longest(scans, references):
        given = None if reference is None else read_volume(reference)
        made = prepare_scan(path, grid=None if given is None else given.grid)
        dice = alike = rms = said = "–"
        if given is not None:
            ours, theirs = made.volume.data > 0, given.data > 0
            either = ours | theirs
            dice = f"{2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()):.3f}"
            alike = f"{np.corrcoef(made.volume.data[either], given.data[either])[0, 1]:.3f}"
            scaled = [volume.data[either] / volume.data[volume.data > 0].mean() for volume in (made.volume, given)]
            rms = f"{np.sqrt(np.mean((scaled[0] - scaled[1]) ** 2)):.3f}"
        if network is not None and given is not None:
            first = network.heads[0].classes[0]
            said = ", ".join(f"{network.predict(one).outputs[first]:.3f}" for one in (made.volume, given))
        rows.append((_name(path), f"{made.qc.correlation:.3f}", dice, alike, rms, said))
    note = "RMS: of intensities over the mean of the brain, in the union of both brains."
    return f"## Beside professional preparations\n\n{_table(*rows)}\n\n{note}"


def _side_by_side(scans: list[Path], workers: int = 2) -> str:
    """Prepare as many scans one after the other and several at a time."""
    rows = [("scans at a time", "scans", "s", "processor s a scan")]
    used = {}
    with TemporaryDirectory() as name:
        for at_once in (1, workers):
            jobs = [
                PrepareJob.of(path, Path(name) / str(at_once), f"sub-{number}", native_template().grid)
                for number, path in enumerate((scans * workers)[: max(workers, len(scans))])
            ]
            began, before = time.perf_counter(), _processor()
            failed = prepare_all(jobs, at_once)
            if failed:
                raise SystemExit(f"scans failed: {failed}")
            used[at_once] = (_processor() - before) / len(jobs)
            rows.append((at_once, len(jobs), f"{time.perf_counter() - began:.0f}", f"{used[at_once]:.1f}"))
    gain = workers * used[1] / used[workers]
    note = (
        f"By processor seconds, {workers} processes on free cores prepare {gain:.2f} times as many scans as one, their start "
        "included, which is a matter of seconds for each process and not for each scan."
    )
    return f"## Several at a time\n\n{_table(*rows)}\n\n{note}"


def damaged_versions(scan: Volume) -> Iterator[tuple[str, Volume]]:
    """Yield damaged versions of a raw scan, with what was done to it."""
    turned = np.diag([1.0, -1, -1, 1])
    permuted = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])
    data, affine = scan.data, scan.affine
    k = data.shape[2] // 3
    high = np.percentile(data, 95)
    rng = np.random.default_rng(0)
    yield "as it came", scan
    yield "upside down", Volume(data, turned @ affine)
    yield "axes exchanged", Volume(data, permuted @ affine)
    lifted = affine.copy()
    lifted[:3, 3] += affine[:3, 2] * k
    yield "lowest third of the field of view gone", Volume(data[:, :, k:], lifted)
    noisy = data + rng.normal(0, 0.25 * high, data.shape).astype(np.float32)
    yield "noise of a quarter of the 95th percentile", scan.with_data(np.abs(noisy))
    thick = round(5 / scan.grid.voxel_sizes[2])
    n = data.shape[2] // thick * thick
    means = data[:, :, :n].reshape(*data.shape[:2], -1, thick).mean(axis=3)
    step = np.diag([1.0, 1, thick, 1])
    step[2, 3] = (thick - 1) / 2
    yield "slices of 5 mm", Volume(means, affine @ step)
    head = data > 0.1 * high
    yield "inverted contrast", scan.with_data(np.where(head, np.maximum(1.3 * high - data, 0), 0).astype(np.float32))
    tissue = np.clip((data - 0.35 * high) / (0.65 * high), 0, 1)
    yield "like a T2", scan.with_data(np.where(head, high * (1.1 - tissue) ** 2, 0).astype(np.float32))
    place = np.stack(np.meshgrid(*(np.arange(m) - (m - 1) / 2 for m in data.shape), indexing="ij"))
    distance = np.linalg.norm(place * np.reshape(scan.grid.voxel_sizes, (3, 1, 1, 1)), axis=0)
    yield "a sphere", scan.with_data(np.where(distance < 70, high, 0).astype(np.float32))
    mask = find_brain(scan).data
    yield "an empty head", scan.with_data(np.where(mask, 0.1 * high, data).astype(np.float32))


def _damaged(path: Path) -> str:
    rows = [("version", "verdict", "correlation", "what was found")]
    for what, volume in damaged_versions(read_volume(path)):
        quality = _attempt(lambda volume=volume: prepare_volume(volume, options=PrepareOptions(device="cpu")).qc)
        if isinstance(quality, str):
            rows.append((what, "refuse", "–", quality))
        else:
            rows.append((what, quality.verdict, f"{quality.correlation:.2f}", quality.words))
    return f"## Damaged versions of {_name(path)}\n\n{_table(*rows)}"


def _attempt(make: Callable[[], Quality]) -> Quality | str:
    try:
        return make()
    except ValueError as error:
        return str(error)


def _name(path: Path) -> str:
    return path.name.partition("_")[0]


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(entry.ru_utime + entry.ru_stime for entry in used)


if __name__ == "__main__":
    main()
