"""What ``run.json`` says of a cohort: study, groups, methods, what maps explain, and what that allows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.cohort.choose import compared_first
from mriinterp.cohort.layout import Layout, refuse_older_layout
from mriinterp.cohort.targets import explained_words, why_no_test
from mriinterp.image.volume import Grid
from mriinterp.methods import get_method
from mriinterp.methods.meaning import Meaning
from mriinterp.results.verified import check_any_seal, sealed

__all__ = ["Provenance", "read_provenance", "write_provenance"]


def read_provenance(folder: Path, pair: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the entries of ``run.json``, with the compared groups in front.

    Parameters
    ----------
    folder : path
    pair : (str, str), optional
        The groups that are compared, the first with the second.

    Raises
    ------
    KeyError
        For a group that is not there.
    FileNotFoundError
        If there is no finished run in the folder.
    ValueError
        If its provenance is damaged, or an older version wrote it.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise FileNotFoundError(f"expected the folder of a finished cohort run, found no run.json in {folder}")
    refuse_older_layout(folder)
    try:
        run = read_json(path)
        check_any_seal(run)
        _ = run["methods"], run["groups"], run["grid"]["shape"], run["counts"], run["labels"]
        _ = run["targets"], run["withheld"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected the provenance of a cohort run, got something else ({error})") from error
    groups = compared_first(run["groups"], pair)
    return {**run, "groups": list(groups), "positive": pair[0] if pair else run["positive"]}


def write_provenance(path: Path, entries: Mapping[str, Any]) -> None:
    """Write ``run.json``, with a digest of its own entries, which reading it compares."""
    plain = json.loads(json.dumps(entries, default=str))
    write_text(path, json.dumps(sealed(plain), indent=1, ensure_ascii=False) + "\n")


class Provenance:
    """A cohort without its maps and tables.

    Parameters
    ----------
    folder : Path
    run : dict
        Provenance, as in ``run.json``.

    Attributes
    ----------
    methods, groups : tuple of str
        Reference group first.
    positive : str
        Group compared with the reference; "" if there is none.
    simulated : bool
    """

    def __init__(self, folder: Path, run: dict[str, Any]):
        self.folder, self.run = folder, run
        self._about = {m["name"]: m for m in run["methods"]}
        self.methods: tuple[str, ...] = tuple(self._about)
        self.groups: tuple[str, ...] = tuple(run["groups"])
        self.positive: str = run["positive"]
        self.simulated: bool = run["simulated"]
        self.layout = Layout(folder, run["space"])

    @property
    def reference_group(self) -> str:
        """The group others are compared with."""
        return self.groups[0]

    @property
    def title(self) -> str:
        """Title of the study."""
        return self.run["title"]

    @property
    def target(self) -> str:
        """Which output was explained: "predicted", "true", or an output's name."""
        return self.run["target"]

    @property
    def withheld(self) -> bool:
        """Whether predictions are withheld: the scans are real, and the network knows simulated brains only."""
        return self.run["withheld"]

    def explained_words(self, method: str | None = None) -> str:
        """Return what the maps explain, in words; of one method also under which preset they were made."""
        return explained_words(self.target, self._about[method]["preset"] if method else None)

    def why_no_test(self, method: str) -> str:
        """Return why positive and reference group must not be tested against each other; "" if they may."""
        self._check(method)
        pair = (self._positive(), self.reference_group)
        return why_no_test(self.run["targets"], pair, self._about[method]["preset"])

    def check_testable(self, method: str) -> None:
        """Raise ValueError where positive and reference group must not be tested against each other."""
        reason = self.why_no_test(method)
        if reason:
            raise ValueError(reason)

    @cached_property
    def grid(self) -> Grid:
        """The lattice of all maps, RAS+."""
        return Grid(tuple(self.run["grid"]["shape"]), np.array(self.run["grid"]["affine"]))

    @property
    def has_maps(self) -> bool:
        """Whether a map a scan is kept."""
        return self.run["maps"]

    def reading(self, method: str) -> str:
        """Return how maps of a method are read: "absolute", "positive" or "signed"."""
        self._check(method)
        return self._about[method]["reading"]

    def params(self, method: str) -> dict[str, Any]:
        """Return all parameters of a method, the score among them."""
        self._check(method)
        return self._about[method]["params"]

    def meaning(self, method: str) -> Meaning:
        """Return words for the values of a method's maps."""
        return Meaning(get_method(method), self.params(method).get("score", ""), self.target)

    def n(self, method: str, group: str | None = None) -> int:
        """Return the number of maps in a group's mean; without `group` in all of them."""
        self._check(method, group)
        counts = self.run["counts"][method]
        return sum(counts.values()) if group is None else counts[group]

    def _check(self, method: str, group: str | None = None) -> None:
        if method not in self._about:
            raise KeyError(f"expected a method of this cohort, got {method!r}; available: {', '.join(self.methods)}")
        if group is not None and group not in self.groups:
            raise KeyError(f"expected a group of this cohort, got {group!r}; available: {', '.join(self.groups)}")

    def _positive(self) -> str:
        if not self.positive:
            raise ValueError(f"expected two groups to compare, got one: {self.reference_group}")
        return self.positive
