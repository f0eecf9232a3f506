"""Summary of a benchmark: means and intervals of every number, beside the null maps, corrected for the number of comparisons."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.trust.agreement import load_agreement, same_maps
from mriinterp.trust.crossed import crossed_values, two_way_interval
from mriinterp.trust.inference import family_p
from mriinterp.trust.measure import Quantity
from mriinterp.trust.measure_registry import get_measure, measure_names
from mriinterp.trust.results import load_details, load_plan, load_results, mean_and_interval
from mriinterp.trust.units import COHORT
from mriinterp.trust.wide import wide_tables

__all__ = ["LEVEL", "summary", "summary_table"]

LEVEL = 0.05  # of the family-wise error
COLUMNS = ["measure", "quantity", "label", "unit", "better", "method", "null_map", "n", "mean", "low", "high"]
COLUMNS += ["beats", "not_beaten", "p_holm", "p_max_t", "same_as", "people", "zeros"]
TEXTS = ["measure", "quantity", "label", "unit", "better", "method", "beats", "not_beaten", "same_as", "people"]


def summary_table(rows: Sequence[Any]) -> pd.DataFrame:
    """Return rows as the table of a summary; its texts are objects, which are compared at a tenth of the time of strings."""
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(TEXTS, object))


def _null_maps(folder_plan: dict[str, Any] | None, methods: list[str]) -> list[str]:
    if folder_plan is not None and folder_plan.get("explainers"):
        return [e["name"] for e in folder_plan["explainers"] if e["null_map"] and e["name"] in methods]
    return [name for name in methods if name.startswith("null_")]


def _against(values: dict[str, np.ndarray], method: str, nulls: list[str], quantity: Quantity) -> tuple[str, str]:
    """Return which null maps a method beats: differences within subjects, 95% interval above 0."""
    sign = {"higher": 1.0, "lower": -1.0}.get(quantity.better, 0.0)
    if sign == 0 or not nulls or method in nulls:
        return "", ""
    lost = [null for null in nulls if not mean_and_interval(sign * (values[method] - values[null]))[1] > 0]
    return ("all" if not lost else "none" if len(lost) == len(nulls) else "some"), ", ".join(lost)


def _given(whole: dict[tuple[str, str], float], quantity: str, method: str, low: float, high: float):
    """Return the interval that a comparison of groups brings along, where subjects are no rows."""
    return whole.get((method, f"{quantity}_low"), low), whole.get((method, f"{quantity}_high"), high)


def _of_groups(results: pd.DataFrame, measure: str) -> dict[tuple[str, str], float]:
    """Return what a measure found of whole groups, by method and quantity."""
    own = results[(results["measure"] == measure) & (results["subject"] == COHORT)]
    return dict(zip(zip(own["method"], own["quantity"], strict=True), own["value"], strict=True))


def _group_sizes(folder: Path | str) -> dict[str, str]:
    """Return the subjects of the two groups that each method's maps were compared of, ``"12 + 12"``."""
    names = [name for name in measure_names() if get_measure(name).of_groups]
    found = load_details(folder, *names)
    return {method: " + ".join(map(str, details["n"])) for (method, _), details in found.items() if "n" in details}


def _place(mean: float, better: str) -> tuple[bool, float]:
    """Return the sorting key of a mean, best first, without a number last, ties by name."""
    shown = float(f"{mean:.5g}")
    return math.isnan(mean), shown if better == "lower" else -shown


def summary(
    results: pd.DataFrame | Path | str,
    only: Collection[tuple[str, str]] | None = None,
    *,
    read: pd.DataFrame | None = None,
    alike: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the mean and 95% interval over subjects of every quantity, and how it stands beside the null maps.

    Parameters
    ----------
    results : DataFrame or Path
        From `load_results`, or the folder.
    only : collection of (measure, quantity), optional
        The rows that are wanted: less work, and verdicts are corrected for all comparisons as ever.
    read, alike : DataFrame, optional
        What `load_results` and `load_agreement` returned of the folder, where that is at hand.

    Returns
    -------
    DataFrame
        Columns measure, quantity, label, unit, better, method, null_map
        (bool), n, mean, low, high (t-based; NaN for one value; of ratios by
        their logarithms), beats
        (``"all"``, ``"some"`` or ``"none"`` of the null maps: the paired
        difference's interval lies on the better side of 0; ``"uncorrected"``
        for all of them in the main table where p_max_t is not below `LEVEL`;
        "" where that has no meaning), not_beaten, p_holm and p_max_t (see
        `family_p`; NaN for numbers outside the main table), same_as (the
        method whose maps these are, too; "" for maps of its own), people (str: who stands behind the number,
        ``"12 + 12"`` for a comparison of groups, whose n is 1), zeros (how
        many of the numbers are exactly 0, as of a map without a value). In
        the order of the measures, best first.
    """
    plan, groups, same = None, {}, {}
    if not isinstance(results, pd.DataFrame):
        if (Path(results) / "plan.json").is_file():
            plan = load_plan(results)
        groups, same = _group_sizes(results), same_maps(load_agreement(results) if alike is None else alike)
        results = load_results(results) if read is None else read
    rows = []
    results = results[results["measure"].isin(measure_names())]
    methods = results["method"].unique().tolist()
    nulls = _null_maps(plan, methods)
    asked = measure_names() if only is None else {name for name, _ in only}
    tested = any(get_measure(name).against_null_maps for name in asked)
    if not tested:  # no verdict is asked for: the family of all of them is most of the work
        results = results[results["measure"].isin(list(asked))]
    tables = wide_tables(results, ["measure", "quantity"], "method")
    family = family_p(tables, nulls, same).set_index(["measure", "quantity", "method"])
    corrected = dict(zip(family.index, family[["p_holm", "p_max_t"]].to_numpy(float).tolist(), strict=True))
    crossed = crossed_values(results)
    for name in measure_names():
        measure = get_measure(name)
        whole = _of_groups(results, name) if measure.of_groups else {}
        for quantity in measure.quantities:
            wanted = only is None or (name, quantity.name) in only
            table = tables.get((name, quantity.name)) if wanted else None
            if table is None:
                continue
            values = dict(zip(table.columns, table.to_numpy(float).T, strict=True))
            present = [null for null in nulls if null in values]
            found = []
            for method, own in values.items():
                mean, low, high = mean_and_interval(own, quantity.ratio)
                beats, lost = _against(values, method, present, quantity) if measure.against_null_maps else ("", "")
                p_holm, p_max_t = corrected.get((name, quantity.name, method), (math.nan, math.nan))
                if beats == "all" and p_max_t >= LEVEL:
                    beats = "uncorrected"
                if measure.of_groups:
                    low, high = _given(whole, quantity.name, method, low, high)
                if (name, quantity.name, method) in crossed:
                    low, high = two_way_interval(crossed[name, quantity.name, method])
                n = int((~np.isnan(own)).sum())
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
                        "p_holm": p_holm,
                        "p_max_t": p_max_t,
                        "same_as": same.get(method, ""),
                        "people": groups.get(method, "two groups") if measure.of_groups else str(n),
                        "zeros": int((own == 0).sum()),
                    }
                )
            found.sort(key=lambda row: _place(row["mean"], quantity.better))
            rows += found
    return summary_table(rows)
