"""Cohorts of different scans as one: the folds of a cross-validation, each explained by a network of its own.

The folder is read by `mriinterp.cohort.open_cohort` like that of a run. Means, deviations and tables are those of all
scans; the maps of single scans stay in the folders of the parts, which lie inside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.base.atomic import made_folder, replacing
from mriinterp.base.fingerprint import file_digest
from mriinterp.base.tables import write_tsv
from mriinterp.cohort.bids import write_dataset_files
from mriinterp.cohort.group_means import average_all, write_group_map
from mriinterp.cohort.layout import Layout
from mriinterp.cohort.provenance import write_provenance
from mriinterp.cohort.result import AGREEMENT, PART, POOLED, CohortResult, open_cohort
from mriinterp.cohort.run_tables import area_under_curve, group_table
from mriinterp.image.volume import Volume
from mriinterp.methods import get_method

__all__ = ["OUT_OF_FOLD", "check_pooled_folder", "common_methods", "pool_cohorts"]

OUT_OF_FOLD = "out of fold"  # the split of the pooled scans
FILES = ("areas.tsv", "agreement.tsv")  # that a pooled folder has besides those of a run
SAME = ("groups", "labels", "targets", "target", "grid", "space", "atlas", "maps", "classes", "heads")


def check_pooled_folder(out: Path) -> None:
    """Raise ValueError if a folder holds a run of its own, whose tables would be lost."""
    if (out / "run.json").is_file() and POOLED not in open_cohort(out).run:
        raise ValueError(f"expected a new folder or one of a run out of fold, got {out}, which holds another run")


def common_methods(parts: Iterable[CohortResult]) -> list[str]:
    """Return the methods that several cohorts have with the same parameters, in order."""
    known = [{entry["name"]: entry for entry in part.run["methods"]} for part in parts]
    return [name for name, entry in known[0].items() if all(one.get(name) == entry for one in known)]


def pool_cohorts(parts: Mapping[str, CohortResult], out: Path, agreement: pd.DataFrame | None = None) -> CohortResult:
    """Write means, deviations and tables of all scans of several cohorts; return them, opened.

    Parameters
    ----------
    parts : mapping of str to CohortResult
        By name of the folder inside `out`. They share groups, grid, areas and what is explained, and no scan; of
        their methods those of `common_methods` are pooled.
    out : Path
    agreement : DataFrame, optional
        Columns method, group, and how alike the parts are: noted in ``run.json`` and beside each mean.

    Raises
    ------
    ValueError
        If the parts do not fit together, or the folder holds a run of its own.
    """
    check_pooled_folder(made_folder(out))
    results = list(parts.values())
    _check_parts(parts)
    first, methods = results[0], common_methods(results)
    layout = Layout(out, first.layout.space)
    alike = {} if agreement is None else {(row["method"], row["group"]): row for row in agreement.to_dict("records")}
    counts = {m: {g: sum(part.n(m, g) for part in results) for g in first.groups} for m in methods}
    for method in methods:
        for group in first.groups:
            _write_group(layout, results, method, group, alike.get((method, group), {}))
        readings = tuple(dict.fromkeys(("signed", first.reading(method))))
        by_label = {first.run["labels"][group]: n for group, n in counts[method].items()}
        average_all(layout, method, by_label, readings, first.grid, first.explained_words(method))
    subjects = pd.concat(
        [part.subjects.reset_index(drop=True).assign(**{PART: name}) for name, part in parts.items()],
        ignore_index=True,
    )
    write_tsv(subjects, layout.subjects)
    write_tsv(group_table(first.groups, subjects), layout.groups)
    _write_areas(results, methods, layout.table)
    run = _provenance(parts, methods, subjects) | {"counts": counts}
    run[AGREEMENT] = [_plain(row) for row in alike.values()]
    run["files_sha256"] = {path.name: file_digest(path) for path in (layout.subjects, layout.groups, layout.table)}
    labels = [get_method(method).label for method in methods]
    write_dataset_files(out, run, layout.space, labels, run.get("authors", ()), own=(*FILES, *parts))
    write_provenance(layout.run, run)
    return open_cohort(out)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as JSON has it: None for what is not known."""
    return {name: None if pd.isna(value) else value for name, value in row.items()}


def _check_parts(parts: Mapping[str, CohortResult]) -> None:
    """Raise ValueError unless cohorts fit together and share no scan."""
    first, owners = next(iter(parts.values())), dict[str, str]()
    for name, part in parts.items():
        other = [entry for entry in SAME if part.run[entry] != first.run[entry]]
        if other:
            raise ValueError(f"expected cohorts of the same {', '.join(other)}, got others in {name}")
        twice = [scan for scan in part.subjects.index if owners.setdefault(scan, name) != name]
        if twice:
            raise ValueError(f"expected every scan in one cohort, got {twice[0]} in {owners[twice[0]]} and {name}")


def _write_group(layout: Layout, results: Sequence[CohortResult], method: str, group: str, alike: dict) -> None:
    """Write mean, deviation and count over all scans of a group: every scan counts the same."""
    known = [part for part in results if part.n(method, group)]
    total = sum(part.n(method, group) for part in known)
    first, label = results[0], results[0].run["labels"][group]
    about = {"method": method, "group": group, "n": total, "explains": first.explained_words(method)}
    if alike:
        about[AGREEMENT] = {k: v for k, v in _plain(alike).items() if k not in ("method", "group")}
    for reading in dict.fromkeys(("signed", first.reading(method))):
        files = {what: layout.group(method, label, reading, what) for what in ("mean", "std")}
        mean, deviation = _moments(known, method, group, reading) if total else (None, None)
        for what, data in (("mean", mean), ("std", deviation)):
            if data is None:
                files[what].unlink(missing_ok=True)
            else:
                write_group_map(Volume(data, first.grid.affine), files[what], what, layout.space, **about, part=reading)
    if total:
        count = Volume(np.full(first.grid.shape, total, np.int32), first.grid.affine)
        write_group_map(count, layout.group(method, label, "", "count"), "count", layout.space, **about)


def _moments(
    parts: Sequence[CohortResult], method: str, group: str, reading: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return mean and sample deviation over all scans of the parts, from those of each; no deviation of one scan."""
    counts = [part.n(method, group) for part in parts]
    total = sum(counts)
    means = [part.mean(method, group, reading).data.astype(np.float64) for part in parts]
    mean = np.average(means, axis=0, weights=counts)
    if total < 2:
        return mean, None
    squares = np.zeros_like(mean)
    for part, n, own in zip(parts, counts, means, strict=True):
        squares += n * (own - mean) ** 2
        if n > 1:
            squares += (n - 1) * part.std(method, group, reading).data.astype(np.float64) ** 2
    return mean, np.sqrt(squares / (total - 1))


def _write_areas(results: Sequence[CohortResult], methods: Sequence[str], path: Path) -> None:
    """Write the rows of all parts, a part after the other."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = [pq.read_table(part.layout.table, filters=[("method", "in", list(methods))]) for part in results]
    with replacing(path) as temporary:
        pq.write_table(pa.concat_tables(tables), temporary, compression="zstd")


def _provenance(parts: Mapping[str, CohortResult], methods: Sequence[str], subjects: pd.DataFrame) -> dict[str, Any]:
    runs = {name: part.run for name, part in parts.items()}
    first = next(iter(runs.values()))
    known = {entry["name"]: entry for entry in first["methods"]}
    networks = {name: run["model"] for name, run in runs.items()}
    notes = list(dict.fromkeys(note for one in networks.values() for note in one["notes"]))
    digest = hashlib.sha256("\n".join(one["sha256"] for one in networks.values()).encode()).hexdigest()
    classes, positive = first["classes"], first["positive"]
    merged: dict[str, Any] = {
        key: {scan: why for run in runs.values() for scan, why in run.get(key, {}).items()}
        for key in ("failed", "warnings", *(("outside_space",) if "outside_space" in first else ()))
    }
    return {
        **first,
        **merged,
        "methods": [known[method] for method in methods],
        "split": OUT_OF_FOLD,
        "n": None if first["n"] is None else len(subjects),
        "model": {
            "name": f"{len(runs)} networks, each asked about patients it has not seen",
            "architecture": first["model"]["architecture"],
            "sha256": digest,
            "notes": notes,
        },
        POOLED: {name: {"name": one["name"], "sha256": one["sha256"]} for name, one in networks.items()},
        "scans": len(subjects),
        "maps_computed": sum(run["maps_computed"] for run in runs.values()),
        "performance": {}
        if first["withheld"]
        else area_under_curve(subjects, positive, first["groups"][0], classes.get(positive, "")),
        "plan_sha256": hashlib.sha256(repr([run["plan_sha256"] for run in runs.values()]).encode()).hexdigest(),
        "started": min(run["started"] for run in runs.values()),
        "seconds": round(sum(run["seconds"] for run in runs.values()), 1),
    }
