"""Cohorts without any effect: how often group statistics find one all the same.

Healthy simulated scans alone are divided into two groups at random, so every finding is false. Every method runs
through the whole command, ``cohort`` and ``statistics``, for every setting of the target; then the same statistics are
made for many more divisions, from the maps that are known. Scans, network and maps are kept in a folder:

    python -m benchmarks.null_cohorts --work null_cohorts --write     # minutes; a second call takes them up again

The network is a small one at 4 mm, trained here on simulated scans with and without atrophy, so that maps of all
methods take minutes: what is measured are the statistics, and the maps they are made of are real.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from mriinterp.cli import main as command
from mriinterp.cohort import CohortResult, open_cohort
from mriinterp.cohort.provenance import read_provenance
from mriinterp.cohort.statistics import compare_areas
from mriinterp.cohort.voxels import compare_voxels
from mriinterp.image.nifti import read_volume
from mriinterp.image.template import brain_mask
from mriinterp.image.volume import Grid, resample
from mriinterp.image.write import write_volume
from mriinterp.methods import method_names
from mriinterp.simulation.subjects import SimulationSettings, simulate_subject, subjects_table
from mriinterp.stats import compare_groups, roc_auc, wilson_interval
from mriinterp.study import write_study_file

GRID = Grid((48, 58, 48), np.array([[4, 0, 0, -94], [0, 4, 0, -130], [0, 0, 4, -76], [0, 0, 0, 1.0]]))
HEALTHY, TRAINING = 48, 96
LEVEL = 0.05
PERMUTATIONS = 199
RESULTS = Path(__file__).parent / "RESULTS_NULL.md"

# What a run is asked for, by the name of its folder. Groups A and B stand for the classes CN and AD.
SETTINGS = {
    "positive": (),
    "other": ("--target", "CN"),
    "predicted": ("--target", "predicted"),
    "true": ("--target", "true"),
}
WORDS = {
    "positive": "one target, AD (the default)",
    "other": "one target, CN",
    "predicted": "what the network predicts",
    "true": "the class of the scan's group",
}
PARAMETERS = ("occlusion.size=10", "occlusion.stride=10", "smoothgrad.samples=8", "integrated_gradients.steps=16")

CODE = """
from torch import nn
from mriinterp.models import register_architecture


@register_architecture("null_cohorts")
class Small(nn.Sequential):
    def __init__(self):
        blocks = []
        for inputs, outputs in ((1, 8), (8, 16), (16, 32)):
            blocks += [nn.Conv3d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2)]
        super().__init__(*blocks, nn.Flatten(), nn.Linear(32 * 6 * 7 * 6, 2))
"""


def log(text: str) -> None:
    """Report progress."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def scans(work: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate what is not there yet; the rows of the healthy and of the training subjects."""
    settings = SimulationSettings()
    table = subjects_table(settings)
    healthy = table[(table["split"] == "test") & (table["group"] == "CN")].head(HEALTHY)
    training = table[table["split"] == "train"].head(TRAINING)
    for row in pd.concat([healthy, training]).itertuples():
        path = work / "scans" / f"{row.id}.nii.gz"
        if not path.is_file():
            write_volume(resample(simulate_subject(settings, row.id).volume, GRID, order=1), path)
    return healthy, training


def network(work: Path, training: pd.DataFrame) -> float:
    """Train the network if it is not there; its AUC on the last quarter of the training subjects."""
    (work / "net.py").write_text(CODE, encoding="utf-8")
    known = work / "network.json"
    if known.is_file():
        return json.loads(known.read_text(encoding="utf-8"))["auc"]
    space: dict = {}
    exec(CODE.replace("@register_architecture", "# @register_architecture"), space)
    torch.manual_seed(0)
    module: nn.Module = space["Small"]()
    data = np.stack([read_volume(work / "scans" / f"{i}.nii.gz").data for i in training["id"]])
    data = np.stack([(x - x[x > 0].mean()) / x[x > 0].std() * (x > 0) for x in data])
    x, y = torch.from_numpy(data[:, None].astype(np.float32)), torch.tensor((training["group"] == "AD").to_numpy(int))
    fit, check = np.arange(len(y)) < len(y) * 3 // 4, np.arange(len(y)) >= len(y) * 3 // 4
    optimiser = torch.optim.AdamW(module.parameters(), 1e-3, weight_decay=0.05)
    for epoch in range(30):
        for batch in np.array_split(np.random.default_rng(epoch).permutation(np.flatnonzero(fit)), 9):
            optimiser.zero_grad()
            F.cross_entropy(module(x[batch]), y[batch], label_smoothing=0.1).backward()
            optimiser.step()
    with torch.inference_mode():
        margin = module(x[check]).diff(dim=1)[:, 0].numpy()
    auc = roc_auc(y[check].numpy(), margin)
    torch.save(module.state_dict(), work / "weights.pt")
    known.write_text(json.dumps({"auc": auc}), encoding="utf-8")
    return auc


def write_study(work: Path, healthy: pd.DataFrame, groups: np.ndarray) -> Path:
    """Return a study of the healthy scans in these groups."""
    card = {
        "name": "null", "architecture": "null_cohorts", "classes": ["CN", "AD"], "weights": ["weights.pt"],
        "grid": {"shape": list(GRID.shape), "affine": GRID.affine.tolist()},
        "normalisation": {"kind": "scan_zscore"},
    }  # fmt: skip
    (work / "card.json").write_text(json.dumps(card), encoding="utf-8")
    rows = pd.DataFrame({"scan_id": healthy["id"], "subject": healthy["id"], "group": groups})
    rows = rows.assign(age=healthy["age"], sex=healthy["sex"], split="test")
    rows = rows.assign(filepath=[f"scans/{i}.nii.gz" for i in healthy["id"]])
    rows.to_csv(work / "table.csv", index=False)
    entries = {
        "name": "null", "simulated": True,
        "subjects": {"table": "table.csv", "check_space": False},
        "groups": {"reference": "A", "positive": "B", "classes": {"A": "CN", "B": "AD"}},
        "model": {"card": "card.json", "code": "net.py"},
    }  # fmt: skip
    write_study_file(entries, work / "study.toml")
    return work / "study.toml"


def run_command(*arguments: object) -> tuple[int, str]:
    """Run a command of the program; its exit code and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = command([str(a) for a in arguments])
    return code, out.getvalue() + err.getvalue()


def divisions(n: int, count: int, seed: int) -> Iterator[np.ndarray]:
    """Yield groups A and B of equal size, at random."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield rng.permutation(np.repeat(["A", "B"], [n - n // 2, n // 2]))


class Divided(CohortResult):
    """A cohort whose scans are in other groups than when it was run; maps are kept in memory."""

    def __init__(self, folder: Path, groups: np.ndarray, maps: dict):
        super().__init__(folder, read_provenance(folder))
        self._groups, self._known = groups, maps

    @cached_property
    def subjects(self) -> pd.DataFrame:
        return super().subjects.assign(group=self._groups)

    def ids(self, method, group=None):
        return [i for i in self.subjects.index if group is None or self.subjects.at[i, "group"] == group]

    def areas(self, method, *, merge_hemispheres=True, value="share", kind="reading"):
        key = (self.folder, method, value, kind)
        if key not in self._known:
            self._known[key] = open_cohort(self.folder).areas(method, value=value, kind=kind)
        return self._known[key]

    def map(self, method, subject, *, images=True):
        key = (self.folder, method, subject)
        if key not in self._known:
            self._known[key] = open_cohort(self.folder).map(method, subject, images=images)
        return self._known[key]


def whole_command(work: Path, healthy: pd.DataFrame, methods: list[str], count: int) -> pd.DataFrame:
    """Run both commands for every setting and several divisions; the findings they wrote, or that they refused."""
    rows = []
    known = work / "commands.json"  # of every pair of commands that ended, by what it was asked for
    ended = json.loads(known.read_text(encoding="utf-8")) if known.is_file() else {}
    options = [word for text in PARAMETERS if text.partition(".")[0] in methods for word in ("--set", text)]
    for number, groups in enumerate(divisions(len(healthy), count, seed=1)):
        file = write_study(work, healthy, groups)
        for setting, target in SETTINGS.items():
            if setting in ("predicted", "true") and number:
                continue  # they are refused, whatever the division
            asked = f"{number} {setting} {','.join(methods)} {PERMUTATIONS}"
            if asked in ended:
                rows += ended[asked]
                continue
            out = work / "commands" / setting
            code, printed = run_command(
                "cohort",
                file,
                "--trust-code",
                "--workers",
                1,
                "--methods",
                ",".join(methods),
                "--out",
                out,
                *options,
                *target,
            )
            if code:
                raise RuntimeError(printed)
            stats = work / "statistics"
            code, printed = run_command(
                "statistics", out, "--voxels", "--permutations", PERMUTATIONS, "--seed", number, "--out", stats,
                "--study", file, "--trust-code",
            )  # fmt: skip
            ended[asked] = []
            for method in methods:
                row = {"setting": setting, "method": method, "division": number, "refused": code == 2}
                if code == 0:
                    areas = pd.read_csv(stats / f"{method}_areas.csv")
                    found = json.loads((stats / f"{method}_voxels.json").read_text(encoding="utf-8"))["found"]
                    row |= {
                        "total": bool(areas["p"][0] < LEVEL),
                        "areas": bool((areas["p_fdr"][1:] < LEVEL).any()),
                        "voxels": found > 0,
                    }
                ended[asked].append(row)
            rows += ended[asked]
            known.write_text(json.dumps(ended), encoding="utf-8")
            log(f"  command {number + 1} of {count}, {setting}: {'refused' if code == 2 else 'done'}")
    return pd.DataFrame(rows)


def many_divisions(work: Path, healthy: pd.DataFrame, methods: list[str], count: int, voxel_count: int) -> pd.DataFrame:
    """Return the statistics of the commands for many divisions of the scans, one target."""
    folder, maps, rows = work / "commands" / "positive", {}, []
    mask = resample(brain_mask(GRID).with_data(brain_mask(GRID).data > 0), open_cohort(folder).grid, order=0)
    for method in methods:
        for number, groups in enumerate(divisions(len(healthy), count, seed=2)):
            result = Divided(folder, groups, maps)
            for covariates in ((), ("age", "sex")):
                found = compare_areas(result, method, kind="reading", covariates=covariates)
                row = {"method": method, "division": number, "covariates": bool(covariates)}
                row |= {"total": found.total.p < LEVEL, "areas": (found.areas["p_fdr"] < LEVEL).any()}
                row["each"] = (found.areas["p"] < LEVEL).mean()
                if number < voxel_count:
                    voxels = compare_voxels(
                        result,
                        method,
                        mask,
                        kind="reading",
                        covariates=covariates,
                        n_permutations=PERMUTATIONS,
                        seed=number,
                    )
                    row["voxels"] = bool(voxels.found.data.any())
                rows.append(row)
        maps.clear()
        log(f"  {method}: {count} divisions")
    return pd.DataFrame(rows)


def refused_settings(work: Path, healthy: pd.DataFrame, methods: list[str], count: int) -> pd.DataFrame:
    """Return what tests would find where the program refuses them: maps of several targets, and shares."""
    rows = []
    tables = {
        s: {m: open_cohort(work / "commands" / s).areas(m, value="mean") for m in methods}
        for s in ("positive", "other", "predicted", "true")
    }
    shares = {m: open_cohort(work / "commands" / "positive").areas(m) for m in methods}
    original = next(divisions(len(healthy), 1, seed=1))
    for method in methods:
        found = compare_groups(tables["true"][method].fillna(0), original, "B", "A")
        rows.append({"method": method, "setting": "true", "areas": (found["p_fdr"] < LEVEL).sum(), "of": len(found)})
        for setting, table in (("predicted", tables["predicted"][method]), ("shares", shares[method].fillna(0))):
            false = [
                (compare_groups(table.fillna(0), groups, "B", "A")["p_fdr"] < LEVEL).any()
                for groups in divisions(len(healthy), count, seed=3)
            ]
            rows.append({"method": method, "setting": setting, "areas": np.mean(false), "of": 1})
    return pd.DataFrame(rows)


def percent(values) -> str:
    """Return a rate in percent; – where nothing was measured."""
    values = pd.Series(values).dropna()
    return f"{100 * values.astype(float).mean():.1f}" if len(values) else "–"


def report(commands: pd.DataFrame, many: pd.DataFrame, refused: pd.DataFrame, about: dict) -> str:
    """Return the results as Markdown."""
    n, plain, held = about["divisions"], many[~many["covariates"]], many[many["covariates"]]
    interval = wilson_interval(round(LEVEL * n), n)
    once = wilson_interval(round(LEVEL * about["voxel_divisions"]), about["voxel_divisions"])
    lines = [
        f"{about['date']}, {about['processor']}, torch {torch.__version__}, {about['seconds'] / 60:.0f} minutes in all; "
        f"{about['healthy']} healthy simulated scans, network of AUC {about['auc']:.2f} (AD against CN, held-out scans).",
        "",
        "### Through the commands",
        "",
        f"`cohort` and `statistics --voxels --permutations {PERMUTATIONS}` for {about['commands']} divisions: divisions with "
        "at least one area at a false discovery rate of 5% / at least one voxel at a family-wise error of 5%. Of two "
        "targets each, all methods run; the other settings are averaged and refused by `statistics` (exit code 2).",
        "",
        f"| method | {WORDS['positive']} | {WORDS['other']} | {WORDS['predicted']} | {WORDS['true']} |",
        "| --- | --- | --- | --- | --- |",
    ]
    for method, rows in commands.groupby("method", sort=False):
        cells = []
        for setting in SETTINGS:
            part = rows[rows["setting"] == setting]
            if part["refused"].all():
                cells.append("refused")
            else:
                cells.append(f"{int(part['areas'].sum())} / {int(part['voxels'].sum())} of {len(part)}")
        lines.append(f"| {method} | {' | '.join(cells)} |")
    lines += [
        "",
        "### Many divisions of the same scans",
        "",
        f"One target, AD. Per cent of {n} divisions in which the total, at least one area, or (of {about['voxel_divisions']}) at "
        "least one voxel was found; *each* is the share of single areas with p < 0.05 before the correction. A procedure that "
        f"holds its level of 5% gives {100 * interval.low:.1f} to {100 * interval.high:.1f} (voxels {100 * once.low:.1f} to "
        f"{100 * once.high:.1f}) with a probability of 95%. The false discovery rate may be far below 5%: areas depend on each "
        "other.",
        "",
        "| method | total | areas | each | voxels | total, age and sex fixed | areas | each | voxels |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for method in dict.fromkeys(many["method"]):
        cells = [
            percent(t.loc[t["method"] == method, c])
            for t in (plain, held)
            for c in ("total", "areas", "each", "voxels")
        ]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    cells = [f"**{percent(t[c])}**" for t in (plain, held) for c in ("total", "areas", "each", "voxels")]
    lines += [f"| **all** | {' | '.join(cells)} |"]
    lines += [
        "",
        "### What the refused tests would find",
        "",
        "Mean relevance of areas, Welch's t, false discovery rate of 5%, no effect anywhere. *Class of the group*: one "
        'division, half explained as CN and half as AD; areas that "differ". The others: per cent of '
        f"{about['refused_divisions']} divisions with at least one area. Random divisions do not show what is wrong with the "
        "predicted class: there both groups mix the same classes; it misleads where the network predicts differently in two "
        "groups, as it does of patients. Nor do they show what is wrong with shares: without an effect there is nothing to "
        "displace.",
        "",
        "| method | class of the group: areas that differ | predicted class | shares |",
        "| --- | --- | ---: | ---: |",
    ]
    for method, rows in refused.groupby("method", sort=False):
        by = rows.set_index("setting")
        true = f"{int(by.loc['true', 'areas'])} of {int(by.loc['true', 'of'])}"
        lines.append(
            f"| {method} | {true} | {percent([by.loc['predicted', 'areas']])} | {percent([by.loc['shares', 'areas']])} |"
        )
    return "\n".join(lines) + "\n"


HEADER = """# Null cohorts

How often group statistics find an effect where there is none. Made by `python -m benchmarks.null_cohorts --work DIR --write`.
Healthy simulated scans alone are divided into two groups at random; every finding is false.

"""


def main() -> int:
    """Measure, print, perhaps write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, metavar="DIR", help="scans, network and maps, kept between calls")
    parser.add_argument("--methods", help="default: all")
    parser.add_argument(
        "--commands", type=int, default=10, help="divisions through the commands (default: %(default)s)"
    )
    parser.add_argument("--divisions", type=int, default=500, help="default: %(default)s")
    parser.add_argument("--voxel-divisions", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--refused-divisions", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    args = parser.parse_args()
    start, work = time.time(), Path(args.work)
    work.mkdir(parents=True, exist_ok=True)
    methods = args.methods.split(",") if args.methods else method_names()
    log("scans")
    healthy, training = scans(work)
    log("network")
    auc = network(work, training)
    log(f"commands, {len(methods)} methods")
    commands = whole_command(work, healthy, methods, args.commands)
    log("divisions")
    many = many_divisions(work, healthy, methods, args.divisions, args.voxel_divisions)
    refused = refused_settings(work, healthy, methods, args.refused_divisions)
    about = {
        "date": date.today().isoformat(), "processor": platform.processor() or platform.machine(), "auc": auc,
        "healthy": len(healthy), "commands": args.commands, "divisions": args.divisions,
        "voxel_divisions": args.voxel_divisions, "refused_divisions": args.refused_divisions,
        "seconds": time.time() - start,
    }  # fmt: skip
    text = report(commands, many, refused, about)
    sys.stdout.write(text)
    if args.write:
        RESULTS.write_text(HEADER + text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    sys.exit(main())
