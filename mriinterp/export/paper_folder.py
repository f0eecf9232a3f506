"""The paper's outputs in one folder: figure 1, tables 1 and 2."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mriinterp.areas.atlas import Atlas
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.export.papertables import (
    CAPTION_2,
    caption_1,
    table_1,
    table_1_print,
    table_2,
    table_2_print,
    write_table,
)
from mriinterp.figures.paper_figure import figure_1, figure_rows, save_figure
from mriinterp.image.volume import Volume

__all__ = ["write_paper"]


def write_paper(
    folder: str | os.PathLike,
    means: Mapping[str, Mapping[str, Any]],
    background: Volume,
    atlas: Atlas,
    *,
    positive: str | None = None,
    methods: tuple[str, ...] | None = None,
    counts: Mapping[str, int] | None = None,
    simulated: bool = False,
    remarks: Sequence[str] = (),
    units: Mapping[str, str] | None = None,
    palette: str = "",
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> list[Path]:
    """Write figure1.png, figure1.pdf, table1.csv, table1.tex, table2.csv and table2.tex.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    means : mapping of group to mapping of method to RelevanceMap or Volume
    background : Volume
        Mean training scan, or the template.
    atlas : Atlas
    positive : str, optional
        The group of table 1; None: the first.
    methods : tuple of str, optional
        None: the paper's four (not Grad-CAM), or all if none of them is there.
    counts : mapping of group to int, optional
        Subjects behind each mean.
    simulated : bool
        Say so in the figure and the captions.
    remarks : sequence of str
        Sentences for the figure and the captions, e.g. what the maps explain.
    units : mapping of method to str, optional
        What a value of its maps means; None: the method's own words.
    """
    if not means:
        raise ValueError("expected mean maps of at least one group, got none")
    positive = positive or next(iter(means))
    if positive not in means:
        raise KeyError(f"expected a group with mean maps, got {positive!r}; available: {', '.join(means)}")
    there = list(dict.fromkeys(m for maps in means.values() for m in maps))
    wanted = methods or tuple(figure_rows(there))
    missing = [m for m in wanted if m not in there]
    if missing:
        raise KeyError(f"expected mean maps of {', '.join(missing)}, got none; available: {', '.join(there)}")
    means = {group: {m: maps[m] for m in wanted if m in maps} for group, maps in means.items()}
    remark = "".join(f" {text}" for text in (*(("Simulated data.",) if simulated else ()), *remarks))
    folder = Path(folder)
    figure = figure_1(means, background, counts=counts, palette=palette, units=units, note=remark.strip())
    paths = []
    for done, kind in enumerate(("png", "pdf")):
        check_cancel(cancel)
        paths.append(save_figure(figure, folder / f"figure1.{kind}"))
        tell(progress, done + 1, 4)
    check_cancel(cancel)
    first = table_1(means[positive], atlas)
    paths += write_table(
        folder,
        "table1",
        first.assign(of=f"mean map of {positive}"),
        table_1_print(first),
        caption_1(positive, atlas.name) + remark,
    )
    tell(progress, 3, 4)
    check_cancel(cancel)
    second = table_2(means)
    paths += write_table(folder, "table2", second, table_2_print(second), CAPTION_2 + remark)
    tell(progress, 4, 4)
    return paths
