"""What a network says of a scan, and which of its outputs is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mriinterp.models.heads import Head

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Prediction", "find_target", "read_outputs"]


@dataclass(frozen=True)
class Prediction:
    """Prediction of a network for a scan.

    Parameters
    ----------
    outputs : dict of str to float
        What the network returned, by name, over all heads.
    probabilities : dict of str to float
        Within each head of classes; scales have none.
    predicted : str
        Of the first head: the class of largest output, or the scale's name.
    warnings : tuple of str
        What is doubtful about the scan, so that the numbers may be wrong: the
        notes on its file, and intensities and a preparation other than the
        network expects.
    """

    outputs: dict[str, float]
    probabilities: dict[str, float]
    predicted: str
    warnings: tuple[str, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "warnings", tuple(self.warnings))  # JSON has lists only


def read_outputs(heads: Sequence[Head], output: Tensor) -> Prediction:
    """Describe the output vector of a network, shape (outputs,), as a prediction."""
    outputs: dict[str, float] = {}
    probabilities: dict[str, float] = {}
    for head in heads:
        values = head.of(output[None])
        outputs |= dict(zip(head.classes, head.each(values)[0].tolist(), strict=True))
        if head.kind == "classes":
            found = head.output_kind.probabilities(values)[0]
            probabilities |= dict(zip(head.classes, found.tolist(), strict=True))
    return Prediction(outputs, probabilities, max(heads[0].classes, key=outputs.__getitem__))


def find_target(heads: Sequence[Head], target: str | int | None, prediction: Prediction) -> tuple[Head, int]:
    """Return the head and the index within it that a target names.

    Parameters
    ----------
    heads : sequence of Head
    target : str, int or None
        Name of an output; its index among the names of all heads; or None
        for the predicted class of the first head.
    prediction : Prediction
    """
    target = prediction.predicted if target is None else target
    places = [(head, index) for head in heads for index in range(len(head.classes))]
    names = [head.classes[index] for head, index in places]
    if target in names:
        return places[names.index(target)]
    if isinstance(target, (int, np.integer)) and 0 <= target < len(places):
        return places[target]
    raise ValueError(f"expected a target class, got {target!r}; available: {', '.join(names)}")
