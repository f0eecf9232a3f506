"""Leaderboard of a benchmark: one row a method, as CSV and as JSON with all that is needed to make it again.

The JSON follows ``leaderboard.schema.json`` beside this file. Rows of several folders can be put together where ``benchmark``,
``network`` and ``settings`` are equal.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

import mriinterp
from mriinterp.base.atomic import write_text
from mriinterp.base.tables import csv_text
from mriinterp.trust.measure_registry import table_heads
from mriinterp.trust.results import load_plan
from mriinterp.trust.summary import summary
from mriinterp.trust.units import VERSION
from mriinterp.trust.words import label_of

__all__ = ["SCHEMA", "leaderboard", "leaderboard_table", "write_leaderboard"]

SCHEMA = Path(__file__).with_name("leaderboard.schema.json")
FORMAT = "mriinterp-leaderboard/1"  # raise with the schema
FIRST = ("atrophy", "auprc_field")  # rows are ordered by it, best first


def _plain(value: float) -> float | None:
    return None if not math.isfinite(value) else float(f"{value:.5g}")


def leaderboard(folder: Path | str, table: pd.DataFrame | None = None) -> dict[str, Any]:
    """Return the leaderboard of a folder of results, ready for JSON.

    Parameters
    ----------
    folder : Path
        Of `mriinterp.trust.run_benchmark`.
    table : DataFrame, optional
        The `summary` of the folder, where that is at hand.
    """
    plan, table = load_plan(folder), summary(folder) if table is None else table
    heads = list(table_heads())
    rows = []
    for name in dict.fromkeys(table["method"]):
        own = table[table["method"] == name].set_index(["measure", "quantity"])
        numbers = {
            ".".join(head): {
                "mean": _plain(own.loc[head, "mean"]),
                "low": _plain(own.loc[head, "low"]),
                "high": _plain(own.loc[head, "high"]),
                "n": str(own.loc[head, "people"]),
                "better": own.loc[head, "better"],
                "beats_null_maps": own.loc[head, "beats"],
                "p_max_t": _plain(own.loc[head, "p_max_t"]),
            }
            for head in heads
            if head in own.index
        }
        first = own.iloc[0]
        row = {
            "method": name,
            "label": label_of(name),
            "null_map": bool(first["null_map"]),
            "same_as": first["same_as"],
        }
        rows.append({**row, "numbers": numbers})
    return {
        "format": FORMAT,
        "benchmark": VERSION,
        "program": f"mriinterp {mriinterp.__version__}",
        "study": plan["study"],
        "simulated": plan["simulated"],
        "network": plan["model"],
        "explained": {"output": plan["target"], "score": plan["score"]},
        "people": {name: len(plan[name]) for name in ("subjects", "costly", "controls")},
        "replicates": plan["replicates"],
        "reference_scans": plan["reference_scans"],
        "settings": plan["settings"],
        "method_files": plan.get("method_files", {}),
        "methods": sorted(rows, key=_order),
    }


def _order(row: dict[str, Any]) -> tuple[bool, float, str]:
    mean = row["numbers"].get(".".join(FIRST), {}).get("mean")
    return row["null_map"], -(mean if mean is not None else -math.inf), row["method"]


def leaderboard_table(found: dict[str, Any]) -> pd.DataFrame:
    """Return a leaderboard as a table: a row a method, a column a mean and one for what it beats."""
    rows = []
    for row in found["methods"]:
        cells: dict[str, Any] = {key: row[key] for key in ("method", "label", "null_map", "same_as")}
        for name, number in row["numbers"].items():
            cells[name] = number["mean"]
            cells[f"{name} beats"] = number["beats_null_maps"]
        rows.append(cells)
    return pd.DataFrame(rows)


def write_leaderboard(
    folder: Path | str, out: Path | str | None = None, table: pd.DataFrame | None = None
) -> list[Path]:
    """Write ``leaderboard.json`` and ``leaderboard.csv`` of a folder of results into it, or into another folder."""
    out, found = Path(folder if out is None else out), leaderboard(folder, table)
    write_text(out / "leaderboard.json", json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    write_text(out / "leaderboard.csv", csv_text(leaderboard_table(found)))
    return [out / "leaderboard.json", out / "leaderboard.csv"]
