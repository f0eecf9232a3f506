"""The score that a network gives, where it is not the one that a method explains by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mriinterp.methods.method import Method
from mriinterp.models.heads import Head
from mriinterp.models.outputs import OutputKind

__all__ = ["values_for", "with_own_score", "with_score_of"]


def values_for(method: Method, head: Head, params: Mapping[str, Any], preset: str | None = None) -> dict[str, Any]:
    """Return checked values of all parameters of a method for a head, as `explain` takes them."""
    values = method.resolve(params, preset)
    return values if "score" in params else with_own_score(method, values, head)


def with_own_score(method: Method, values: dict[str, Any], head: Head) -> dict[str, Any]:
    """Return parameters whose score is one that a head gives.

    Parameters
    ----------
    method : Method
    values : dict
        Of all its parameters, with the score that is its own default.

    Returns
    -------
    dict
        With score ``"raw"`` for a scale, ``"margin"`` where the network does
        not give the method's own; else as it was.
    """
    return with_score_of(method, values, head.output_kind, scale=head.kind == "scale")


def with_score_of(method: Method, values: dict[str, Any], kind: OutputKind, *, scale: bool) -> dict[str, Any]:
    """Return what `with_own_score` does, for outputs of a kind, or of a scale."""
    if "score" not in values:
        return values
    if scale:
        score = "raw"
    elif values["score"] and values["score"] not in kind.scores:
        score = "margin"
    else:
        return values
    return {**values, "score": method.parameters["score"].check(score)}
