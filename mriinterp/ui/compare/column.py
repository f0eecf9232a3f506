"""One column of the compare page: what it shows, its text in the address, its name.

In the address a column is ``c=sim-001:occlusion:size=40,stride=25:network``;
parameters at their defaults and the study's own network are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from mriinterp.methods import get_method
from mriinterp.study import Study
from mriinterp.ui.compare.networks import network_label

__all__ = ["Column", "column_labels", "make_column", "read_column", "write_column"]

SAFE = " .-_"


@dataclass(frozen=True)
class Column:
    """What one column shows.

    Parameters
    ----------
    subject : str
        Id in the study; "" for an uploaded scan.
    method : str
    params : tuple of (str, value)
        Those that differ from the method's defaults.
    model : str
        A fold of the study's network, or a packaged network; "" for the study's own.
    """

    subject: str
    method: str
    params: tuple[tuple[str, Any], ...] = ()
    model: str = ""


def make_column(subject: str, method: str, values: dict[str, Any], model: str = "") -> Column:
    """Return a column that remembers only what is not a default."""
    parameters = get_method(method).parameters
    own = tuple((name, value) for name, value in values.items() if value != parameters[name].default)
    return Column(subject, method, own, model)


def write_column(column: Column) -> str:
    """Return a column as text."""
    params = ",".join(f"{name}={quote(str(value), safe=SAFE)}" for name, value in column.params)
    parts = [quote(column.subject, safe=SAFE), column.method, params, quote(column.model, safe=SAFE)]
    return ":".join(parts).rstrip(":")


def read_column(text: str) -> Column:
    """Read the column that `write_column` wrote; KeyError or ValueError for anything else."""
    parts = text.split(":")
    if not 2 <= len(parts) <= 4:
        raise ValueError(f"expected subject:method:parameters:network, got {text!r}")
    subject, method, params, model = parts + [""] * (4 - len(parts))
    pairs = [pair.partition("=") for pair in params.split(",") if pair]
    values = get_method(method).resolve({name: unquote(value) for name, _, value in pairs})
    return make_column(unquote(subject), method, values, unquote(model))


def column_labels(columns: Sequence[Column], study: Study) -> list[str]:
    """Return short names that distinguish columns: only what differs between them."""

    def facts(column: Column) -> list[str]:
        subject = column.subject or "uploaded scan"
        if column.subject:
            subject += f" · {study.group_of(column.subject)}"
        return [subject, get_method(column.method).label, network_label(column.model)]

    rows = [facts(column) for column in columns]
    differs = [len({row[n] for row in rows}) > 1 for n in range(3)]
    labels = []
    for column, row in zip(columns, rows, strict=True):
        parts = [part for part, shown in zip(row, differs, strict=True) if shown]
        alike = {other.params for other in columns if other.method == column.method}
        if len(alike) > 1:
            parts.append(", ".join(f"{name} {value}" for name, value in column.params) or "defaults")
        labels.append(" · ".join(parts) or row[1])
    return [label if labels.count(label) == 1 else f"{n}. {label}" for n, label in enumerate(labels, 1)]
