"""What it is worth that pages of memory are used again: processor time and memory, with and without.

``python -m benchmarks.allocator`` prints a table; ``--write`` puts it into ``benchmarks/RESULTS_ALLOCATOR.md``. Each
row is measured in two processes of its own, which take turns; times are processor seconds, which a busy machine
changes little, of one thread that is not the first, as in the app.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from benchmarks.machine import conditions

RESULTS = Path(__file__).with_name("RESULTS_ALLOCATOR.md")
ROOT = Path(__file__).resolve().parents[1]
WORK = ("forward", "sensitivity", "guided_backprop", "lrp_epsilon", "lrp_alphabeta", "occlusion")
TURNS, CALLS = 3, 3
NAMES = {"forward": "plain forward pass"}
INTRO = """# The C library's memory

Made by `python -m benchmarks.allocator --write`. The paper's network at 113×137×113 voxels, one thread. *Kept*: with the
settings of `mriinterp.base.allocator`; *returned*: as glibc comes. Processor seconds a call, the smallest of {turns}
processes each, which took turns; memory is the highest that a process held.
"""


def measure(what: str) -> dict[str, float]:
    """Measure seconds a call and memory of this process, in MB."""
    import resource

    import torch

    from mriinterp import explain, load_model
    from mriinterp.base.allocator import keep_pages
    from mriinterp.simulation.subjects import DEMO, simulate_subject

    kept = keep_pages()
    torch.set_num_threads(1)
    model, volume = load_model("demo", device="cpu"), simulate_subject(DEMO, "sim-003").volume
    x, found = model.prepare(volume), {"kept": float(kept)}

    def seconds() -> float:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    def forward() -> None:
        with torch.inference_mode():
            model.module(x)

    call: Callable[[], object] = forward if what == "forward" else lambda: explain(model, volume, what)

    def run() -> None:
        call()
        start = seconds()
        for _ in range(CALLS):
            call()
        found["seconds"] = (seconds() - start) / CALLS

    thread = Thread(target=run)
    thread.start()
    thread.join()
    found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return found


def in_a_process(what: str, setting: str) -> dict[str, float]:
    """Run `measure` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.allocator", "--measure", what]
    environment = {**os.environ, "MRIINTERP_ALLOCATOR": setting, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Read the options, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", choices=WORK, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    lines = [
        "| | returned (s) | kept (s) | **ratio** | memory, returned (MB) | memory, kept (MB) |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    print("\n".join(lines), flush=True)
    for what in WORK:
        turns = [(in_a_process(what, "system"), in_a_process(what, "")) for _ in range(TURNS)]
        if not all(kept["kept"] for _, kept in turns):
            sys.exit("the C library of this machine takes no such settings: nothing to measure")
        before, after = (min(turn[n]["seconds"] for turn in turns) for n in (0, 1))
        peaks = [max(turn[n]["peak"] for turn in turns) for n in (0, 1)]
        lines.append(
            f"| {NAMES.get(what, f'`explain`, {what}')} | {before:.2f} | {after:.2f} | **{before / after:.1f}×** "
            f"| {peaks[0]:,.0f} | {peaks[1]:,.0f} |"
        )
        print(lines[-1], flush=True)
    if options.write:
        RESULTS.write_text("\n".join([INTRO.format(turns=TURNS), conditions(), "", *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
