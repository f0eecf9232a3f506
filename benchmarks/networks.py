"""Occlusion of twelve MONAI networks and ClinicaDL's Conv5_FC3: the engine, a tuned plain loop, captum, the bound.

``python -m benchmarks.networks`` prints a table, ``--write`` puts it into
``benchmarks/RESULTS_NETWORKS.md`` (with ``--only``, those rows of it). Times are processor time on one core,
which other work on the machine disturbs least, and everything in one row is
measured in turns: only ratios within a row are worth quoting.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.machine import conditions
from benchmarks.occlusion import Counting, Enough, replaced
from mriinterp.incremental import Occluder, grid_boxes, plan
from mriinterp.incremental.plain import arranged, plain_batch
from mriinterp.incremental.traced import take_apart
from mriinterp.incremental.ways import whole_way

RESULTS = Path(__file__).with_name("RESULTS_NETWORKS.md")
GRID, FINE = (64, 64, 64), (113, 137, 113)
WINDOWS = 24
TURNS = 2
LONG = 0.4  # seconds of a pass from which on larger batches do not run faster
HEADER = (
    "| network | grid, occlusion | how ours runs | ours (ms) | plain loop (ms) | tuned (ms) | captum (ms) | "
    "**to plain** | **to tuned** | to captum | bound | set up once (s) | max difference | memory: ours, plain (MB) |\n"
    "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
TEXT = """# Results of occlusion by network

Made by `python -m benchmarks.networks --write`; processor time a window, one thread, random weights, MONAI's defaults for
one channel and two classes. A few windows spread over the grid are timed, everything in a row in turns; the smallest of the
turns counts; networks of which a window takes long have one turn.

- *how ours runs*: what changed is recomputed, or whole passes with so many images at once (last: channels last in memory;
  lean: of the network that was taken apart, batch norms and padding in its convolutions). Where little can be saved the ways
  are timed on a few windows, once for a network (part of *set up once*, with tracing).
- *ours* and all loops beside it: a clean pass and all windows of the grid, a window.
- *plain loop*: one pass of the untouched network a window. *tuned*: the same with the best of one, two and four images at
  once (one where a pass takes over 0.4 s) and of both arrangements in memory, found by trials that are not counted.
  *captum*: `captum.attr.Occlusion`, the best of one and four windows at once.
- *bound*: how many times fewer multiply-accumulates the windows take when only what changed is recomputed, clean pass
  included; a ratio above it comes from faster kernels.
- *memory*: the most the process holds above what it held before.
"""


class First(nn.Module):
    """The first output of a network with several."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Map images to (n, classes)."""
        return self.network(x)[0]


class PadPool(nn.Module):
    """Max pooling that pads odd maps with zeros in front, as ClinicaDL's PadMaxPool3d."""

    def __init__(self):
        super().__init__()
        self.pad, self.pool = nn.ConstantPad3d(0, 0), nn.MaxPool3d(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps of half the size, rounded up."""
        self.pad.padding = tuple(n for size in x.shape[:1:-1] for n in (size % 2, 0))
        return self.pool(self.pad(x))


def conv5_fc3(shape: Sequence[int]) -> nn.Module:
    """Return the layers of ClinicaDL's Conv5_FC3 for a grid."""
    layers, before = [], 1
    for out in (8, 16, 32, 64, 128):
        layers += [nn.Conv3d(before, out, 3, padding=1), nn.BatchNorm3d(out), nn.ReLU(), PadPool()]
        before, shape = out, [(n + 1) // 2 for n in shape]
    count = before * shape[0] * shape[1] * shape[2]
    dense = [nn.Linear(count, 1300), nn.ReLU(), nn.Linear(1300, 50), nn.ReLU(), nn.Linear(50, 2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.5), *dense)


def networks() -> dict[str, Callable[[], nn.Module]]:
    """Return what makes each network of MONAI, by name."""
    from monai.networks import nets

    one = {"spatial_dims": 3, "in_channels": 1}
    small = {"channels": (8, 16, 32, 64), "strides": (2, 2, 2, 2)}
    vit = {"img_size": GRID, "patch_size": 16, "classification": True, "num_classes": 2}
    return {
        "ViT": lambda: First(nets.ViT(**one, **vit)),
        "Classifier, batch norm": lambda: nets.Classifier((1, *GRID), 2, norm="batch", **small),
        "Classifier, instance norm": lambda: nets.Classifier((1, *GRID), 2, **small),
        "Discriminator, batch norm": lambda: nets.Discriminator((1, *GRID), norm="batch", last_act=None, **small),
        "SE-ResNet-50": lambda: nets.SEResNet50(num_classes=2, **one),
        "SE-ResNeXt-50": lambda: nets.SEResNext50(num_classes=2, **one),
        "DenseNet-121": lambda: nets.DenseNet121(out_channels=2, **one),
        "DenseNet-169": lambda: nets.DenseNet169(out_channels=2, **one),
        "EfficientNet-B0": lambda: nets.EfficientNetBN("efficientnet-b0", num_classes=2, **one),
        "ResNet-10": lambda: nets.resnet10(spatial_dims=3, n_input_channels=1, num_classes=2),
        "ResNet-18": lambda: nets.resnet18(spatial_dims=3, n_input_channels=1, num_classes=2),
        "ResNet-50": lambda: nets.resnet50(spatial_dims=3, n_input_channels=1, num_classes=2),
    }


@dataclass
class Row:
    """What was measured for one network; seconds a window."""

    name: str
    shape: tuple[int, ...]
    size: int
    stride: int
    way: str
    ours: float
    plain: float
    tuned: float
    captum: float | None
    bound: float
    setup: float
    difference: float
    memory: tuple[int | None, int | None]

    def line(self) -> str:
        """Return the row of the table."""
        peak = [f"{n / 1e6:,.0f}" if n is not None else "–" for n in self.memory]
        grid = f"{'×'.join(map(str, self.shape))}, {self.size} every {self.stride}"
        captum = (f"{1e3 * self.captum:,.1f}", f"{self.captum / self.ours:.1f}×") if self.captum else ("–", "–")
        return (
            f"| {self.name} | {grid} | {self.way} | {1e3 * self.ours:,.1f} | {1e3 * self.plain:,.1f} "
            f"| {1e3 * self.tuned:,.1f} | {captum[0]} | **{self.plain / self.ours:.1f}×** "
            f"| **{self.tuned / self.ours:.1f}×** | {captum[1]} | {self.bound:.1f}× | {self.setup:.1f} "
            f"| {self.difference:.0e} | {peak[0]}, {peak[1]} |"
        )


def timed(function: Callable[[], object]) -> float:
    """Return the processor seconds of a call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def peak(function: Callable[[], object]) -> int | None:
    """Return the bytes that a call adds to the process at its worst moment; None where that is not known."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        return None
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    reset.write_text("5", encoding="ascii")
    held = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines())
    function()
    most = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines())
    return max(0, int(most["VmHWM"].split()[0]) - int(held["VmRSS"].split()[0])) * 1024


def captum_window(module: nn.Module, x: Tensor, size: int, stride: int, batch: int) -> float:
    """Return the seconds a window of captum.attr.Occlusion, from two windows or one batch."""
    from captum.attr import Occlusion

    counting = Counting(module, max(2, batch)).eval()

    def run() -> None:
        with contextlib.suppress(Enough):
            Occlusion(counting).attribute(
                x, (1, size, size, size), strides=(1, stride, stride, stride), target=0, perturbations_per_eval=batch
            )

    return timed(run) / max(1, counting.seen)


def measure(name: str, make: Callable[[], nn.Module], shape: tuple[int, ...], size: int, stride: int) -> Row:
    """Return time one network; ours, the plain loop and captum take turns."""
    torch.manual_seed(0)
    module = make().eval()
    generator = torch.Generator().manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm3d):
            layer.running_mean.normal_(0, 0.1, generator=generator)
            layer.running_var.uniform_(0.5, 2, generator=generator)
    x = torch.rand(1, 1, *shape, generator=generator)
    regions = grid_boxes(shape, size, stride)
    some = regions[:: max(1, len(regions) // WINDOWS)][:WINDOWS]
    with torch.inference_mode():
        module(x)
        setup = timed(lambda: Occluder(module, x).run(some))
        tuned_way = _tuned(module, x)
        ours, plain, tuned, captum = [], [], [], []
        found: list[Tensor] = []
        used: list[Occluder] = []
        looped = some[: 4 if timed(lambda: module(x)) > LONG / 8 else 16]

        def run() -> None:
            used[:] = [Occluder(module, x)]
            cleaned.append(time.process_time())
            found[:] = [used[0].run(some)]

        def loop(batch: int, last: bool) -> float:
            """Return the seconds a window of whole passes, the clean one among them."""
            clean = timed(lambda: module(arranged(x, last)))
            seconds = 0.0
            for start in range(0, len(looped), batch):
                part = looped[start : start + batch]
                seconds += timed(lambda part=part: module(arranged(torch.cat([replaced(x, b) for b in part]), last)))
            return clean / len(regions) + seconds / len(looped)

        for turn in range(TURNS):
            if turn and ours[0] > LONG / 4:
                break
            cleaned: list[float] = []
            start = time.process_time()
            run()
            end = time.process_time()
            ours.append((cleaned[0] - start) / len(regions) + (end - cleaned[0]) / len(some))
            plain.append(loop(1, False))
            tuned.append(loop(*tuned_way))
            captum += [
                captum_window(module, x, size, stride, batch) for batch in ((1,) if min(plain) > LONG else (1, 4))
            ]
        expected = torch.cat([module(replaced(x, box)) for box in some[:2]])
        memory = (peak(lambda: Occluder(module, x).run(some[:4])), peak(lambda: module(replaced(x, some[0]))))
    difference = ((found[0][:2] - expected).abs() / expected.abs().clamp(min=1)).max().item()
    way = "recomputed" if used[0].reason is None else _whole(used[0], module, x, len(some))
    one, best = min(plain), min(plain + tuned)
    bound = _bound(module, x, regions)
    return Row(
        name, shape, size, stride, way, min(ours), one, best, min(captum), bound, setup - len(some) * min(ours),
        difference, memory,
    )  # fmt: skip


def _tuned(module: nn.Module, x: Tensor) -> tuple[int, bool]:
    """Return the batch and the arrangement in memory with which whole passes of a module run fastest."""
    times: dict[tuple[int, bool], float] = {}
    for _ in range(2):
        for batch in (1, 2, 4):
            for last in (False, True):
                images = arranged(x.expand(batch, *x.shape[1:]), last)
                with contextlib.suppress(RuntimeError):  # a layer that cannot read this arrangement
                    seconds = timed(lambda images=images: module(images)) / batch
                    times[batch, last] = min(seconds, times.get((batch, last), seconds))
            if times[1, False] > LONG:
                break
    return min(times, key=times.__getitem__)


def _whole(occluder: Occluder, module: nn.Module, x: Tensor, count: int) -> str:
    """Return how whole passes run, as it was measured and is remembered."""
    way = whole_way(module, take_apart(module, x), x, 1 if occluder.alone else plain_batch(x, None), count)
    return f"whole, {way.batch} at once{', last' if way.channels_last else ''}{', lean' if way.apart else ''}"


def _bound(module: nn.Module, x: Tensor, regions: list) -> float:
    """Return the multiply-accumulates of whole passes over those of what changed, whatever is chosen."""
    from mriinterp.incremental import ways

    clear, few = ways.CLEAR, ways.FEW_CLEAR
    ways.CLEAR = ways.FEW_CLEAR = 0.0
    try:
        return plan(module, x, regions=regions).ratio
    finally:
        ways.CLEAR, ways.FEW_CLEAR = clear, few


def main(arguments: Sequence[str] | None = None) -> int:
    """Return measure, print, perhaps write."""
    made = networks()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks", description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    parser.add_argument("--only", nargs="+", choices=[*made, "Conv5_FC3"], help="these networks")
    options = parser.parse_args(arguments)
    logging.getLogger("mriinterp").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    cases = [("Conv5_FC3", lambda: conv5_fc3(FINE), FINE, 40, 25)]
    cases += [(name, make, GRID, 16, 16) for name, make in made.items()]
    where = conditions()
    rows = _rows() if options.write else {}
    print(f"{where}\n\n{HEADER}", flush=True)
    for case in cases:
        if not options.only or case[0] in options.only:
            rows[case[0]] = measure(*case).line()
            print(rows[case[0]], flush=True)
            if options.write:
                lines = [rows[name] for name, *_ in cases if name in rows]
                RESULTS.write_text("\n".join([TEXT, where, "", HEADER, *lines]) + "\n", encoding="utf-8")
    return 0


def _rows() -> dict[str, str]:
    """Return the rows that stand in the table, by network."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.is_file() else ""
    lines = [line for line in text.splitlines() if line.startswith("| ") and "×" in line]
    return {line.split("|")[1].strip(): line for line in lines}


if __name__ == "__main__":
    sys.exit(main())
