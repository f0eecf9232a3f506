"""Deletion and insertion: does the score fall when the most relevant parts are replaced?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mriinterp.base.progress import Cancel, Progress
from mriinterp.figures.trustcurves import deletion_curves
from mriinterp.trust.blocks import equal_blocks
from mriinterp.trust.case import Case
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Badge, Curves, Outcome, Quantity, Work
from mriinterp.trust.measure_registry import register_measure
from mriinterp.trust.words import beside_null_maps, row_of

__all__ = ["HiddenSteps", "area_between", "block_order", "cut_blocks", "deletion", "hidden_by_count"]

BLOCKS_A_STEP = 16
STEPS = 20


class HiddenSteps(Sequence):
    """Masks of the blocks hidden at each step, each made when it is asked for."""

    def __init__(self, blocks: np.ndarray, hidden: list[np.ndarray]):
        self.blocks, self.hidden = blocks, hidden

    def __len__(self) -> int:
        return len(self.hidden)

    def __getitem__(self, step: int) -> np.ndarray:  # type: ignore[override]  # one step at a time
        return np.append(self.hidden[step], False)[self.blocks]  # -1, outside the mask, reads the False


def cut_blocks(mask: np.ndarray, steps: int = STEPS) -> tuple[np.ndarray, int]:
    """Return a mask cut into equal blocks, and how many of them are half of it: a multiple of `steps`."""
    groups = max(1, min(BLOCKS_A_STEP, int(np.count_nonzero(mask)) // (2 * steps)))
    return equal_blocks(mask, 2 * steps * groups), steps * groups


def block_order(values: np.ndarray, blocks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Order blocks from the largest mean value to the smallest, ties at random.

    Parameters
    ----------
    values : array, shape (i, j, k)
    blocks : array of int, shape (i, j, k)
        From `equal_blocks`.
    """
    inside = blocks >= 0
    means = np.bincount(blocks[inside], values[inside]) / np.bincount(blocks[inside])
    shuffled = rng.permutation(len(means))
    return shuffled[np.argsort(-means[shuffled], kind="stable")]


def area_between(upper: np.ndarray, lower: np.ndarray) -> float:
    """Return the mean distance of two curves over their steps (the common start left out)."""
    return float(np.mean(np.asarray(upper, float) - np.asarray(lower, float)))


def hidden_by_count(order: np.ndarray, counts: np.ndarray) -> list[np.ndarray]:
    """Return, for each count, which blocks are among the first of an order."""
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    return [rank < count for count in counts]


def _badge(table: pd.DataFrame, method: str) -> tuple[str, str] | None:
    """Return words and mark beside the null maps; worse than chance where the interval lies below 0."""
    row = row_of(table, "deletion", "abpc", method)
    if row is not None and row["high"] < 0:
        return "worse than chance on deletion", "✗"
    return beside_null_maps(table, "deletion", method)


@register_measure(
    "deletion",
    label="Deletion and insertion",
    question="Does the network's score fall when the most relevant parts of the brain are replaced by the control mean?",
    reference="Samek et al. 2017; Blücher et al. 2024 (area between the curves)",
    order=10,
    tab="Faithfulness",
    computed=(
        "Ω is cut into equal-volume blocks, ranked by mean φ; the top k/20 up to half of Ω are replaced; mean over k of "
        "f(least relevant first) − f(most relevant first). Insertion puts blocks back into a wholly replaced Ω."
    ),
    quantities=(
        Quantity(
            "abpc", "Area between the deletion curves", "higher", "logits", head="Deletion", line="deletion, logits"
        ),
        Quantity("abpc_insertion", "Area between the insertion curves", "higher", "logits"),
        Quantity(
            "abpc_read",
            "The same deletion, blocks ranked by the map as it is read",
            "higher",
            "logits",
            head="Deletion, as read",
        ),
    ),
    settings={"full": {"insertion_steps": 10}, "quick": {"steps": 4, "insertion_steps": 2}},
    work=lambda s, areas, plan: Work(passes=2 * s["steps"] + 4 * (s["insertion_steps"] or s["steps"])),
    detailed=True,
    curves=Curves(
        deletion_curves,
        "null_random",
        "Full: the most relevant blocks are replaced first. Dashed: the least relevant first.",
    ),
    badge=Badge("faithfulness", _badge, order=20),
    beats="Deletion by the most relevant blocks hurts the score more than by any null map's for: {}.",
    below_zero="Worse than chance: hiding what it marks most hurts less than hiding what it marks least",
    worse=(
        "Worse than chance on deletion (interval below 0: hiding what they mark most hurts the score less than hiding "
        "what they mark least): {}."
    ),
)
def deletion(
    case: Case,
    explainer: Explainer,
    relevance: np.ndarray,
    *,
    steps: int = STEPS,
    insertion_steps: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Area between the curves of f, least and most relevant blocks first.

    Ω is cut into equal-volume blocks, ranked by their mean of φ. Deletion
    replaces the first k of L groups of blocks by the reference, up to half
    of Ω; insertion starts with all of Ω replaced and puts them back. The
    area is the mean over k of f(least relevant first) − f(most relevant
    first), the other way round for insertion; about 0 for a random order.

    Parameters
    ----------
    steps : int
        L.
    insertion_steps : int, optional
        Steps of insertion and of the order by the map as read; default L.
    """
    blocks, half = cut_blocks(case.mask, steps)
    fine = half // steps * np.arange(1, steps + 1)
    coarse = np.round(np.linspace(0, half, (insertion_steps or steps) + 1)[1:]).astype(int)
    order = block_order(relevance, blocks, case.rng("deletion ties"))
    parts = {
        "most": hidden_by_count(order, fine),
        "least": hidden_by_count(order[::-1], fine),
        "insert_most": [~first for first in hidden_by_count(order, coarse)],
        "insert_least": [~first for first in hidden_by_count(order[::-1], coarse)],
    }
    read = explainer.read(relevance)
    other = block_order(read, blocks, case.rng("deletion ties"))
    if not np.array_equal(other, order):
        parts |= {"read_most": hidden_by_count(other, coarse), "read_least": hidden_by_count(other[::-1], coarse)}
    masks = [hidden for part in parts.values() for hidden in part]
    values = case.scores(HiddenSteps(blocks, masks), progress=progress, cancel=cancel)
    ends = np.cumsum([len(part) for part in parts.values()])
    curves = dict(zip(parts, np.split(values, ends[:-1]), strict=True))
    found = {
        "abpc": area_between(curves["least"], curves["most"]),
        "abpc_insertion": area_between(curves["insert_most"], curves["insert_least"]),
    }
    if "read_most" in curves:
        found["abpc_read"] = area_between(curves["read_least"], curves["read_most"])
    else:
        found["abpc_read"] = found["abpc"]
    details = {name: curve.tolist() for name, curve in curves.items()}
    shares = {"share": (fine / (2 * half)).tolist(), "share_coarse": (coarse / (2 * half)).tolist()}
    return Outcome(found, {"clean": case.clean, **shares, **details})
