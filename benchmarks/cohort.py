"""What one scan of a cohort costs: processor seconds a step, and bytes on disk.

Processor time, not time on the clock, so that other work on the machine matters little:

    python benchmarks/cohort.py            # the demo study: 113×137×113 voxels at 1.5 mm, one thread
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import torch

from mriinterp.cohort.choose import choose_methods
from mriinterp.cohort.layout import Layout
from mriinterp.cohort.moments import MapMoments
from mriinterp.cohort.record import read_areas, read_record, write_record
from mriinterp.explain import explain
from mriinterp.image.nifti import read_volume
from mriinterp.image.write import write_volume
from mriinterp.study import load_study

METHODS = ("sensitivity", "guided_backprop", "occlusion", "area_occlusion", "grad_cam")


def seconds(function, repeats: int = 1):
    """Measure the processor seconds of a call (least of several); return its result, too."""
    best, result = float("inf"), None
    for _ in range(repeats):
        start = time.process_time()
        result = function()
        best = min(best, time.process_time() - start)
    return best, result


def main() -> int:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default="demo")
    parser.add_argument("--methods", default=",".join(METHODS))
    args = parser.parse_args()
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
                lambda c=choice: explain(model, scan, c.name, atlas=atlas, preset=c.preset, **c.params), 2
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
