"""Everything that a graphics card is asked to do, measured by one command whose table can be sent as it is.

``python -m benchmarks.gpu`` measures occlusion against the plain loop with its best batch on the same card, explanations with
all overheads, and how far the card's maps are from the processor's; ``--write`` puts the tables into
``benchmarks/RESULTS_GPU.md``. Without a card it says so and ends with code 2; ``--device cpu --quick`` tries the command out
(about two minutes of two cores).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.cases import CASES, Case
from benchmarks.machine import conditions
from benchmarks.occlusion import card_name, replaced
from mriinterp.base.allocator import keep_pages

RESULTS = Path(__file__).with_name("RESULTS_GPU.md")
NAMES = ("coarse-40", "coarse-10", "coarse-aal", "fine-50", "fine-10", "resnet18")
BATCHES = (1, 4, 16, 64)
QUICK, QUICK_BATCHES = ("coarse-40",), (1, 4)
METHODS = {
    "sensitivity": {},
    "guided_backprop": {},
    "integrated_gradients": {},
    "smoothgrad": {},
    "lrp_epsilon": {},
    "layer_cam": {},
    "occlusion": {"size": 40, "stride": 25},
    "area_occlusion": {},
}
TURNS = 3

INTRO = """# On a graphics card

Made by `python -m benchmarks.gpu --write`. Seconds of the clock, the smallest of {turns}; full float32.

- *plain loop*: one pass a window, in batches of 1, 4, 16 and 64 (on a processor 1 and 4) on the same device, the best of them; a few batches, scaled.
- *difference*: of outputs from the plain loop's, relative to max(1, |output|); of maps from those of the processor, as a share of
  their maximum, on all but a thousandth of the voxels.
"""


def seconds(function: Callable[[], object], device: torch.device) -> float:
    """Time one call, until the device has done it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    function()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def plain_window(
    module: nn.Module, x: Tensor, regions: Sequence, device: torch.device, turns: int
) -> tuple[float, int]:
    """Return the seconds of a window of the plain loop with its best batch, and that batch."""
    found = []
    with torch.inference_mode():
        for batch in BATCHES if device.type == "cuda" else QUICK_BATCHES:
            try:
                images = torch.cat([replaced(x, regions[k % len(regions)]) for k in range(batch)])
                module(images)  # chooses its kernels
                runs = [seconds(lambda images=images: module(images).cpu(), device) for _ in range(turns)]
            except torch.OutOfMemoryError:
                break
            found.append((min(runs) / batch, batch))
    return min(found)


def occlusion_row(case: Case, device: torch.device, turns: int) -> str:
    """Measure one case of occlusion; return a row of the table."""
    from mriinterp.incremental import Occluder

    module, x, regions = case.build(device)
    part = regions[:: case.every if device.type == "cpu" else 1]
    kept = []
    Occluder(module, x).run(part[:16])
    ours = [seconds(lambda: kept.append(Occluder(module, x).run(part)), device) for _ in range(turns)]
    each, batch = plain_window(module, x, regions, device, turns)
    scale = len(regions) / len(part)
    with torch.inference_mode():
        index = range(0, len(part), max(1, len(part) // 5))
        expected = torch.cat([module(replaced(x, part[k])).float().cpu() for k in index])
    difference = ((kept[-1][list(index)] - expected).abs() / expected.abs().clamp(min=1)).max().item()
    whole, loop = min(ours) * scale, each * len(regions)
    return (
        f"| {case.title} | {case.what} | {len(regions):,} | {whole:.3g} | {loop:.3g} (batch {batch}) | **{loop / whole:,.1f}×** "
        f"| {difference:.0e} |"
    )


def explain_rows(device: torch.device, turns: int) -> list[str]:
    """Measure every method through `explain`; return rows of the table."""
    from mriinterp import explain, load_model
    from mriinterp.simulation.subjects import DEMO, simulate_subject

    volume = simulate_subject(DEMO, "sim-003").volume
    here, there = load_model("demo", device=device), load_model("demo", device="cpu")
    rows = []
    for method, params in METHODS.items():
        found = explain(here, volume, method, **params).volume.data
        runs = [
            seconds(lambda m=method, p=params: explain(here, volume, m, **p), device)  # type: ignore[misc]
            for _ in range(turns)
        ]
        if device.type == "cpu":
            rows.append(f"| {method} | {min(runs):.3g} | – |")
            print(rows[-1], flush=True)
            continue
        expected = torch.as_tensor(explain(there, volume, method, **params).volume.data.copy())
        apart = (torch.as_tensor(found.copy()) - expected).abs().flatten().sort().values[int(0.999 * expected.numel())]
        rows.append(f"| {method} | {min(runs):.3g} | {float(apart / expected.abs().max()):.0e} |")
        print(rows[-1], flush=True)
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the options, measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", help="cuda (the default), cuda:1, …, or cpu to try it out")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="these cases of occlusion")
    parser.add_argument("--quick", action="store_true", help="one case of occlusion, one turn")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("no CUDA device here: nothing to measure (--device cpu tries the command out)", file=sys.stderr)
        return 2
    keep_pages()
    turns, names = (1, QUICK) if options.quick else (TURNS, options.only)
    lines = [
        INTRO.format(turns=f"{turns} turn" + "s" * (turns > 1)),
        conditions(card_name(device)),
        "",
        "| network, grid | occlusion | windows | ours (s) | plain loop (s) | **ratio** | difference |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    print("\n".join(lines), flush=True)
    for case in CASES:
        if case.name in names:
            lines.append(occlusion_row(case, device, turns))
            print(lines[-1], flush=True)
    head = ["", "| `explain`, 113×137×113 | seconds | difference from the processor |", "| --- | ---: | ---: |"]
    print("\n".join(head), flush=True)
    lines += head + explain_rows(device, turns)
    if options.write:
        RESULTS.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
