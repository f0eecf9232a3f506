"""Processor time of a training step on the grid of the demo network, and what a whole cross-validation takes.

``python -m benchmarks.training [--steps N]``: a few steps are timed, in a process of its own for each allocator; the whole is
extrapolated from them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

BATCH, SCANS, FOLDS, EPOCHS, TEST = 4, 224, 5, 20, 0.2


def seconds(steps: int, *, crop: bool, last: bool) -> tuple[float, float, float]:
    """Return processor seconds of a step, of reading its scans, and of the validation of one scan; the least of some."""
    import numpy as np
    import torch

    from mriinterp.crossval.new_network import crop_of, new_network
    from mriinterp.models import load_model
    from mriinterp.training.dataset import ScanDataset

    torch.set_num_threads(1)
    model = load_model("demo", device="cpu")
    module = new_network(model, None, (0.3, 0.2), 0)
    if not last:
        module = module.to(memory_format=torch.contiguous_format)
    shape = model.grid.shape
    scans = np.random.default_rng(0).random((BATCH, *shape)).astype(np.float16)
    rule = model.normalisation
    data = ScanDataset(
        lambda at: rule.apply(scans[at].astype(np.float32)), [0, 1, 0, 1],
        crop=crop_of(module, shape) if crop else None, flip=True, shift=1, intensity=0.05,
    )  # fmt: skip
    optimiser = torch.optim.AdamW(module.parameters(), 1e-4)
    step, read, judge = [], [], []
    for _ in range(steps):
        start = time.process_time()
        x = torch.stack([data[at][0] for at in range(BATCH)])
        read.append(time.process_time() - start)
        module.train()
        start = time.process_time()
        loss = torch.nn.functional.cross_entropy(module(x), torch.tensor(data.labels))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step.append(time.process_time() - start)
        module.eval()
        start = time.process_time()
        with torch.inference_mode():
            module(x[:1])
        judge.append(time.process_time() - start)
    return min(step), min(read), min(judge)


def main() -> None:
    """Print a table in Markdown, or one row of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--row", choices=["whole", "seen", "last"])
    args = parser.parse_args()
    if args.row:
        from mriinterp.base.allocator import keep_pages

        keep_pages()
        found = seconds(args.steps, crop=args.row != "whole", last=args.row == "last")
        sys.stdout.write(" ".join(f"{value:.3f}" for value in found) + "\n")
        return
    rows = [
        ("whole grid", "whole", "system"),
        ("part that the network sees", "seen", "system"),
        ("and channels last", "last", "system"),
        ("and pages kept", "last", ""),
    ]
    sys.stdout.write("| | step / s | reading its scans / s | one scan judged / s |\n| --- | --- | --- | --- |\n")
    for words, row, allocator in rows:
        command = [sys.executable, "-m", "benchmarks.training", "--row", row, "--steps", str(args.steps)]
        done = subprocess.run(
            command, env={**os.environ, "MRIINTERP_ALLOCATOR": allocator}, capture_output=True, text=True, check=True
        )
        step, read, judge = map(float, done.stdout.split())
        sys.stdout.write(f"| {words} | {step:.2f} | {read:.2f} | {judge:.3f} |\n")
    inside = SCANS * (1 - TEST)
    train, judged = inside * (FOLDS - 2) / FOLDS, inside / FOLDS
    total = FOLDS * EPOCHS * (train / BATCH * (step + read) + judged * (judge + read / BATCH))
    sys.stdout.write(
        f"\n{SCANS} scans, {TEST:.0%} held out, {FOLDS} folds, {EPOCHS} epochs: {total / 60:.0f} min of processor time "
        "(extrapolated from the last row)\n"
    )


if __name__ == "__main__":
    main()
