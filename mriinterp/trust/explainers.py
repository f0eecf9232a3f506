"""Explainers: relevance methods with their parameters, and null maps."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mriinterp.base.progress import Cancel, Progress
from mriinterp.base.reading import apply_reading
from mriinterp.methods import get_method
from mriinterp.trust.case import Case
from mriinterp.trust.null_maps import NULL_MAPS, null_map, present_name

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Explainer", "null_explainers", "parse_explainer"]


@dataclass(frozen=True, eq=False)
class Explainer:
    """A relevance method with its parameters, or a null map.

    Parameters
    ----------
    method : str
        A registered method, or a key of `mriinterp.trust.null_maps.NULL_MAPS`.
    params : dict
        Of the method; the score is the case's unless given here.
    """

    method: str
    params: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if not self.is_null_map:
            get_method(self.method).resolve(self.params)

    @property
    def is_null_map(self) -> bool:
        """Whether this is a map that knows nothing of the network."""
        return self.method in NULL_MAPS

    @property
    def name(self) -> str:
        """``method`` or ``method[parameter=value,…]``."""
        settings = ",".join(f"{key}={value}" for key, value in sorted(self.params.items()))
        return f"{self.method}[{settings}]" if settings else self.method

    @property
    def label(self) -> str:
        """The name for people."""
        label = NULL_MAPS[self.method].label if self.is_null_map else get_method(self.method).label
        settings = ", ".join(f"{key} {value}" for key, value in sorted(self.params.items()))
        return f"{label} ({settings})" if settings else label

    @property
    def reading(self) -> str:
        """How its maps are read where no sign is wanted."""
        return NULL_MAPS[self.method].reading if self.is_null_map else get_method(self.method).reading

    @property
    def local(self) -> bool:
        """Whether a value is a change per unit of intensity (a gradient) and not a share of the score."""
        return not self.is_null_map and get_method(self.method).per_unit

    def read(self, values: np.ndarray) -> np.ndarray:
        """Return a signed map as the method's maps are looked at."""
        return apply_reading(values, self.reading)

    def __call__(
        self,
        case: Case,
        *,
        module: nn.Module | None = None,
        x: Tensor | None = None,
        labels: Tensor | None = None,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> np.ndarray:
        """Return the signed map, channels summed, shape (i, j, k), float64.

        Parameters
        ----------
        module, x : optional
            Another network or another scan than the case's.
        labels : Tensor, optional
            Other areas than the case's, for area occlusion.
        """
        import torch

        from mriinterp.explain import relevance

        x = case.x if x is None else x
        if self.is_null_map:
            return null_map(self.method, x, seed=_seed_of(case, x))
        entry = get_method(self.method)
        params = dict(self.params)
        if "score" in entry.parameters:
            params.setdefault("score", case.score)
        context = {
            "labels": case.labels if labels is None else labels,
            "reference": case.reference,
            "progress": progress,
            "cancel": cancel,
        }
        module = case.module if module is None else module
        with case.lock:
            values = relevance(module, x, self.method, target=case.target, output="logits", context=context, **params)
        return values.sum(dim=1)[0].detach().cpu().to(torch.float64).numpy()


def _seed_of(case: Case, x: Tensor) -> int:
    """Return a seed that follows from the subject's name: its noise is its own, the same on every machine.

    A changed scan has other noise, by how much it was changed: three digits, so that rounding elsewhere does not count.
    """
    changed = 0.0 if x is case.x else float((x.detach().cpu().double() - case.x.detach().cpu().double()).abs().mean())
    return int.from_bytes(hashlib.sha256(f"{case.name} {changed:.3g}".encode()).digest()[:4], "little")


def parse_explainer(text: str) -> Explainer:
    """Parse ``"occlusion"`` or ``"occlusion[size=16,stride=8]"``; KeyError or ValueError for what does not exist."""
    match = re.fullmatch(r"\s*([\w-]+)\s*(?:\[(.*)\])?\s*", text)
    if match is None:
        raise ValueError(f"expected METHOD or METHOD[NAME=VALUE,…], got {text!r}")
    name, settings = present_name(match[1]), match[2]
    if name in NULL_MAPS:
        return Explainer(name)
    parameters = get_method(name).parameters
    params = {}
    for setting in filter(None, (settings or "").split(",")):
        key, equals, value = (part.strip() for part in setting.partition("="))
        if not equals or key not in parameters:
            raise ValueError(f"expected a parameter of {name!r}, got {setting!r}; available: {', '.join(parameters)}")
        params[key] = parameters[key].check(value)
    return Explainer(name, params)


def null_explainers() -> Sequence[Explainer]:
    """Return the four null maps."""
    return [Explainer(name) for name in NULL_MAPS]
