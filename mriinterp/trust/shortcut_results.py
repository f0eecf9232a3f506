"""Results on networks with a shortcut: tables, and sentences made from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mriinterp.base.atomic import write_text
from mriinterp.base.numerals import decimals
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.base.tables import csv_text, read_csv
from mriinterp.models import Model
from mriinterp.stats import mean_interval
from mriinterp.study import DemoStudy, Study
from mriinterp.trust.bench import Bench
from mriinterp.trust.benchmark_plan import FULL
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.null_maps import present_name
from mriinterp.trust.shortcuts import SHORTCUTS, get_shortcut, shortcut_network
from mriinterp.trust.words import label_of

__all__ = [
    "load_shortcuts",
    "measure_shortcut",
    "shortcut_findings",
    "shortcut_path",
    "shortcut_people",
    "shortcut_summary",
    "shortcut_table",
]

COLUMNS = ["shortcut", "network", "method", "subject", "share"]
WITH, WITHOUT = "with", "without"
SUBJECTS = 4


def shortcut_path(folder: Path | str, name: str) -> Path:
    """Return where a folder of results keeps the table of a shortcut."""
    return Path(folder) / f"shortcut_{get_shortcut(name).name}.csv"


def load_shortcuts(folder: Path | str) -> dict[str, pd.DataFrame]:
    """Return the tables of `shortcut_table` that a folder has, by shortcut."""
    paths = {name: shortcut_path(folder, name) for name in SHORTCUTS}
    earlier = {name: Path(folder) / f"trap_{name}.csv" for name in SHORTCUTS}  # what the file was called before
    paths = {name: path if path.is_file() else earlier[name] for name, path in paths.items()}
    tables = {name: read_csv(path, ["subject"]) for name, path in paths.items() if path.is_file()}
    return {
        name: table.rename(columns={"trap": "shortcut"}).assign(method=table["method"].map(present_name))
        for name, table in tables.items()
    }


def measure_shortcut(
    name: str,
    explainers: Sequence[Explainer],
    folder: Path | str,
    *,
    subjects: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> pd.DataFrame:
    """Measure `shortcut_table` of the network trained with it beside the packaged one, on the demo study's first patients.

    Written to the folder. A network that was not trained yet is trained first, which takes about half an hour on two
    cores, and kept in ``networks`` there.
    """
    study, model = shortcut_network(name, Path(folder) / "networks", progress=progress, cancel=cancel)
    plain = DemoStudy()
    patients = plain.subjects.index[plain.subjects["group"] == plain.positive][: subjects or SUBJECTS].tolist()
    pairs = [(WITH, study, model), (WITHOUT, plain, plain.model("cpu"))]
    table = shortcut_table(name, pairs, explainers, patients, progress=progress, cancel=cancel)
    write_text(shortcut_path(folder, name), csv_text(table, digits=6))
    return table


def shortcut_table(
    name: str,
    pairs: Sequence[tuple[str, Study, Model]],
    explainers: Sequence[Explainer],
    subjects: Sequence[str],
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> pd.DataFrame:
    """Return the share of each map that lies where the shortcut is, for a network trained with it and one without.

    Parameters
    ----------
    name : str
        A key of `SHORTCUTS`.
    pairs : sequence of (str, Study, Model)
        What to call a network in the table, the scans it gets, and the
        network: one trained with it on the shortcut's scans, another on plain scans.
    explainers : sequence of Explainer
        Methods; the shortcut's null maps are added.
    subjects : sequence of str
        Of the positive group, the same in all studies.

    Returns
    -------
    DataFrame
        Columns shortcut, network, method, subject, share (of |map|; NaN for a map
        of zeros). Targets, scores and what hidden tissue is replaced by as in the
        benchmark: the margin of the positive class; the mean of as many controls
        of the network's own study.
    """
    shortcut, rows = get_shortcut(name), []
    chosen = [*explainers, *(Explainer(name) for name in shortcut.null_maps)]
    total = len(pairs) * len(subjects) * len(chosen)
    for network, study, model in pairs:
        bench = Bench(study, model, FULL.reference_scans)
        for subject in subjects:
            case = bench.case(subject)
            inside, among = shortcut.place(bench, case)
            for explainer in chosen:
                check_cancel(cancel)
                values = np.abs(explainer(case, cancel=cancel))
                all_of_it = float(values[among].sum())
                share = float(values[among & inside].sum()) / all_of_it if all_of_it > 0 else np.nan
                rows.append((name, network, explainer.name, subject, share))
                tell(progress, len(rows), total)
    return pd.DataFrame(rows, columns=COLUMNS)


def shortcut_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return means over subjects, a row a method, and whether the maps of the network trained with it stand out.

    Parameters
    ----------
    table : DataFrame
        From `shortcut_table` with two networks, the one trained with it first.

    Returns
    -------
    DataFrame
        Columns method, null_map, n, with, without (mean shares), difference,
        low, high (within subjects, 95% interval), exposed (bool: the
        interval lies above 0 and above the difference of every null map: the
        scans differ, too). Largest difference first, null maps last.
    """
    trained, without = dict.fromkeys(table["network"])
    wide = table.pivot_table(index="subject", columns=["method", "network"], values="share", dropna=False, sort=False)
    rows = []
    for method in dict.fromkeys(table["method"]):
        difference = (wide[method, trained] - wide[method, without]).dropna().to_numpy()
        mean, low, high = mean_interval(difference) if difference.size else (np.nan,) * 3
        rows.append(
            {
                "method": method,
                "null_map": method.startswith("null_"),
                "n": difference.size,
                "with": wide[method, trained].mean(),
                "without": wide[method, without].mean(),
                "difference": mean,
                "low": low,
                "high": high,
            }
        )
    found = pd.DataFrame(rows).sort_values(["null_map", "difference"], ascending=[True, False], ignore_index=True)
    by_scan = max(0.0, found.loc[found["null_map"], "difference"].max()) if found["null_map"].any() else 0.0
    return found.assign(exposed=(found["low"] > by_scan) & ~found["null_map"])


def shortcut_people(found: pd.DataFrame) -> str:
    """Return how many patients and methods `shortcut_summary` rests on: ``"8 patients, 16 methods and 4 null maps"``."""
    nulls = int(found["null_map"].sum())
    return f"{found['n'].max()} patients, {len(found) - nulls} methods and {nulls} null maps"


def shortcut_findings(name: str, found: pd.DataFrame) -> list[str]:
    """Describe what `shortcut_summary` showed, whichever way it fell."""
    shortcut = get_shortcut(name)
    methods = found[~found["null_map"]]
    yes = [label_of(m) for m in methods[methods["exposed"]]["method"]]
    no = [label_of(m) for m in methods[~methods["exposed"]]["method"]]
    people = f"{found['n'].max()} patients"
    sentences = [
        f"The network with the {name} has more relevance {shortcut.where} than the packaged network on the same brains "
        f"({people}, 95% interval of the difference above 0 and above every null map's) by: {'; '.join(yes) or 'no method'}."
    ]
    if no:
        sentences.append(f"Not so for: {'; '.join(no)}.")
    random = found.loc[found["method"] == "null_random", "with"]
    if len(random):
        less = [label_of(m) for m in methods[methods["with"] < random.iloc[0]]["method"]]
        sentences.append(f"Less relevance there than white noise has: {'; '.join(less) or 'no method'}.")
    nulls = found[found["null_map"]]
    if len(nulls):
        shown = ", ".join(
            f"{label_of(row['method']).removeprefix('Null map: ')} {decimals(row['with'], 2)}"
            for _, row in nulls.iterrows()
        )
        sentences.append(f"The same share of maps that know nothing of a network: {shown}.")
    return sentences
