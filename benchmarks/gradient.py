"""Explanations with all overheads against autograd, captum and the plain loop, under the same allocator settings.

``python -m benchmarks.gradient`` prints a table; ``--write`` puts it into ``benchmarks/RESULTS_GRADIENT.md``; ``--quick``
takes the first rows. Every row is measured in two processes, one that keeps its pages of memory and one as glibc comes;
in each, ours and the peer take turns. Times are processor seconds, which a busy machine changes less than the clock's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import conditions

RESULTS = Path(__file__).with_name("RESULTS_GRADIENT.md")
ROOT = Path(__file__).resolve().parents[1]
STEPS = 8
WARM = 1

INTRO = """# Explanations against autograd, captum and the plain loop

Made by `python -m benchmarks.gradient --write`. The paper's network (demo weights) on a simulated scan of 113×137×113 voxels.

- *ours*: `explain(model, scan, …)`: preparing the scan, digests, prediction, map and description included, in a process that keeps
  its pages of memory (`mriinterp.base.allocator`).
- *peer*: the peer alone, on the prepared tensor, with no overhead: autograd (gradient of the softmax probability with
  respect to the image alone), captum {captum} at equal steps, one forward pass a window for occlusion (a few windows, scaled).
- *ratio, kept*: the peer in the same process, with the same allocator settings; *ratio, as started*: the peer in a process
  with the C library's own settings.
- *difference*: of the map from the peer's, as a share of its maximum, on all but a thousandth of the voxels.

Processor seconds of {threads} thread(s), the smallest of {turns} turns each. A machine that does other work slows both;
compare within a row.
"""


@dataclass(frozen=True)
class Row:
    """What is measured: a method with its parameters, and the peer by name."""

    name: str
    method: str
    params: dict
    peer: str
    quick: bool = False

    @property
    def title(self) -> str:
        """The row's first column."""
        given = ", ".join(f"{key} {value}" for key, value in self.params.items())
        return f"{self.method}{f' ({given})' if given else ''}"


ROWS = (
    Row("sensitivity", "sensitivity", {}, "autograd", quick=True),
    Row("guided", "guided_backprop", {}, "autograd", quick=True),
    Row("integrated", "integrated_gradients", {"steps": STEPS, "score": "probability"}, "captum IG"),
    Row("smoothgrad", "smoothgrad", {"samples": STEPS, "score": "probability"}, "captum SmoothGrad"),
    Row("occlusion-40", "occlusion", {"size": 40, "stride": 25}, "plain loop", quick=True),
    Row("areas", "area_occlusion", {}, "plain loop"),
    Row("occlusion-10", "occlusion", {"size": 10, "stride": 5}, "plain loop"),
)


def _peers(module, x) -> dict[str, Callable]:
    """Return the peers by name: each runs once and returns its map, or None."""
    import torch
    from captum.attr import IntegratedGradients, NoiseTunnel, Saliency

    probability = torch.nn.Sequential(module, torch.nn.Softmax(dim=1)).eval()
    with torch.inference_mode():
        target = int(module(x).argmax())

    def autograd():
        leaf = x.clone().requires_grad_(True)
        return torch.autograd.grad(probability(leaf)[0, target], leaf)[0]

    def integrated():
        return IntegratedGradients(probability).attribute(
            x, target=target, n_steps=STEPS, method="gausslegendre", internal_batch_size=1
        )

    def smooth():
        sigma = 0.1 * float(x.max() - x.min())
        tunnel = NoiseTunnel(Saliency(probability))
        tunnel.attribute(x, target=target, nt_samples=STEPS, nt_samples_batch_size=1, stdevs=sigma, abs=False)

    def window():
        with torch.inference_mode():
            image = x.clone()
            image[..., 40:80, 40:80, 40:80] = 0
            probability(image)

    return {"autograd": autograd, "captum IG": integrated, "captum SmoothGrad": smooth, "plain loop": window}


def measure(row: Row, turns: int, threads: int) -> dict[str, float]:
    """Measure ours and the peer in turns in this process."""
    import torch

    from mriinterp import explain, load_model
    from mriinterp.areas.atlas import load_atlas
    from mriinterp.base.allocator import keep_pages
    from mriinterp.methods.occlusion import boxes_of
    from mriinterp.simulation.subjects import DEMO, simulate_subject

    keep_pages()
    torch.set_num_threads(threads)
    model, volume = load_model("demo", device="cpu"), simulate_subject(DEMO, "sim-003").volume
    module, x = model.module.requires_grad_(False), model.prepare(volume)
    times: dict[str, list[float]] = {"ours": [], "peer": [], "ours clock": []}
    peer, maps = _peers(module, x)[row.peer], {}
    windows = 1
    if row.peer == "plain loop":
        from_grid = boxes_of(x.shape[2:], {**row.params, "placement": "cells"}) if "size" in row.params else None
        windows = len(from_grid.boxes) if from_grid else len(load_atlas("AAL").areas)
    repeats = 3 if row.peer == "plain loop" else 1
    for turn in range(turns + WARM):
        start, clock = time.process_time(), time.perf_counter()
        maps["ours"] = explain(model, volume, row.method, **row.params).volume.data
        ours, ours_clock = time.process_time() - start, time.perf_counter() - clock
        start = time.process_time()
        for _ in range(repeats):
            maps["peer"] = peer()
        other = (time.process_time() - start) / repeats * windows
        if turn >= WARM:
            times["ours"].append(ours)
            times["peer"].append(other)
            times["ours clock"].append(ours_clock)
    found = {name: min(values) for name, values in times.items()} | {"windows": windows}
    if row.name in ("sensitivity", "integrated"):
        ours, other = torch.as_tensor(maps["ours"]), maps["peer"][0, 0]
        apart = (ours - other).abs().flatten().double().sort().values[int(0.999 * ours.numel())]
        found["difference"] = float(apart / other.abs().max())
    return found


def in_a_process(row: Row, setting: str, turns: int, threads: int) -> dict[str, float]:
    """Run `measure` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.gradient", "--measure", row.name]
    command += ["--turns", str(turns), "--threads", str(threads)]
    environment = {**os.environ, "MRIINTERP_ALLOCATOR": setting, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def line(row: Row, kept: dict, returned: dict) -> str:
    """Return a row of the table."""
    difference = f"{kept['difference']:.0e}" if "difference" in kept else "–"
    return (
        f"| {row.title} | {kept['ours']:.3g} | {row.peer} | {kept['peer']:.3g} | **{kept['peer'] / kept['ours']:.3g}×** "
        f"| {returned['peer']:.3g} | {returned['peer'] / kept['ours']:.3g}× | {returned['ours']:.3g} | {difference} |"
    )


def main() -> None:
    """Read the options, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", choices=[row.name for row in ROWS], help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="the first rows only")
    parser.add_argument("--turns", type=int, default=4, help="how often each is measured (default: 4)")
    parser.add_argument("--threads", type=int, default=1, help="threads of a process (default: 1)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    if options.measure:
        row = next(row for row in ROWS if row.name == options.measure)
        print(json.dumps(measure(row, options.turns, options.threads)))
        return
    lines = [
        "| `explain` | ours (s) | peer | peer, kept (s) | **ratio, kept** | peer, as started (s) | ratio, as started "
        "| ours, as started (s) | difference |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    print("\n".join(lines), flush=True)
    for row in ROWS:
        if options.quick and not row.quick:
            continue
        turns = max(1, options.turns // 4) if row.name == "occlusion-10" else options.turns
        kept, returned = (in_a_process(row, setting, turns, options.threads) for setting in ("", "system"))
        lines.append(line(row, kept, returned))
        print(lines[-1], flush=True)
    if options.write:
        import captum

        head = INTRO.format(captum=captum.__version__, threads=options.threads, turns=options.turns)
        RESULTS.write_text("\n".join([head, conditions(), "", *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
