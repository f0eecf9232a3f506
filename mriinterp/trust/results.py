"""Results of the benchmark, read back: a tidy table, and its summary beside the null maps."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.base.arrays import load_npy
from mriinterp.base.files import read_json
from mriinterp.base.tables import read_csv
from mriinterp.stats import mean_interval
from mriinterp.trust.measure import Quantity
from mriinterp.trust.measure_registry import get_measure, measure_names
from mriinterp.trust.null_maps import present_name
from mriinterp.trust.units import COHORT, SETTINGS

__all__ = [
    "load_details",
    "load_plan",
    "load_results",
    "map_entries",
    "mean_and_interval",
    "pack_details",
    "settings_table",
    "summary",
]

COLUMNS = ["measure", "quantity", "method", "subject", "value"]
SUMMARY = ["measure", "quantity", "label", "unit", "better", "method", "null_map", "n", "mean", "low", "high"]
SUMMARY += ["beats", "not_beaten", "people", "zeros"]


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


def load_details(folder: Path | str, measure: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Load curves and tables behind a measure's numbers, by (method, subject), of a report's folder."""
    found = {}
    for _, entry in _entries(folder):
        if measure in entry["measures"]:
            found[entry["method"], entry["subject"]] = entry["measures"][measure].get("details", {})
    path = Path(folder) / "details.json"
    if not found and path.is_file():
        rows = read_json(path).get(measure, [])
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


def _null_maps(folder_plan: dict[str, Any] | None, methods: list[str]) -> list[str]:
    if folder_plan is not None:
        return [e["name"] for e in folder_plan["explainers"] if e["null_map"] and e["name"] in methods]
    return [name for name in methods if name.startswith("null_")]


def mean_and_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Return the mean and 95 % interval of the finite values; NaN where there is none."""
    values = values[np.isfinite(values)]
    if not values.size:
        return np.nan, np.nan, np.nan
    mean, low, high = (float(v) for v in mean_interval(values))
    return mean, low, high


def _against(table: pd.DataFrame, method: str, nulls: list[str], quantity: Quantity) -> tuple[str, str]:
    """Return which null maps a method beats: differences within subjects, 95 % interval above 0."""
    sign = {"higher": 1.0, "lower": -1.0}.get(quantity.better, 0.0)
    beaten = []
    for null in nulls:
        difference = sign * (table[method] - table[null]).to_numpy(float)
        _, low, _ = mean_and_interval(difference)
        if low > 0:
            beaten.append(null)
    if sign == 0 or not nulls or method in nulls:
        return "", ""
    lost = [null for null in nulls if null not in beaten]
    return ("all" if not lost else "some" if beaten else "none"), ", ".join(lost)


def _given(results: pd.DataFrame, measure: str, quantity: str, method: str, low: float, high: float):
    """Return the interval that a comparison of groups brings along, where subjects are no rows."""
    own = results[(results["measure"] == measure) & (results["method"] == method) & (results["subject"] == COHORT)]
    found = own.set_index("quantity")["value"]
    return found.get(f"{quantity}_low", low), found.get(f"{quantity}_high", high)


def _group_sizes(folder: Path | str) -> dict[str, str]:
    """Return the subjects of the two groups that each method's maps were compared of, ``"12 + 12"``."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name in filter(lambda name: get_measure(name).of_groups, measure_names()):
        found |= load_details(folder, name)
    return {method: " + ".join(map(str, details["n"])) for (method, _), details in found.items() if "n" in details}


def _place(mean: float, better: str) -> tuple[bool, float]:
    """Return the sorting key of a mean, best first, without a number last, ties by name."""
    shown = float(f"{mean:.5g}")
    return math.isnan(mean), shown if better == "lower" else -shown


def summary(results: pd.DataFrame | Path | str) -> pd.DataFrame:
    """Return the mean and 95 % interval over subjects of every quantity, and how it stands beside the null maps.

    Parameters
    ----------
    results : DataFrame or Path
        From `load_results`, or the folder.

    Returns
    -------
    DataFrame
        Columns measure, quantity, label, unit, better, method, null_map
        (bool), n, mean, low, high (t-based; NaN for one value), beats
        (``"all"``, ``"some"`` or ``"none"`` of the null maps: the paired
        difference's interval lies on the better side of 0; "" where that has
        no meaning), not_beaten, people (str: who stands behind the number,
        ``"12 + 12"`` for a comparison of groups, whose n is 1), zeros (how
        many of the numbers are exactly 0, as of a map without a value). In
        the order of the measures, best first.
    """
    plan, groups = None, {}
    if not isinstance(results, pd.DataFrame):
        if (Path(results) / "plan.json").is_file():
            plan = load_plan(results)
        groups = _group_sizes(results)
        results = load_results(results)
    rows = []
    results = results[results["measure"].isin(measure_names())]
    methods = list(dict.fromkeys(results["method"]))
    nulls = _null_maps(plan, methods)
    for name in measure_names():
        measure = get_measure(name)
        for quantity in measure.quantities:
            chosen = results[(results["measure"] == name) & (results["quantity"] == quantity.name)]
            if chosen.empty:
                continue
            table = chosen.pivot_table(index="subject", columns="method", values="value", dropna=False)
            present = [null for null in nulls if null in table]
            found = []
            for method in table.columns:
                mean, low, high = mean_and_interval(table[method].to_numpy(float))
                beats, lost = _against(table, method, present, quantity) if measure.against_null_maps else ("", "")
                low, high = _given(results, name, quantity.name, method, low, high)
                n = int(table[method].notna().sum())
                found.append(
                    {
                        "measure": name,
                        "quantity": quantity.name,
                        "label": quantity.label,
                        "unit": quantity.unit,
                        "better": quantity.better,
                        "method": method,
                        "null_map": method in nulls,
                        "n": n,
                        "mean": mean,
                        "low": low,
                        "high": high,
                        "beats": beats,
                        "not_beaten": lost,
                        "people": groups.get(method, "two groups") if measure.of_groups else str(n),
                        "zeros": int((table[method] == 0).sum()),
                    }
                )
            found.sort(key=lambda row: _place(row["mean"], quantity.better))
            rows += found
    return pd.DataFrame(rows, columns=SUMMARY)
