"""What a cohort costs: one scan, step by step, or 40 scans × five methods by the command, with both allocator settings.

Processor time, so that other work on the machine matters little, and for whole cohorts the clock's as well:

    python -m benchmarks.cohort            # one scan of the demo study: 113×137×113 voxels at 1.5 mm, one thread
    python -m benchmarks.cohort --whole    # 40 scans of the demo study; --write puts the table into RESULTS_COHORT.md

Whole cohorts are of scans on disk, as a laboratory has them, and of the same scans simulated on the way.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.machine import conditions
from mriinterp.base.allocator import keep_pages
from mriinterp.cohort.choose import choose_methods, select_subjects
from mriinterp.cohort.layout import Layout
from mriinterp.cohort.moments import MapMoments
from mriinterp.cohort.record import read_areas, read_record, write_record
from mriinterp.explain import explain
from mriinterp.image.nifti import read_volume
from mriinterp.image.write import write_volume
from mriinterp.study import load_study, write_study_file

RESULTS = Path(__file__).with_name("RESULTS_COHORT.md")
ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
SETTINGS = {"kept": "", "as started": "system"}
INTRO = """# A whole cohort

Made by `python -m benchmarks.cohort --whole --write`: {scans} scans of the demo study (113×137×113 voxels) × {methods},
by `mriinterp cohort` with {workers} processes of one thread: starting them, predictions, maps, files, averages and tables included.

- *scans*: on disk (`.nii.gz`), or the same ones simulated on the way, which is part of the time.
- *allocator*: *kept*: the processes keep their pages of memory (`mriinterp.base.allocator`, the default); *as started*:
  the C library's own settings.
"""

METHODS = ("sensitivity", "guided_backprop", "occlusion", "area_occlusion", "grad_cam")


def seconds(function, repeats: int = 1):
    """Measure the processor seconds of a call (least of several); return its result, too."""
    best, result = float("inf"), None
    for _ in range(repeats):
        start = time.process_time()
        result = function()
        best = min(best, time.process_time() - start)
    return best, result


def write_scans(folder: Path, scans: int) -> Path:
    """Write the scans of the demo study that a cohort of so many draws, and a study of these files; returns its file."""
    demo = load_study("demo")
    lines = ["scan_id,subject,group,filepath"]
    for row in select_subjects(demo, "all", scans).itertuples():
        write_volume(demo.scan(row.id), folder / f"{row.id}.nii.gz")
        lines.append(f"{row.id},{row.id},{row.group},{row.id}.nii.gz")
    (folder / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    entries = {
        "name": "files", "simulated": True, "subjects": {"table": "table.csv"},
        "groups": {"reference": "CN", "positive": "AD"}, "model": {"card": "demo"},
    }  # fmt: skip
    write_study_file(entries, folder / "study.toml")
    return folder / "study.toml"


def whole(study: str | Path, methods: Sequence[str], scans: int, setting: str) -> tuple[float, float]:
    """Run a cohort of a study by the command; returns seconds of the clock, and of all its processes together."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mriinterp", "cohort", str(study), "--split", "all", "--n", str(scans)]
        command += ["--methods", ",".join(methods), "--workers", str(WORKERS), "--out", str(Path(folder) / "cohort")]
        environment = {**os.environ, "MRIINTERP_ALLOCATOR": setting, "MRIINTERP_HOME": folder, "OMP_NUM_THREADS": "1"}
        subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    clock, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(methods: Sequence[str], scans: int, *, write: bool) -> None:
    """Print a table of whole cohorts with both allocator settings, and write it if asked to."""
    lines = [
        "| scans | allocator | clock (s) | processor, all processes (s) | processor, a scan (s) | to *as started* |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    with tempfile.TemporaryDirectory() as folder:
        sources: dict[str, str | Path] = {"on disk": write_scans(Path(folder), scans), "simulated": "demo"}
        for source, study in sources.items():
            found = {name: whole(study, methods, scans, setting) for name, setting in SETTINGS.items()}
            for name, (clock, processor) in found.items():
                ratio = f"{found['as started'][1] / processor:.2f}×"
                row = [source, name, f"{clock:.0f}", f"{processor:.0f}", f"{processor / scans:.2f}", ratio]
                lines.append(f"| {' | '.join(row)} |")
    about = conditions()
    sys.stdout.write("\n".join([about, "", *lines, ""]))
    if write:
        head = INTRO.format(scans=scans, methods=", ".join(methods), workers=WORKERS)
        RESULTS.write_text("\n".join([head, about, "", *lines, ""]), encoding="utf-8")


def main() -> int:
    """Measure, and print JSON or a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", default="demo")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--whole", action="store_true", help="run whole cohorts of the demo study")
    parser.add_argument("--scans", type=int, default=40, help="of the whole cohort (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    args = parser.parse_args()
    if args.whole:
        compare(args.methods.split(","), args.scans, write=args.write)
        return 0
    keep_pages()
    torch.set_num_threads(1)
    study = load_study(args.study)
    model, atlas = study.model("cpu"), study.atlas()
    subject, warm = study.subjects.index[:2]
    study.scan(warm)
    found: dict[str, float] = {}
    found["simulate or read the scan"], scan = seconds(lambda: study.source(subject).load())
    choices = choose_methods(args.methods.split(","))
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder))
        path = write_volume(scan, Path(folder) / "scan.nii.gz")
        found["read a scan (.nii.gz)"] = seconds(lambda: read_volume(path), 3)[0]
        moments = None
        for choice in choices:
            cost, relevance = seconds(
                lambda c=choice: explain(model, scan, c.name, atlas=atlas, preset=c.preset, **c.params), 4
            )
            found[choice.name] = cost
            cost, _ = seconds(lambda r=relevance: write_record(layout, "sub-1", r, "k", atlas, True), 2)
            found[f"write {choice.name}"] = cost
            found[f"MB of {choice.name}"] = layout.map("sub-1", choice.name).stat().st_size / 1e6
            moments = MapMoments(choice.parts)
            moments.add(relevance.volume.data)
            image = layout.map("sub-1", choice.name)
            found[f"average {choice.name}"] = seconds(
                lambda i=image, m=moments: m.add(read_volume(i, allow_constant=True).data), 3
            )[0]
        last = choices[-1].name
        found["row of the area table"] = seconds(lambda: read_areas(layout, "sub-1", last), 3)[0]
        found["look whether a map is there"] = seconds(lambda: read_record(layout, "sub-1", last, True), 20)[0]
    found["peak memory in MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({k: round(v, 4) for k, v in found.items()}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
