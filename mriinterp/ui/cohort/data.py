"""What the cohort page shows: averages of a run, or of some of its scans."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from mriinterp.base.errors import as_sentence
from mriinterp.figures.paper_figure import label_of
from mriinterp.image.volume import Grid, Volume
from mriinterp.methods import get_method
from mriinterp.methods.meaning import Meaning
from mriinterp.stats import hedges_g_from_moments

__all__ = ["View"]


class View(ABC):
    """Averages of groups, by method.

    Attributes
    ----------
    key : str
        Digest of what is averaged.
    title : str
    groups : tuple of str
        Reference group first.
    positive : str
        Group compared with the reference; "" if there is none.
    methods : tuple of str
    simulated : bool
    grid : Grid
        RAS+.
    part : {"both", "supports", "against"}
        Which sign of the maps is averaged and shown.
    """

    key: str
    title: str
    groups: tuple[str, ...]
    positive: str
    methods: tuple[str, ...]
    simulated: bool
    grid: Grid
    part: str = "both"

    def with_part(self, part: str) -> View:
        """Return the view that shows another part of the maps."""
        return self

    @abstractmethod
    def n(self, method: str, group: str) -> int | None:
        """Return the number of maps in an average; None if it is not known."""

    @abstractmethod
    def mean(self, method: str, group: str) -> Volume:
        """Average of what is shown of a group's maps, with its sign; of a group that has one (`has`)."""

    def size(self, method: str, group: str) -> Volume:
        """Average of the size of what is shown, taken map by map: where no sign is wanted."""
        volume = self.mean(method, group)
        return volume.with_data(np.abs(np.nan_to_num(volume.data)))

    def published(self, method: str, group: str) -> Volume | None:
        """Average of the method's own reading, as Rieke et al. 2018 publish it; None where it is not at hand."""
        return self.mean(method, group)

    @abstractmethod
    def explained_words(self, method: str) -> str:
        """Return which output the maps of a method explain, in words."""

    def caveats(self) -> tuple[str, ...]:
        """Return what a reader must know of these averages, in sentences."""
        return tuple(dict.fromkeys(as_sentence(w) for w in map(self.explained_words, self.methods)))

    @abstractmethod
    def why_no_test(self, method: str) -> str:
        """Return why the groups must not be compared by this method's maps; "" if they may."""

    def part_shares(self, method: str) -> dict[str, float] | None:
        """Return the share of each part in the relevance, if it is known."""
        return None

    def hidden_share(self, method: str) -> float:
        """Return the share of the relevance that the averages leave out; 0 if it is not known."""
        other = {"supports": "against", "against": "supports"}.get(self.part)
        return (self.part_shares(method) or {}).get(other, 0.0) if other else 0.0

    def hidden_words(self, method: str) -> str:
        """Return which sign of the maps the averages leave out, and its share; "" if none, or if it is not known."""
        return self.meaning(method).hidden_words(self.part, self.hidden_share(method), "the relevance in all areas")

    def std(self, method: str, group: str) -> Volume | None:
        """Return the standard deviation over the maps of a group, if it is known."""
        return None

    def has(self, method: str, group: str) -> bool:
        """Return whether a group has an average."""
        return self.n(method, group) != 0

    @property
    def reference(self) -> str:
        """The group others are compared with."""
        return self.groups[0]

    @property
    def pair(self) -> tuple[str, str] | None:
        """Positive and reference group, if there are two."""
        return (self.positive, self.reference) if self.positive and self.positive != self.reference else None

    @property
    def compared(self) -> tuple[str, str]:
        """Positive and reference group; ValueError where there are no two."""
        if self.pair is None:
            raise ValueError(f"expected two groups to compare, got {', '.join(self.groups)}")
        return self.pair

    def all_mean(self, method: str) -> Volume:
        """Average over all groups, every map counted once; every group once where their number is not known."""
        shown = [group for group in self.groups if self.has(method, group)]
        weights = np.array([self.n(method, group) or 1 for group in shown], float)
        data = sum(self.mean(method, g).data * float(w) for g, w in zip(shown, weights / weights.sum(), strict=True))
        return Volume(np.asarray(data, np.float32), self.grid.affine)

    def difference(self, method: str) -> Volume:
        """Return positive minus reference group; ValueError where they must not be compared (`why_no_test`).

        What speaks against the output is compared by size, as everywhere: above 0 is more of it.
        """
        self._check_testable(method)
        a, b = (self.mean(method, group) for group in self.compared)
        return a.with_data((a.data - b.data) * self._side)

    @property
    def _side(self) -> int:
        return -1 if self.part == "against" else 1

    def effect(self, method: str) -> Volume | None:
        """Return Hedges' g of every voxel, 0 where no values differ; None if a group has fewer than two maps.

        ValueError where groups must not be compared (`why_no_test`).
        """
        self._check_testable(method)
        sides: list[Any] = []
        for group in self.compared:
            n, std = self.n(method, group), self.std(method, group)
            if not n or n < 2 or std is None:
                return None
            mean = self.mean(method, group).data.astype(np.float64) * self._side
            sides += [mean, std.data.astype(np.float64) ** 2, n]
        g = np.nan_to_num(hedges_g_from_moments(*sides), nan=0.0, posinf=0.0, neginf=0.0)
        return Volume(g.astype(np.float32), self.grid.affine)

    def _check_testable(self, method: str) -> None:
        reason = self.why_no_test(method)
        if reason:
            raise ValueError(reason)

    def unit(self, method: str) -> str:
        """Return what a value of an average means."""
        return f"mean {self.meaning(method).unit}"

    def unit_compared(self, method: str) -> str:
        """Return what a value means where groups are compared."""
        if self.part != "against" or not self.meaning(method).signed:
            return self.unit(method)
        return f"{self.unit(method)}, size of what {self.meaning(method).ends[0]}"

    def meaning(self, method: str) -> Meaning:
        """Return words for the values of a registered method's maps."""
        return Meaning(get_method(method), "probability", signed=False)

    def part_words(self, method: str) -> str:
        """Return unit and shown signs of a method's averages in a line."""
        return f"mean {self.meaning(method).words(self.part)}"

    def part_name(self, method: str) -> str:
        """Return the name of the shown part of a method's maps."""
        return self.meaning(method).name(self.part)

    @property
    def part_stem(self) -> str:
        """What names of files say of the shown part: nothing of both signs."""
        return "" if self.part == "both" else self.part

    def label(self, method: str) -> str:
        """Return a method's name for people."""
        return label_of(method)

    def all_means(self, what: Callable[[str, str], Volume | None]) -> dict[str, dict[str, Volume]]:
        """Return the averages of all groups that have some, by group and method: positive group first, as in the paper.

        `what`: `mean`, `size` or `published`.
        """
        order = sorted(self.groups, key=lambda group: group != self.positive)
        found = {g: {m: what(m, g) for m in self.methods if self.has(m, g)} for g in order}
        known = {g: {m: volume for m, volume in maps.items() if volume is not None} for g, maps in found.items()}
        return {group: maps for group, maps in known.items() if maps}
