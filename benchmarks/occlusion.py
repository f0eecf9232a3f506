"""Occlusion: the incremental engine against full passes, captum and MONAI.

``python -m benchmarks.occlusion`` prints a table; ``--write`` puts it into
``benchmarks/RESULTS.md``; ``--quick`` takes two minutes. The machine may be
busy: everything in one row is measured in turns, in one run, and each time is
the smallest of its turns. Only ratios within a row are worth quoting.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.cases import CASES, Case
from benchmarks.machine import conditions
from mriinterp.base.allocator import keep_pages
from mriinterp.incremental import Occluder, plan

RESULTS = Path(__file__).with_name("RESULTS.md")
HEADER = (
    "| network, grid | occlusion | windows | ours (s) | plain loop (s) | **ratio** | on one core | multiply-accumulates "
    "| captum (s) | MONAI (s) | max difference | peak memory |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


@dataclass
class Row:
    """What was measured for one case; peers in seconds for the same number of windows."""

    case: Case
    windows: int
    ours: float
    plain: float
    core: float | None
    work: float
    difference: float
    captum: float | None
    monai: float | None
    peak: int | None

    def line(self) -> str:
        """Return the row of the table."""
        peers = [f"{t:,.0f} ({t / self.ours:,.0f}×)" if t else "–" for t in (self.captum, self.monai)]
        peak = f"{self.peak / 1e6:,.0f} MB" if self.peak else "–"
        return (
            f"| {self.case.title} | {self.case.what} | {self.windows:,} | {self.ours:.2f} | {self.plain:,.0f} "
            f"| **{self.plain / self.ours:,.0f}×** | {f'{self.core:,.0f}×' if self.core else '–'} | {self.work:.1f}× fewer | {peers[0]} | {peers[1]} "
            f"| {self.difference:.1e} | {peak} |"
        )


def timed(function: Callable[[], object], device: torch.device) -> tuple[float, object]:
    """Time a call; return seconds and result."""
    start = time.perf_counter()
    value = function()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start, value


def replaced(x: Tensor, region) -> Tensor:
    """Return the image with one region set to zero."""
    image = x.clone()
    if isinstance(region, np.ndarray):
        image[0, 0][torch.from_numpy(region).to(x.device)] = 0
    else:
        image[(..., *(slice(lo, hi) for lo, hi in region))] = 0
    return image


class Enough(Exception):
    """Ends a peer's loop once enough windows were timed."""


class Counting(nn.Module):
    """A network that stops the loop around it after a number of images."""

    def __init__(self, module: nn.Module, limit: int):
        super().__init__()
        self.module, self.limit, self.seen = module, limit, 0

    def forward(self, images: Tensor) -> Tensor:
        if self.seen >= self.limit:
            raise Enough
        self.seen += len(images)
        return self.module(images)


def seconds_per_window(
    module: nn.Module, device: torch.device, batch: int, run: Callable[[nn.Module], object]
) -> float:
    """Return seconds per image while a peer's loop runs, about 8 or two batches of them."""
    counting = Counting(module, max(8, 2 * batch)).eval()

    def until_enough() -> None:
        with contextlib.suppress(Enough):
            run(counting)

    return timed(until_enough, device)[0] / counting.seen


def captum_window(module: nn.Module, x: Tensor, case: Case, batch: int) -> float:
    """Return seconds per window of captum.attr.Occlusion for a batch size."""
    from captum.attr import Occlusion

    options = {
        "sliding_window_shapes": (1, *(case.size,) * 3),
        "strides": (1, *(case.stride,) * 3),
        "target": 0,
        "perturbations_per_eval": batch,
    }
    return seconds_per_window(module, x.device, batch, lambda net: Occlusion(net).attribute(x, **options))


def monai_window(module: nn.Module, x: Tensor, case: Case, batch: int) -> float:
    """Return seconds per window of monai.visualize.OcclusionSensitivity for a batch size."""
    from monai.visualize import OcclusionSensitivity

    options = {"mask_size": case.size, "n_batch": batch, "overlap": 1 - case.stride / case.size, "mode": 0.0}
    return seconds_per_window(
        module, x.device, batch, lambda net: OcclusionSensitivity(net, verbose=False, **options)(x)
    )


def best(measure: Callable[..., float], batches: Sequence[int], *args) -> float:
    """Return seconds per window with the best batch size."""
    return min(measure(*args, batch) for batch in batches)


def ours_seconds(module: nn.Module, x: Tensor, regions: list, every: int, clock: Callable[[], float]) -> tuple:
    """Return the time of the clean pass and all windows, from every so many of them, and the outputs of these."""
    start = clock()
    occluder = Occluder(module, x)
    middle = clock()
    found = occluder.run(regions[::every])
    if x.device.type == "cuda":
        torch.cuda.synchronize()
    return middle - start + (clock() - middle) * len(regions) / len(found), found


def one_core(module: nn.Module, x: Tensor, regions: list, every: int, sample: list) -> float:
    """Return the ratio of processor time to the plain loop, both on one core, which other work disturbs least."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        start = time.process_time()
        for region in sample[:3]:
            module(replaced(x, region))
        plain = (time.process_time() - start) / len(sample[:3]) * len(regions)
        every = max(every, len(regions) // 2000)
        return plain / min(ours_seconds(module, x, regions, every, time.process_time)[0] for _ in range(2))
    finally:
        torch.set_num_threads(threads)


def measure(case: Case, device: torch.device, quick: bool) -> Row:
    """Time one case; ours and the plain loop take turns."""
    module, x, regions = case.build(device)
    index = np.linspace(0, len(regions) - 1, 3 if quick else case.sample).round().astype(int)
    sample = [regions[k] for k in index]
    turns = 2 if quick or case.slow else 4
    ours, plain = [], []
    with torch.inference_mode():
        module(x)
        Occluder(module, x).run(regions[:8])
        for turn in range(turns):
            if not turn or not (case.slow or (quick and len(regions) > 1000)):
                seconds, found = ours_seconds(module, x, regions, 1, time.perf_counter)
                ours.append(seconds)
            for region in sample:
                seconds, _ = timed(lambda region=region: module(replaced(x, region)).cpu(), device)
                plain.append(seconds)
        expected = torch.cat([module(replaced(x, region)) for region in sample]).cpu()
        difference = ((found[index] - expected).abs() / expected.abs().clamp(min=1)).max().item()
        captum = monai = None
        if case.peers:
            batches = (4,) if quick else (1, 4, 16)
            captum = best(captum_window, batches, module, x, case) * len(regions)
            monai = best(monai_window, batches, module, x, case) * len(regions)
        core = one_core(module, x, regions, case.every, sample) if device.type == "cpu" else None
    promised = plan(module, x, regions=regions)
    one = np.sort(plain)[: max(1, len(plain) // 3)].mean() * len(regions)
    peak = peak_memory(case.name, device)
    return Row(case, len(regions), min(ours), one, core, promised.ratio, difference, captum, monai, peak)


def peak_memory(name: str, device: torch.device) -> int | None:
    """Return bytes that the engine adds at its worst moment, measured in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.occlusion", "--peak-of", name, "--device", device.type]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=RESULTS.parents[1])
    if done.returncode:
        print(done.stderr, file=sys.stderr)
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip().isdigit() else None


def print_peak(name: str, device: torch.device) -> None:
    """Print the bytes of `peak_memory`; nothing where the system cannot tell."""
    case = next(case for case in CASES if case.name == name)
    module, x, regions = case.build(device)
    regions = regions[
        :: max(1, len(regions) // (30 if case.slow else 400))
    ]  # memory does not depend on the number of windows
    if device.type == "cuda":
        before = torch.cuda.memory_allocated()
        Occluder(module, x).run(regions)
        print(torch.cuda.max_memory_allocated() - before)
        return
    with torch.inference_mode():
        nn.Conv3d(8, 8, 3)(torch.zeros(2, 8, 8, 8, 8))  # loads the convolution library
    before = resident_peak()
    Occluder(module, x).run(regions)
    print(resident_peak() - before)


def resident_peak() -> int:
    """Return the most bytes this process ever held in memory."""
    status = Path("/proc/self/status")
    if status.is_file():  # the portable way counts what the parent process held as well
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource  # not on Windows: the parent then reports nothing

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def card_name(device: torch.device) -> str:
    """Return the name of a graphics card, "" for the processor."""
    return torch.cuda.get_device_name() if device.type == "cuda" else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, perhaps write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.occlusion", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three cases, fewer repetitions: two minutes")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES], help="these cases")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cpu or cuda")
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    if options.peak_of:  # without pages that are only kept
        print_peak(options.peak_of, device)
        return 0
    keep_pages()  # for the peers as well: it is the same process
    chosen = [
        case for case in CASES if (case.name in options.only if options.only else case.quick or not options.quick)
    ]
    lines = [conditions(card_name(device)), "", HEADER]
    print("\n".join(lines), flush=True)
    for case in chosen:
        line = measure(case, device, options.quick).line()
        print(line, flush=True)
        lines.append(line)
    if options.write:
        write(lines, device)
    return 0


def write(lines: list[str], device: torch.device) -> None:
    """Replace the part of RESULTS.md that belongs to this device."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.is_file() else "# Results\n"
    first, last = f"<!-- occlusion {device.type} -->", f"<!-- end of occlusion {device.type} -->"
    block = "\n".join([first, *lines, last])
    if first in text and last in text:
        text = text[: text.index(first)] + block + text[text.index(last) + len(last) :]
    else:
        text = f"{text.rstrip()}\n\n{block}\n"
    part = RESULTS.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(RESULTS)


if __name__ == "__main__":
    sys.exit(main())
