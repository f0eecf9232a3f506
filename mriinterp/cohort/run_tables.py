"""The tables of a cohort's folder, made from the records of its maps."""

from __future__ import annotations

import math
import time
from collections.abc import Container, Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from mriinterp.base.atomic import replacing
from mriinterp.base.files import read_json
from mriinterp.base.fingerprint import file_digest
from mriinterp.base.notices import RESEARCH_USE, SIMULATED_ONLY
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.base.tables import write_tsv
from mriinterp.cohort.bids import write_dataset_files
from mriinterp.cohort.cohort_plan import CohortPlan, plan_digest
from mriinterp.cohort.provenance import write_provenance
from mriinterp.cohort.record import AREA_COLUMNS, read_areas, read_record
from mriinterp.image.space import MNI_CORRELATION
from mriinterp.methods import get_method, method_names
from mriinterp.models import Model, Prediction
from mriinterp.results.sidecar import versions
from mriinterp.stats import auc_interval, wilson_interval

__all__ = ["area_under_curve", "group_table", "write_tables"]

SCANS_AT_ONCE = 64  # whose areas are in memory while the table is written


def write_tables(
    plan: CohortPlan,
    model: Model,
    records: dict[tuple[str, str], str],
    predictions: dict[str, Prediction],
    failures: dict[str, dict[str, str]],
    about: dict[str, Any],
    started: float,
    cancel: Cancel | None = None,
) -> None:
    """Write the tables of a run and, last, its provenance ``run.json``.

    Parameters
    ----------
    records : dict of (id, method) to key
        Maps that are there.
    predictions : dict of id to Prediction
        Of scans without any map.
    failures : dict of id to dict of method (or "scan") to reason
    about : dict
        Further entries of ``run.json``: grid, atlas, counts, maps_computed.
    started : float
        Time the run began, in seconds since 1970.
    """
    layout = plan.task.layout
    subjects = subject_rows(plan, model, records, predictions, failures)
    write_tsv(subjects, layout.subjects)
    write_tsv(group_table(plan.groups, subjects), layout.groups)
    write_area_table(plan, records, layout.table, cancel=cancel)
    labels = [get_method(choice.name).label for choice in plan.methods]
    write_dataset_files(layout.out, plan.about, layout.space, labels, plan.about["authors"])
    entries = {
        **provenance(plan, model),
        **about,
        "scans": len(plan.items),
        "failed": {scan: failures[scan] for scan in sorted(failures)},
        "warnings": {str(i): text for i, text in zip(subjects["id"], subjects["warnings"], strict=True) if text},
        "performance": performance(plan, subjects),
        "labels": plan.labels,
        "plan_sha256": plan_digest(plan),
        "files_sha256": {path.name: file_digest(path) for path in (layout.subjects, layout.groups, layout.table)},
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 1),
    }
    write_provenance(layout.run, entries)


def subject_rows(
    plan: CohortPlan,
    model: Model,
    present: Container[tuple[str, str]],
    predictions: dict[str, Prediction],
    failures: dict[str, dict[str, str]],
) -> pd.DataFrame:
    """Return a row a scan: who it is of, what the network predicts, whether that is right, what failed.

    ``p_CLASS`` are probabilities, ``out_NAME`` values on a scale; ``correct``
    is empty where nothing can be right or wrong. All of them are empty where
    predictions are withheld. ``training``: the scan trained the network.
    ``warnings``: what is doubtful about the scan.

    Parameters
    ----------
    present : container of (id, method)
        Maps that are there; the record of one of each scan is read.
    predictions : dict
        Of scans without any map.
    failures : dict of id to dict of method (or "scan") to reason
    """
    rows = []
    for item in plan.items:
        known = [c.name for c in plan.methods if (item.id, c.name) in present]
        layout, kept = plan.task.layout, plan.task.keep_maps
        records = [read_record(layout, item.label, name, kept) for name in _one_of_each_kind(known)]
        record = next((found for found in records if found), None)
        prediction = record.prediction if record else predictions.get(item.id)
        warnings = prediction.warnings if prediction else ()
        warnings = tuple(dict.fromkeys(text for one in records if one for text in one.warnings)) or warnings
        prediction = None if plan.task.withheld else prediction
        row = {"label": item.label, **_prediction_columns(model, prediction, plan.about["classes"].get(item.group))}
        row["target"] = record.target if record else None
        row["maps"] = len(known)
        row["failure"] = "; ".join(
            why if what == "scan" else f"{what}: {why}" for what, why in failures.get(item.id, {}).items()
        )
        row["warnings"] = "; ".join(warnings)
        rows.append(row)
    return pd.concat([plan.table.reset_index(drop=True), pd.DataFrame(rows)], axis=1)


def _one_of_each_kind(names: Sequence[str]) -> list[str]:
    """Return the first method that hides regions, and the first of those that look into the network."""
    by_kind = {get_method(name).hides if name in method_names() else False: name for name in reversed(names)}
    return sorted(by_kind.values(), key=list(names).index)


def _prediction_columns(model: Model, prediction: Prediction | None, truth: str | None) -> dict[str, Any]:
    """Return what the network predicts for a scan, and whether it is right."""
    judged = prediction is not None and model.heads[0].kind == "classes" and truth in model.classes
    row: dict[str, Any] = {
        "class": truth if model.heads[0].kind == "classes" else None,
        "predicted": prediction.predicted if prediction else None,
        "correct": prediction.predicted == truth if prediction and judged else None,
    }
    for head in model.heads:
        start, values = "p_", prediction.probabilities if prediction else {}
        if head.kind == "scale":
            start, values = "out_", prediction.outputs if prediction else {}
        row |= {f"{start}{name}": values.get(name, math.nan) for name in head.classes}
    return row


def group_table(groups: Sequence[str], subjects: pd.DataFrame) -> pd.DataFrame:
    """Return a row a group: scans, people, failures, training scans, the share predicted right with its 95% interval.

    ``explained_CLASS`` counts for which class scans were explained: with the
    predicted class as target, misclassified scans are explained for another
    class than the rest of their group.
    """
    rows = []
    people = "subject" if "subject" in subjects else "id"
    targets = [t for t in dict.fromkeys(subjects["target"]) if isinstance(t, str)]
    for group in groups:
        part = subjects[subjects["group"] == group]
        judged = part["correct"][part["correct"].notna()]
        right = int(judged.astype(bool).sum())
        interval = wilson_interval(right, len(judged)) if len(judged) else None
        rows.append(
            {
                "group": group,
                "scans": len(part),
                "people": part[people].nunique(),
                "failed": int((part["failure"] != "").sum()),
                "training": int(part["training"].sum()),
                "judged": len(judged),
                "correct": right,
                "share_correct": interval.value if interval else math.nan,
                "low": interval.low if interval else math.nan,
                "high": interval.high if interval else math.nan,
                **{f"explained_{t}": int((part["target"] == t).sum()) for t in targets},
            }
        )
    return pd.DataFrame(rows)


def performance(plan: CohortPlan, subjects: pd.DataFrame) -> dict[str, Any]:
    """Return the area under the ROC curve of the positive class's probability, positive against reference group."""
    if plan.task.withheld:
        return {}
    positive = plan.about["positive"]
    return area_under_curve(subjects, positive, plan.groups[0], plan.about["classes"].get(positive, ""))


def area_under_curve(subjects: pd.DataFrame, positive: str, reference: str, output: str) -> dict[str, Any]:
    """Return the area under the ROC curve of an output's probability; empty where it is not known of both groups."""
    column = f"p_{output}"
    if not positive or column not in subjects:
        return {}
    part = subjects[subjects["group"].isin([positive, reference]) & subjects[column].notna()]
    labels = part["group"] == positive
    if labels.nunique() < 2:
        return {}
    return {
        "auc": {
            "positive": positive,
            "reference": reference,
            "of": column,
            **asdict(auc_interval(labels, part[column])),
        }
    }


def write_area_table(
    plan: CohortPlan,
    present: Iterable[tuple[str, str]],
    path: Path,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> None:
    """Write ``areas.parquet``: one row a scan, method and area; a few scans in memory at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    present = set(present)
    kinds = {"area": pa.string(), "label": pa.int64(), "hemisphere": pa.string(), "voxels": pa.int64()}
    fields = [pa.field(n, pa.string()) for n in ("id", "group", "method")]
    schema = pa.schema(fields + [pa.field(c, kinds.get(c, pa.float64())) for c in AREA_COLUMNS])
    layout = plan.task.layout
    with replacing(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        pieces: list[pa.Table] = []
        for done, item in enumerate(plan.items, start=1):
            check_cancel(cancel)
            for choice in plan.methods:
                if (item.id, choice.name) in present:
                    frame = read_areas(layout, item.label, choice.name)
                    frame = frame.assign(id=item.id, group=item.group, method=choice.name)
                    pieces.append(pa.Table.from_pandas(frame[schema.names], schema, preserve_index=False))
            if pieces and (done % SCANS_AT_ONCE == 0 or done == len(plan.items)):
                writer.write_table(pa.concat_tables(pieces))
                pieces = []
            tell(progress, done, len(plan.items))


def _outside_space(plan: CohortPlan) -> dict[str, float]:
    """Return the scans that were explained although they do not match the MNI template, with their correlation."""
    found = {}
    for item in plan.items:
        try:
            correlation = read_json(plan.task.layout.seen(item.label))["mni"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # it could not be read, which is reported
        if isinstance(correlation, float) and correlation < MNI_CORRELATION:
            found[item.id] = correlation
    return found


def provenance(plan: CohortPlan, model: Model) -> dict[str, Any]:
    """Return the entries of run.json but the times."""
    task = plan.task
    return {
        **plan.about,
        **({"caution": SIMULATED_ONLY} if task.withheld else {}),
        "methods": [
            {
                "name": c.name,
                "params": get_method(c.name).resolve(dict(c.params), c.preset),
                "given": dict(c.params),
                "preset": c.preset,
                "reading": c.reading,
            }
            for c in plan.methods
        ],
        "maps": task.keep_maps,
        "model": {
            "name": model.card.name,
            "architecture": model.card.architecture,
            "sha256": model.digest,
            "notes": list(model.notes),
        },
        "heads": [{"name": h.name, "kind": h.kind, "classes": list(h.classes)} for h in model.heads],
        "space": task.layout.space,
        "space_checked": task.check_space,
        **({} if task.check_space or task.simulated else {"outside_space": _outside_space(plan)}),
        "threads": task.threads,
        "device": str(model.device),
        "versions": versions(),
        "note": RESEARCH_USE,
    }
