"""Why Grad-CAM says little about a network of few cells: the four reasons, in sentences made from computed figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from torch import nn

from mriinterp.base.numerals import percent
from mriinterp.methods.cells import Narrowing, drawn_centres, narrowings, read_box
from mriinterp.trust.words import randomised_words, row_of

__all__ = ["narrowing_table", "reasons"]

METHOD = "grad_cam"


def _by(numbers: Sequence[int]) -> str:
    return "×".join(map(str, numbers))


def narrowing_table(module: nn.Module, shape: Sequence[int], step_mm: float) -> pd.DataFrame:
    """Return a row for each convolution and pooling: kind, cells that remain, and in mm their step and what is dropped."""
    rows = [
        {
            "layer": f"{one.kind} {_by(one.kernel)}",
            "cells": _by([axis.n for axis in one.cells]),
            "step / mm": round(one.cells[0].step * step_mm, 1),
            "dropped / mm": " ".join(f"{lost * step_mm:.0f}" for lost in one.lost),
        }
        for one in narrowings(module, shape)
    ]
    return pd.DataFrame(rows)


def _last(found: Sequence[Narrowing]) -> Narrowing:
    return [one for one in found if one.kind == "convolution"][-1]


def reasons(module: nn.Module, shape: Sequence[int], step_mm: float, table: pd.DataFrame) -> list[str]:
    """Return the reasons, a sentence or two each; those that do not hold for this network are left out.

    Parameters
    ----------
    module : nn.Module
    shape : sequence of int
        Of the scan.
    step_mm : float
        Size of a voxel.
    table : DataFrame
        From `mriinterp.trust.summary`; may be empty.
    """
    found = narrowings(module, shape)
    last, end = _last(found), found[-1]
    words = [
        f"**Few cells.** The last convolution leaves {_by([a.n for a in last.cells])} cells of a scan of {_by(shape)} voxels: "
        f"one every {last.cells[0].step * step_mm:.0f} mm. What is drawn between them is interpolation. "
        f"What decides afterwards sees {_by([a.n for a in end.cells])}."
    ]
    box = read_box(end.cells, shape)
    unread = 1 - np.prod([(s.stop - s.start) / n for s, n in zip(box, shape, strict=True)])
    if unread > 0:
        lost = max(end.lost) * step_mm
        words.append(
            f"**A border is dropped.** Where the number of cells is no multiple of a pooling's stride, the rest at the far "
            f"end is not read: the last pooling alone drops up to {lost:.0f} mm, and {percent(unread)} of the scan's voxels "
            f"reach no cell that decides. Grad-CAM may mark them all the same, as it is taken before that pooling."
        )
    far = max(
        float(np.abs(drawn_centres(axis.n, n) - axis.centres).max()) for axis, n in zip(last.cells, shape, strict=True)
    )
    words.append(
        f"**Drawn at the wrong place.** The published code stretches the first and the last cell to the corners: a cell is "
        f"drawn up to {far:.0f} voxels ({far * step_mm:.0f} mm) from the middle of what it reads."
    )
    state = randomised_words(table, METHOD) if len(table) else None
    if state is not None and state.state == "empty":
        words.append(
            f"**Empty maps.** Values before the activation are weighted by one mean gradient a channel; where all weights "
            f"pull down, nothing above 0 remains: {state.reason.partition(';')[0]}."
        )
    row = row_of(table, "localisation", "mass_accuracy_read", METHOD) if len(table) else None
    if row is not None:
        words.append(
            f"**What it comes to.** {percent(row['mean'], 1)} of its relevance lies in diseased tissue here"
            + ("; no null map is beaten." if row["beats"] == "none" else ".")
        )
    return words
