"""Describe the values of a relevance map, for pages, figures, reports and files.

A map is looked at whole or by the sign of its values: what supports the
explained output, or what speaks against it. Gradients are another matter:
their sign says whether the output rises where the image gets brighter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mriinterp.base.errors import capital
from mriinterp.base.map_parts import part_shares
from mriinterp.methods.method_registry import Method, get_method

__all__ = [
    "SHARE_UNIT",
    "Meaning",
    "caption_words",
    "colour_words",
    "difference_words",
    "file_stem",
    "hidden_list",
    "percent",
    "scale_words",
    "score_words",
    "shared_name",
    "size_words",
    "target_words",
]

COHORT_TARGETS = {"predicted": "the class predicted for each scan", "true": "the class of each scan’s group"}
SIMULATED = "Simulated data"
SHARE_UNIT = "% of the map’s relevance per cm³"


@dataclass(frozen=True)
class Meaning:
    """Words for the values of a map.

    Parameters
    ----------
    method : Method
    score : str
        See `mriinterp.methods.score.score_of`; "" for a method without a score.
    target : str
        Explained output, or a key of `COHORT_TARGETS`; "" where it is not known.
    signed : bool
        Whether the map has values below 0. A map without them has one part.

    Examples
    --------
    >>> Meaning(get_method("occlusion"), "probability", "CN").words()
    'fall of P(CN) when the box is hidden: supports CN / speaks against CN'
    >>> Meaning(get_method("sensitivity"), "logit", "CN").name("against")
    'Brighter lowers the logit of CN'
    """

    method: Method
    score: str
    target: str = ""
    signed: bool = True

    @classmethod
    def of(cls, relevance: Any, volume: Any = None) -> Meaning:
        """Return the meaning of a `RelevanceMap`; `volume`: its values, where they are not those of the map."""
        values = (relevance.volume if volume is None else volume).data
        return cls(get_method(relevance.method), relevance.score, relevance.target, bool((values < 0).any()))

    @property
    def unit(self) -> str:
        """What a value is, with what is explained: ``"fall of P(CN) when the box is hidden"``."""
        return self.method.unit.format(score=score_words(self.score, self.target))

    @property
    def ends(self) -> tuple[str, str]:
        """What values below and above 0 mean: ``("speaks against CN", "supports CN")``."""
        if self.method.per_unit or self.method.directional:
            score = score_words(self.score, self.target)
            return f"brighter lowers {score}", f"brighter raises {score}"
        name = target_words(self.target) or "the output"
        if self.score == "raw":  # of a scale: there is nothing to be for or against
            return f"lowers {name}", f"raises {name}"
        return f"speaks against {name}", f"supports {name}"

    def name(self, part: str) -> str:
        """Return the name of a part: ``"Both"``, ``"Supports CN"``, ``"Speaks against CN"``."""
        words = {"both": "both", "supports": self.ends[1], "against": self.ends[0]}[part]
        return capital(words)

    def words(self, part: str = "both") -> str:
        """Return unit and shown signs in a line; of a map of one sign the unit alone, which says it all."""
        against, supports = self.ends
        signs = {"both": f"{supports} / {against}", "supports": supports, "against": against}[part]
        return f"{self.unit}: {signs}" if self.signed else self.unit

    def hidden(self, part: str, values: np.ndarray) -> str:
        """Return what of a map is not shown, and its share; "" if nothing is hidden.

        Parameters
        ----------
        part : {"both", "supports", "against"}
            What is shown.
        values : array
            The whole map.

        Examples
        --------
        >>> Meaning(get_method("occlusion"), "probability", "CN").hidden("supports", np.array([1.0, -3.0]))
        'Hidden: what speaks against CN, 75.0% of the relevance.'
        """
        return self.hidden_words(part, self.hidden_share(part, values))

    def hidden_words(self, part: str, share: float, of: str = "the relevance") -> str:
        """Return what a part leaves out, whose share of the relevance is known; "" if that is nothing.

        Parameters
        ----------
        part : {"both", "supports", "against"}
            What is shown.
        share : float
            Of what is hidden, 0 to 1.
        of : str
            What it is a share of.
        """
        if part == "both" or not share > 0:
            return ""
        what = self.ends[0 if part == "supports" else 1]
        return f"Hidden: {'where' if what.startswith('brighter') else 'what'} {what}, {percent(share)} of {of}."

    def hidden_share(self, part: str, values: np.ndarray) -> float:
        """Return the share of a map's absolute relevance that a part leaves out."""
        other = {"supports": "against", "against": "supports"}.get(part)
        return part_shares(values)[other] if other else 0.0


def shared_name(meanings: Sequence[Meaning], part: str) -> str:
    """Return the name of a part of several maps: that of all, or where they differ which side of 0 it is."""
    names = {meaning.name(part) for meaning in meanings}
    if len(names) == 1:
        return names.pop()
    return {"both": "Both", "supports": "Above 0", "against": "Below 0"}[part]


def hidden_list(shares: Mapping[str, float]) -> str:
    """Return how much of each of several maps is hidden; "" if nothing is.

    Examples
    --------
    >>> hidden_list({"Occlusion": 0.966, "LayerCAM": 0.0})
    'Hidden of the relevance: Occlusion 96.6%, LayerCAM 0.0%.'
    """
    if not any(share > 0 for share in shares.values()):
        return ""
    return f"Hidden of the relevance: {', '.join(f'{name} {percent(share)}' for name, share in shares.items())}."


def size_words(part: str) -> str:
    """Return how maps are read where their size alone is compared."""
    return {
        "both": "Maps are read by size, without sign",
        "supports": "Only what is above 0 is read",
        "against": "Only what is below 0 is read, by size",
    }[part]


def difference_words(raw: bool) -> str:
    """Return what the difference of two maps is of: raw values, or shares."""
    if raw:
        return "A − B of the raw, signed values."
    return f"A − B in {SHARE_UNIT}, each read without sign and scaled to the same sum."


def colour_words(scale: str, units: Sequence[str]) -> str:
    """Return what the colours of several maps can tell, in Markdown.

    Parameters
    ----------
    scale : {"own", "common", "share"}
        A scale for each map, one for all, or one for their shares.
    units : sequence of str
        Of the maps.
    """
    units = list(dict.fromkeys(units))
    if scale == "own":
        return "Each map has its own scale: **colours cannot be compared between maps.**"
    if scale == "share":
        return f"One scale for all, in {SHARE_UNIT}: each map read without sign and scaled to the same sum."
    if len(units) > 1:
        return f"One scale for {len(units)} different units: **equal colours are equal numbers, not equal relevance.**"
    return f"One scale for all maps: the same colour is the same {units[0]}."


def score_words(score: str, target: str = "") -> str:
    """Return the explained number as units name it.

    Examples
    --------
    >>> score_words("probability", "AD"), score_words("margin", "AD"), score_words("raw", "COG")
    ('P(AD)', 'the logit margin of AD', 'the output COG')
    """
    name = target_words(target)
    if score == "probability":
        return f"P({name})" if name else "the probability"
    if score == "raw" or not score:
        return f"the output {name}".rstrip()
    words = {"margin": "the logit margin", "logit": "the logit"}.get(score, f"the {score}")
    return f"{words} of {name}" if name else words


def target_words(target: str) -> str:
    """Return an explained output as a name: itself, or what stands for one in a cohort."""
    return COHORT_TARGETS.get(target, target)


def percent(share: float) -> str:
    """Return a share in percent with one decimal, and never 0 or 100 for what is not."""
    if 0 < share < 0.001:
        return "under 0.1%"
    if 0.999 < share < 1:
        return "over 99.9%"
    return f"{100 * share:.1f}%"


def scale_words(names: Sequence[str], ranges: Sequence[Any]) -> str:
    """Return which of several maps share a scale of colours, in a sentence; "" for one map.

    Parameters
    ----------
    names : sequence of str
    ranges : sequence
        Ends of the scale of each map; None: a scale of its own.

    Examples
    --------
    >>> scale_words(["AD", "CN", "AD − CN"], [(-1, 1), (-1, 1), None])
    'AD and CN share one colour scale; AD − CN has its own.'
    """
    if len(names) < 2:
        return ""
    groups: dict[Any, list[str]] = {}
    for n, (name, ends) in enumerate(zip(names, ranges, strict=True)):
        groups.setdefault(("own", n) if ends is None else tuple(ends), []).append(name)
    shared = [found for found in groups.values() if len(found) > 1]
    alone = [found[0] for found in groups.values() if len(found) == 1]
    if not shared:
        return "Each map has its own colour scale."
    if not alone and len(shared) == 1:
        return "All maps share one colour scale."
    parts = [f"{_listed(found)} share one colour scale" for found in shared]
    if alone:
        parts.append(f"{_listed(alone)} {'has its' if len(alone) == 1 else 'have their'} own")
    return "; ".join(parts) + "."


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def caption_words(
    subject: str, method: str, target: str = "", *, part: str = "", simulated: bool = False, more: Sequence[str] = ()
) -> str:
    """Return what a picture or file is of: subject, method, explained output, part, and whether data are simulated.

    Examples
    --------
    >>> caption_words("sim-003", "Occlusion", "AD", simulated=True)
    'sim-003 · Occlusion · explains AD · Simulated data'
    """
    explained = f"explains {target_words(target)}" if target else ""
    return " · ".join(filter(None, [subject, method, explained, part, *more, SIMULATED if simulated else ""]))


def file_stem(*parts: str) -> str:
    """Return the beginning of a file name from names: ``file_stem("sim-003", "α β")`` is ``"sim-003_α-β"``."""
    return "_".join(filter(None, (re.sub(r"[^\w.-]+", "-", part).strip("-") for part in parts)))
