"""Agreement of relevance with a pattern that is expected: weights of areas, for studies without ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mriinterp.areas import Atlas, merge_table
from mriinterp.base.atomic import made_folder
from mriinterp.base.names import composed
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.base.tables import parse_table, write_tsv
from mriinterp.export.html_report import Report
from mriinterp.figures.theme import apply_theme
from mriinterp.study import Study
from mriinterp.trust.bench import Bench
from mriinterp.trust.beside_nulls import COLUMNS, beside_null_maps, dots, shown_table
from mriinterp.trust.explainers import Explainer, null_explainers
from mriinterp.trust.measures.regional import rank_correlation
from mriinterp.trust.words import label_of

__all__ = ["QUANTITIES", "expected_agreement", "measure_expected", "read_expected", "write_expected"]

QUANTITIES = {
    "rho": "Spearman's ρ of areas' relevance and weight",
    "ndcg": "nDCG of areas ranked by relevance (1: as expected)",
    "top_k": "Share of expected areas among as many of most relevance",
}
SUBJECTS = 12


def read_expected(path: str | Path, atlas: Atlas) -> dict[int, float]:
    """Return the weight of each area of an atlas, by label; areas that are not listed weigh 0.

    Parameters
    ----------
    path : path
        A table (CSV or TSV) with the columns area and weight. A name without its side counts for both sides.
    atlas : Atlas

    Raises
    ------
    ValueError
        For other columns, names that the atlas does not have, an area named twice, weights that are no numbers of 0 or
        more, or all the same.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"expected a table of areas and weights, got no file at {path}")
    table = parse_table(path.read_text(encoding="utf-8-sig"), path.name)
    table.columns = [str(name).strip().lower() for name in table]
    if not {"area", "weight"} <= set(table):
        raise ValueError(f"{path.name}: expected the columns area and weight, got {', '.join(table)}")
    areas = zip(atlas.areas["label"], atlas.areas["name"], strict=True)
    names = {composed(str(name)): (int(label),) for label, name in areas}
    sides = {str(row["area"]): tuple(map(int, row["labels"])) for _, row in merge_table(atlas).iterrows()}
    weights: dict[int, float] = dict.fromkeys((label for labels in names.values() for label in labels), 0.0)
    given: set[int] = set()
    unknown = [name for name in table["area"] if name not in names and name not in sides]
    if unknown:
        raise ValueError(
            f"{path.name}: expected areas of the atlas {atlas.name}, got {', '.join(unknown[:5])}; available: "
            f"{', '.join([*list(sides)[:8], '…'])}"
        )
    for name, text in zip(table["area"], table["weight"], strict=True):
        try:
            weight = float(text)
        except ValueError:
            weight = float("nan")
        if not np.isfinite(weight) or weight < 0:
            raise ValueError(f"{path.name}: expected weights of 0 or more, got {text!r} for {name}")
        labels = names.get(name) or sides[name]
        if given & set(labels):
            raise ValueError(f"{path.name}: expected each area once, got {name} again")
        given |= set(labels)
        weights |= dict.fromkeys(labels, weight)
    if len(set(weights.values())) < 2:
        raise ValueError(f"{path.name}: expected weights that differ between areas, got the same for all")
    return weights


def expected_agreement(relevance: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """Return how far areas' relevance follows expected weights.

    Parameters
    ----------
    relevance : array, shape (areas,)
        Mean relevance of each area, as the method is read; higher is more.
    weights : array, shape (areas,)
        0 for areas where none is expected.

    Returns
    -------
    dict of str to float
        rho: Spearman's correlation. ndcg: normalised discounted cumulative gain with the weights as gains, ties in the
        mean of their order (Järvelin and Kekäläinen 2002). top_k: of the k areas of most relevance the share that has a
        weight above 0, k the number of these; ties at the edge count in part. NaN for relevance that is the same everywhere.
    """
    from sklearn.metrics import ndcg_score

    if np.ptp(relevance) == 0:
        return dict.fromkeys(QUANTITIES, float("nan"))
    wanted = weights > 0
    k = int(wanted.sum())
    edge = np.partition(relevance, relevance.size - k)[relevance.size - k]
    above, tied = relevance > edge, relevance == edge
    hits = wanted[above].sum() + wanted[tied].sum() * (k - above.sum()) / tied.sum()
    return {
        "rho": float(rank_correlation(relevance, weights)),
        "ndcg": float(ndcg_score(weights[None], relevance[None])),
        "top_k": float(hits / k),
    }


def measure_expected(
    study: Study,
    weights: dict[int, float],
    explainers: Sequence[Explainer],
    *,
    subjects: int | None = None,
    bench: Bench | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> pd.DataFrame:
    """Measure the agreement of every method, and of the null maps, with expected weights.

    Scans of the positive group are explained, those of the test set where the study has any.

    Parameters
    ----------
    study : Study
    weights : dict of int to float
        By label, of `read_expected`.
    explainers : sequence of Explainer
        Null maps are added.
    subjects : int, optional
        Default 12.
    bench : Bench, optional

    Returns
    -------
    DataFrame
        Columns method, subject, quantity, value.
    """
    bench = bench or Bench(study)
    people = study.subjects[study.subjects["group"] == study.positive]
    if "split" in people and (people["split"] == "test").any():
        people = people[people["split"] == "test"]
    if people.empty:
        raise ValueError(f"{study.name}: expected scans of group {study.positive!r}, got none")
    chosen = [*(e for e in explainers if not e.is_null_map), *null_explainers()]
    names = list(people.index[: subjects or SUBJECTS])
    rows: list[tuple] = []
    for done, subject in enumerate(names):
        case = bench.case(subject)
        asked = np.array([weights[int(label)] for label in case.area_labels])
        if len(set(asked.tolist())) < 2:
            raise ValueError(f"{study.name}: expected areas with weights within what the network sees, got none")
        for at, explainer in enumerate(chosen):
            check_cancel(cancel)
            try:
                density = case.area_sums(explainer.read(explainer(case, cancel=cancel))) / case.area_sizes
                found = expected_agreement(density, asked)
            except ValueError:  # a method that cannot explain this network
                found = dict.fromkeys(QUANTITIES, float("nan"))
            rows += [(explainer.name, subject, quantity, value) for quantity, value in found.items()]
            tell(progress, done * len(chosen) + at + 1, len(names) * len(chosen))
    return pd.DataFrame(rows, columns=COLUMNS)


def write_expected(table: pd.DataFrame, study: Study, out: str | Path, source: str) -> list[str]:
    """Write ``expected.tsv``, ``expected_summary.tsv`` and ``expected.html``; return what they show, in sentences."""
    folder = made_folder(out)
    summary = beside_null_maps(table)
    write_tsv(table, folder / "expected.tsv", digits=5)
    write_tsv(summary, folder / "expected_summary.tsv", digits=5)
    said = []
    for quantity, words in QUANTITIES.items():
        rows = summary[(summary["quantity"] == quantity) & ~summary["null_map"]]
        beat = [label_of(name) for name in rows["method"][rows["beats"]]]
        said.append(f"{words}: better than every null map: {'; '.join(beat) or 'no method'}.")
    page = Report("Relevance and an expected pattern", study.title, simulated=study.simulated)
    people = table["subject"].nunique()
    page.text("What was found", *said, f"{people} scans of {study.positive}; expected pattern: {source}.")
    page.table(
        "All methods", shown_table(summary, QUANTITIES), "Mean over scans [95% interval]. * beats every null map."
    )
    for quantity, words in QUANTITIES.items():
        page.figure(words, apply_theme(dots(summary, quantity, words), "light"))
    page.write(folder / "expected.html")
    return said
