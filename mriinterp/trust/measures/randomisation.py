"""Randomisation: does the map depend on what the network has learned?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.base.numerals import decimals
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.compare.map_distances import ssim, window_reach
from mriinterp.figures.trustcurves import cascade_lines
from mriinterp.trust.case import Case
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Badge, Curves, Outcome, Quantity, Series, Work
from mriinterp.trust.measure_registry import register_measure
from mriinterp.trust.measures.regional import rank_correlation
from mriinterp.trust.words import ALIKE, RANDOMISED, Randomised, label_of, randomised_words

__all__ = ["cascade", "randomisation"]

SAMPLE = 60_000  # voxels: the standard error of ρ is then below 0.005


def _sample(mask: np.ndarray) -> np.ndarray:
    """Return flat indices of the mask, at most `SAMPLE` of them: ranks of all voxels would cost more than the maps."""
    inside = np.flatnonzero(mask)
    if inside.size > SAMPLE:
        inside = np.sort(np.random.default_rng(0).choice(inside, SAMPLE, replace=False))
    return inside


def _rank_similarity(a: np.ndarray, b: np.ndarray, inside: np.ndarray) -> float:
    """Return Spearman's ρ; 0 for a map that does not vary."""
    rho = rank_correlation(a.ravel()[inside], b.ravel()[inside])
    return 0.0 if math.isnan(rho) else rho


def _structural_similarity(a: np.ndarray, b: np.ndarray, mask: np.ndarray) -> float:
    """Return SSIM inside a mask; 0 for a map without relevance there, NaN where no window fits into the map."""
    if not (a[mask].any() and b[mask].any()):
        return 0.0
    reach = window_reach()
    inner = mask[tuple(slice(reach, n - reach) for n in mask.shape)]
    if not inner.any():
        return math.nan
    box = tuple(slice(int(hit.min()), int(hit.max()) + 2 * reach + 1) for hit in np.nonzero(inner))
    return ssim(a[box], b[box], mask[box])


def _likeness(
    original: np.ndarray, other: np.ndarray, inside: np.ndarray, mask: np.ndarray
) -> tuple[float, float] | None:
    """Return Spearman's ρ and SSIM of another map with the original; None if the other is empty."""
    if not other[mask].any():
        return None
    return _rank_similarity(original, other, inside), _structural_similarity(original, other, mask)


def cascade(
    case: Case,
    explainer: Explainer,
    relevance: np.ndarray,
    *,
    steps: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield maps of the network as more and more of its layers are random, from the output down.

    Parameters
    ----------
    steps : int, optional
        How many of the steps to show, evenly spread; the last, where all
        layers are random, is always one. Default all.

    Yields
    ------
    (str, array)
        The first layer of the group re-initialised last, and the map, signed.
    """
    from mriinterp.trust.random_networks import layer_groups, randomised

    groups = layer_groups(case.module, case.x)
    count = len(groups) if steps is None else max(1, min(steps, len(groups)))
    shown = set(np.round(np.linspace(len(groups), 0, count, endpoint=False)).astype(int) - 1)
    names: list[str] = []
    for step, group in enumerate(groups):
        check_cancel(cancel)
        names += group
        if step not in shown:
            continue
        other = randomised(case.module, names, seed)
        yield group[0], explainer(case, module=other, cancel=cancel)
        tell(progress, step + 1, len(groups))


STATES = {
    "passes": "Passes",
    "fails": "Fails",
    "alike": "Passes only in part: less like a random network's map than two subjects' maps are, and yet like it",
    "undecided": "Undecided",
    "empty": "Undecided",
}


def _verdict(table: pd.DataFrame, method: str) -> str:
    """Return whether a method passes, with its numbers; "" where it was not measured."""
    found = randomised_words(table, method)
    return "" if found is None else "; ".join(filter(None, [f"{STATES[found.state]}: {found.reason}", found.ssim]))


def _series(
    case: Case, explainer: Explainer, relevance: np.ndarray, **options: Any
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the maps of `cascade` under names for people."""
    for layer, values in cascade(case, explainer, relevance, **options):
        yield f"random down to {layer}", values


BADGES = {
    "passes": ("passes randomisation", "✓"),
    "fails": ("fails randomisation", "✗"),
    "alike": ("passes randomisation only in part", "~"),
    "undecided": ("randomisation undecided", "?"),
    "empty": ("randomisation undecided", "?"),
}


def _badge(table: pd.DataFrame, method: str) -> tuple[str, str] | None:
    """Return words, with the numbers behind them, and mark; None where the method was not measured."""
    found = randomised_words(table, method)
    if found is None:
        return None
    words, mark = BADGES[found.state]
    return (f"{words} ({found.short})" if found.short else words), mark


def _with_rho(rows: dict[str, Randomised], state: str) -> str:
    """Return the methods of a state, each with the ρ of the random network's map, and where SSIM says otherwise."""
    found = []
    for method, row in rows.items():
        if row.state == state:
            rho = (
                ""
                if math.isnan(row.rho)
                else f" (ρ {decimals(row.rho, 2)}{'; SSIM says otherwise' if row.ssim else ''})"
            )
            found.append(label_of(method) + rho)
    return "; ".join(found) or "none"


def _drawn(rows: dict[str, Randomised]) -> str:
    """Return how many random networks were drawn, in words."""
    drawn = max(row.networks for row in rows.values())
    if drawn == 1:
        return "one random network was drawn; ρ of each map with its map"
    return f"{drawn} random networks were drawn; mean ρ of each map with theirs"


def _findings(table: pd.DataFrame, methods: list[str]) -> list[str]:
    """Return which methods pass, which fail, and which are undecided."""
    rows = {m: row for m in methods if (row := randomised_words(table, m)) is not None}
    if not rows:
        return []
    states = {row.state for row in rows.values()}
    found = [
        f"Randomisation ({_drawn(rows)}) is failed, the random network's map "
        f"being more alike than another subject's, by: {_with_rho(rows, 'fails')}. It is passed (less alike than "
        f"another subject's, and ρ below {ALIKE}) by: {_with_rho(rows, 'passes')}."
    ]
    if "alike" in states:
        found.append(f"Less alike than another subject's, and alike all the same: {_with_rho(rows, 'alike')}.")
    if "undecided" in states:
        found.append(f"Undecided for: {_with_rho(rows, 'undecided')}.")
    if "empty" in states:
        empty = [f"{label_of(m)} ({row.reason})" for m, row in rows.items() if row.state == "empty"]
        found.append(f"Undecided where there is no map to compare with: {'; '.join(empty)}.")
    return found


@register_measure(
    "randomisation",
    label="Randomisation of the network",
    question="Does the map change when the network's weights are made random, layer by layer from the output down?",
    reference="Adebayo et al. 2018",
    cost="costly",
    against_null_maps=False,
    needs=("subjects",),
    order=50,
    aspect="network",
    tab="Randomisation",
    computed=(
        "layers are re-initialised from the output down on a copy of the network; Spearman's ρ of the last map with the "
        "original, the mean over five random networks, the same for all subjects (a quick benchmark: one), minus the ρ of "
        f"two subjects' maps. Failed: interval above 0. Passed: below 0, and ρ itself below {ALIKE}. An empty map "
        "is left out; undecided where a subject's own map is empty, or those of all random networks are"
    ),
    note=(
        "A map passes if it is less like the random network's map than the maps of two "
        f"subjects are like each other, and not like it in absolute terms either (ρ below {ALIKE}). Adebayo et al. 2018 "
        "look at the likeness to the random network's map alone: theirs is another criterion."
    ),
    settings={"full": {"steps": 4, "networks": 5}, "quick": {"steps": 2}},
    work=lambda s, areas, plan: Work(maps=(s["steps"] or 7) + s.get("networks", 1) - 1 + plan.others),
    detailed=True,
    curves=Curves(cascade_lines, "null_edges"),
    series=Series(
        _series,
        "as trained",
        "{} of randomised networks",
        "From left to right more and more layers of the network are random, from the output down. Each map has its own "
        "colour scale. A map that stays the same although the layers are random shows the scan, not what the network "
        "has learned.",
    ),
    badge=Badge("randomisation", _badge, RANDOMISED, order=30),
    findings=_findings,
    verdict=_verdict,
    quantities=(
        Quantity(
            "excess",
            "Similarity to the random network's map beyond that of two subjects",
            "lower",
            "ρ",
            head="Random- isation",
            line="randomisation",
        ),
        Quantity("rho_random", "Spearman's ρ with the maps of fully random networks", "lower", "ρ"),
        Quantity("rho_spread", "Standard deviation of that ρ over random networks", "", "ρ"),
        Quantity("networks", "Random networks drawn", "", "networks"),
        Quantity("empty", "Subjects whose own map is empty, so that it is like no other", "", "share"),
        Quantity("rho_subjects", "Spearman's ρ with the map of another subject", "", "ρ"),
        Quantity("ssim_random", "SSIM with the maps of fully random networks", "lower", "1 = equal"),
        Quantity("ssim_subjects", "SSIM with the map of another subject", "", "1 = equal"),
    ),
)
def randomisation(
    case: Case,
    explainer: Explainer,
    relevance: np.ndarray,
    *,
    steps: int | None = None,
    networks: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Similarity of the map, as it is read, to maps of networks with random layers.

    A map of a random network holds nothing about the disease. If it is as
    much like the original as the maps of two different subjects are like each
    other, or more, the map shows the scan and not what was learned.

    Parameters
    ----------
    steps : int, optional
        See `cascade`, which is that of the first network.
    networks : int
        Random networks, from seeds that follow each other, whose similarities are averaged; those whose map is
        empty have none and are left out, unless all of them are.
    """
    original = explainer.read(relevance)
    inside = _sample(case.mask)
    layers, rhos, last = [], [], original
    for name, values in cascade(case, explainer, relevance, steps=steps, seed=seed, progress=progress, cancel=cancel):
        last = explainer.read(values)
        layers.append(name)
        rhos.append(_rank_similarity(original, last, inside))
    random = [_likeness(original, last, inside, case.mask)]
    for number in range(1, networks):
        for _, values in cascade(case, explainer, relevance, steps=1, seed=seed + number, cancel=cancel):
            random.append(_likeness(original, explainer.read(values), inside, case.mask))
    drawn = np.array([one for one in random if one is not None] or [(0.0, 0.0)])
    rho_random, ssim_random = drawn.mean(axis=0).tolist()
    between = []
    for other in case.others:
        check_cancel(cancel)
        between.append(_likeness(original, explainer.read(explainer(case, x=other, cancel=cancel)), inside, case.mask))
    known = np.array([one for one in between if one is not None] or [(math.nan, math.nan)])
    rho_subjects, ssim_subjects = known.mean(axis=0).tolist()
    if empty := not original[case.mask].any():  # it is like nothing, and unlike nothing
        rho_random = ssim_random = rho_subjects = ssim_subjects = math.nan
    found = {
        "excess": rho_random - rho_subjects,
        "rho_random": rho_random,
        "rho_spread": float(drawn[:, 0].std(ddof=1)) if len(drawn) > 1 and not empty else math.nan,
        "networks": float(networks),
        "empty": float(empty),
        "rho_subjects": rho_subjects,
        "ssim_random": ssim_random,
        "ssim_subjects": ssim_subjects,
    }
    return Outcome(
        found, {"layers": layers, "rho": rhos, "random": [None if one is None else one[0] for one in random]}
    )
