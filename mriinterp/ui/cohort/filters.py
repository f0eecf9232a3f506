"""Which scans of a cohort are averaged."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from mriinterp.cohort import CohortResult
from mriinterp.ui.base.choice import segments
from mriinterp.ui.base.linked import linked, linked_list

__all__ = ["choose_scans", "keep_scans", "probability_column"]

OUTCOMES = {"all": "All", "right": "Right", "wrong": "Wrong"}


def probability_column(result: CohortResult) -> str | None:
    """Return the column of `subjects` with the probability of the positive class, if it is known."""
    known = result.subjects.dropna(axis=1, how="all").columns
    name = f"p_{result.run['classes'].get(result.positive, '')}"
    return name if name in known else next((column for column in known if column.startswith("p_")), None)


def keep_scans(
    table: pd.DataFrame,
    *,
    splits: list[str] | None = None,
    outcome: str = "all",
    sexes: list[str] | None = None,
    ages: tuple[float, float] | None = None,
    probability: tuple[str, float, float] | None = None,
) -> list[str]:
    """Return the ids of the scans that fulfil every condition, in order.

    Parameters
    ----------
    table : DataFrame
        Of `CohortResult.subjects`.
    splits, sexes : list of str, optional
        None: any. A list lets only these through.
    outcome : {"all", "right", "wrong"}
        What the network makes of the scan.
    ages : (low, high), optional
        In years, both ends included; scans of unknown age stay out.
    probability : (column, low, high), optional
    """
    keep = pd.Series(True, index=table.index)
    if splits is not None:
        keep &= table["split"].isin(splits)
    if sexes is not None:
        keep &= table["sex"].isin(sexes)
    if outcome != "all":
        keep &= (table["correct"] == (outcome == "right")).fillna(False).astype(bool)
    if ages is not None:
        keep &= table["age"].between(*ages)
    if probability is not None:
        column, low, high = probability
        keep &= table[column].between(low, high)
    return table.index[keep].tolist()


def choose_scans(result: CohortResult) -> list[str] | None:
    """Show the widgets of the filters; return the scans that remain, or None when nothing is filtered."""
    table = result.subjects
    splits = _several("Split", "split", table)
    outcome = "all"
    if table["correct"].notna().any():
        outcome = segments("What the network says", "outcome", OUTCOMES, named=True, width="stretch")
    sexes = _several("Sex", "sex", table)
    ages = _range("Age / years", "age", table, step=1.0)
    column = probability_column(result)
    share = _range(f"Probability of {column[2:]}", "probability", None, step=0.01) if column else None
    if splits is sexes is ages is share is None and outcome == "all":
        return None
    probability = (column, *share) if column and share else None
    return keep_scans(table, splits=splits, outcome=outcome, sexes=sexes, ages=ages, probability=probability)


def _several(label: str, key: str, table: pd.DataFrame) -> list[str] | None:
    """Choose among the values of a column; None if all are wanted or there is only one."""
    values = sorted({str(v) for v in table[key]} - {""}) if key in table else []
    if len(values) < 2:
        return None
    chosen = st.pills(
        label,
        values,
        selection_mode="multi",
        key=linked_list(key, values, values),
        persist_state="session",
    )
    return None if set(chosen) == set(values) or not chosen else list(chosen)


def _range(label: str, key: str, table: pd.DataFrame | None, step: float) -> tuple[float, float] | None:
    """Show a slider with two ends; None if nothing is left out. In the address: ``age=60..80``."""
    low, high = 0.0, 1.0
    if table is not None:
        known = table[key].dropna() if key in table else []
        if len(known) == 0 or float(min(known)) == float(max(known)):
            return None
        low, high = float(min(known)) // step * step, -(-float(max(known)) // step) * step

    def parse(text: str) -> tuple[float, float]:
        first, last = (float(part) for part in text.split(".."))
        return first, last

    link = linked(
        key,
        (low, high),
        cast=parse,
        valid=lambda ends: low <= ends[0] <= ends[1] <= high,
        text=lambda ends: f"{ends[0]:g}..{ends[1]:g}",
        shows=lambda ends: f"{ends[0]:g} to {ends[1]:g}",
    )
    st.slider(label, low, high, step=step, format="%.0f" if step == 1 else "%.2f", key=link, persist_state="session")
    first, last = link.value
    return None if (first, last) == (low, high) else (float(first), float(last))
