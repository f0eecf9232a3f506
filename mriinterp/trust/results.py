"""Results of the benchmark, read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.base.arrays import load_npy
from mriinterp.base.files import read_json
from mriinterp.base.tables import read_csv
from mriinterp.stats import mean_interval
from mriinterp.trust.measure_registry import get_measure, measure_names
from mriinterp.trust.null_maps import present_name
from mriinterp.trust.units import SETTINGS

__all__ = [
    "load_details",
    "load_plan",
    "load_results",
    "map_entries",
    "mean_and_interval",
    "pack_details",
    "settings_table",
]

COLUMNS = ["measure", "quantity", "method", "subject", "value"]


def _entries(folder: Path | str) -> list[tuple[Path, dict[str, Any]]]:
    """Return the files of all units with their entries, in a fixed order; damaged or unfinished ones are passed over."""
    found = {}
    for path in sorted(Path(folder).glob("units/*/*.json")):
        try:
            entry = read_json(path)
        except (OSError, ValueError):
            continue
        if (
            isinstance(entry, dict)
            and isinstance(entry.get("measures"), dict)
            and {"method", "subject"} <= entry.keys()
        ):
            entry["method"] = present_name(entry["method"])
            found[entry["method"], entry["subject"]] = path, entry
    return list(found.values())


def map_entries(folder: Path | str) -> Iterator[tuple[str, str, dict[str, Any], np.ndarray]]:
    """Yield what a benchmark kept of its maps: method, subject, densities of areas, and values of coarse cells."""
    for path, entry in _entries(folder):
        cells = path.with_suffix(".npy")
        if "map" in entry["measures"] and cells.is_file():
            values = load_npy(cells).astype(np.float64)
            yield entry["method"], entry["subject"], entry["measures"]["map"]["details"], values


def load_plan(folder: Path | str) -> dict[str, Any]:
    """Load the plan of a benchmark from its folder; FileNotFoundError if there is none, ValueError if damaged."""
    path = Path(folder) / "plan.json"
    if not path.is_file():
        raise FileNotFoundError(f"expected a folder of trust results (plan.json), got none at {folder}")
    plan = read_json(path)
    if not isinstance(plan, dict) or not isinstance(plan.get("model", {}), dict):
        raise ValueError(f"expected a plan with named entries, and a network among them, in {path}; got another file")
    for entry in plan.get("explainers", []):
        entry["name"] = present_name(entry["name"])
        entry.setdefault("null_map", entry.pop("control", False))
    return plan


def load_results(folder: Path | str) -> pd.DataFrame:
    """Load every number of a benchmark, finished or still running.

    Parameters
    ----------
    folder : Path
        Of `run_benchmark`, or one with the ``trust_results.csv`` it was
        written to.

    Returns
    -------
    DataFrame
        Columns measure, quantity, method, subject, value; the subject of a
        group comparison is ``"(cohort)"``. NaN: the number has no meaning for
        that map.
    """
    table = Path(folder) / "trust_results.csv"
    rows = []
    for _, entry in _entries(folder):
        for measure, result in entry["measures"].items():
            for quantity, value in result.get("values", {}).items():
                rows.append((measure, quantity, entry["method"], entry["subject"], np.nan if value is None else value))
    if not rows and table.is_file():
        found = read_csv(table, ["measure", "quantity", "method", "subject"])[COLUMNS]
        return found.assign(method=found["method"].map(present_name))
    return pd.DataFrame(rows, columns=COLUMNS)


def load_details(folder: Path | str, *measures: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Load curves and tables behind a measure's numbers, by (method, subject), of a report's folder.

    Of several measures, those of the last one that has any for a method and subject.
    """
    found = {}
    for _, entry in _entries(folder):
        for measure in filter(entry["measures"].__contains__, measures):
            found[entry["method"], entry["subject"]] = entry["measures"][measure].get("details", {})
    path = Path(folder) / "details.json"
    if not found and path.is_file():
        packed = read_json(path)
        rows = [row for measure in measures for row in packed.get(measure, [])]
        found = {(present_name(row["method"]), row["subject"]): row["details"] for row in rows}
    return found


def pack_details(folder: Path | str) -> str:
    """Return the details of detailed measures as JSON, floats cut to five digits: what figures of curves need."""
    packed = {}
    for measure in filter(lambda name: get_measure(name).detailed, measure_names()):
        items = load_details(folder, measure).items()
        packed[measure] = [{"method": m, "subject": s, "details": _short(details)} for (m, s), details in items]
    return json.dumps(packed, separators=(",", ":"))


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def settings_table(results: pd.DataFrame | Path | str) -> pd.DataFrame:
    """Return Kendall's τ of area ranks between occlusion's settings.

    Returns
    -------
    DataFrame
        Columns quantity (see `occlusion_settings`), n, mean, low, high; empty
        if they were not compared.
    """
    results = results if isinstance(results, pd.DataFrame) else load_results(results)
    rows = []
    chosen = results[results["measure"] == SETTINGS]
    for quantity, values in chosen.groupby("quantity", sort=False)["value"]:
        rows.append((quantity, int(values.notna().sum()), *mean_and_interval(values.to_numpy(float))))
    return pd.DataFrame(rows, columns=["quantity", "n", "mean", "low", "high"])


def mean_and_interval(values: np.ndarray, ratio: bool = False) -> tuple[float, float, float]:
    """Return the mean and 95% interval of the finite values; NaN where there is none.

    Parameters
    ----------
    ratio : bool
        The geometric mean and the interval of the logarithms instead; the median, without an interval, where a value is 0.
    """
    values = values[np.isfinite(values)]
    if not values.size:
        return np.nan, np.nan, np.nan
    if ratio and (values <= 0).any():
        return float(np.median(values)), np.nan, np.nan
    if ratio:
        mean, low, high = (float(np.exp(v)) for v in mean_interval(np.log(values)))
        return mean, low, high
    mean, low, high = (float(v) for v in mean_interval(values))
    return mean, low, high
