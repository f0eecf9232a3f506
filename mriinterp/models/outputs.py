"""What the outputs of a head of classes are: logits, or what a last layer made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "LOGITS",
    "OUTPUT_KINDS",
    "ExpectedValue",
    "OutputKind",
    "class_kinds",
    "detect_output",
    "get_output_kind",
]

TOLERANCE = 1e-3  # of a sum of probabilities, also those of a network in half precision
SMALLEST = float(np.finfo(np.float32).tiny)  # probabilities below it count as it: their logarithm stays finite


@dataclass(frozen=True)
class OutputKind:
    """How outputs of a head become probabilities and scores.

    Parameters
    ----------
    name : str
        As a model card has it.
    label : str
        What the network returns, in words.
    scores : tuple of str
        What can be explained, of `mriinterp.methods.score.SCORES`.
    fits : callable
        ``fits(outputs) -> bool``: whether outputs (scans, classes) can be of this kind.
    to_logits : callable or None
        Outputs (n, width) as logits (n, classes) up to a constant,
        differentiable: their softmax gives the probabilities, their margin
        the log-odds. None: the outputs serve as they are.
    per_class : callable or None
        Outputs (n, width) as one number a class, (n, classes), in their own
        unit. None: they are that already.
    closing : str
        The function that the network ends in, as PyTorch names it; "" for none.
    inside : callable or None
        What goes into that function as logits (n, classes). None: it is that already.
    width : int or None
        Outputs of two classes where it is not one a class.
    why_no_logit : str
        Why scores are missing, in words.
    """

    name: str
    label: str
    scores: tuple[str, ...]
    fits: Callable[[Tensor], bool]
    to_logits: Callable[[Tensor], Tensor] | None = None
    per_class: Callable[[Tensor], Tensor] | None = None
    closing: str = ""
    inside: Callable[[Tensor], Tensor] | None = None
    width: int | None = None
    why_no_logit: str = "the logits are inside the network"

    def as_logits(self, outputs: Tensor) -> Tensor:
        """Return outputs (n, width) as logits (n, classes) up to a constant."""
        return outputs if self.to_logits is None else self.to_logits(outputs)

    def each(self, outputs: Tensor) -> Tensor:
        """Return outputs (n, width) as one number a class, (n, classes)."""
        return outputs if self.per_class is None else self.per_class(outputs)

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Return outputs (n, width) as probabilities (n, classes), which sum to 1 over the classes."""
        import torch

        return torch.softmax(self.as_logits(outputs), dim=-1)

    def check_score(self, score: str) -> None:
        """Raise ValueError, with the scores there are, for a score that outputs of this kind cannot give."""
        if score and score not in self.scores:
            raise ValueError(
                f"expected a score of {', '.join(self.scores)} for a network that returns {self.label}, got {score!r}: "
                f"{self.why_no_logit}"
            )


def _sums_to_one(probabilities: Tensor) -> bool:
    sums = probabilities.double().sum(dim=-1)
    return bool((probabilities >= 0).all()) and bool(((sums - 1).abs() < TOLERANCE).all())


def _log_of_probabilities(outputs: Tensor) -> Tensor:
    return outputs.clamp(min=SMALLEST).log()


def _against_zero(logit: Tensor) -> Tensor:
    """Return one logit (n, 1) as the logits of two classes, (0, logit)."""
    import torch

    return torch.nn.functional.pad(logit, (1, 0))


def _both_logits(logit: Tensor) -> Tensor:
    """Return one logit (n, 1) as that of either class: the logit of the first is that of the second, negative."""
    import torch

    return torch.cat([-logit, logit], dim=-1)


def _both(probability: Tensor) -> Tensor:
    """Return one probability (n, 1) as those of both classes."""
    import torch

    return torch.cat([1 - probability, probability], dim=-1)


def _log_of_both(probability: Tensor) -> Tensor:
    return _log_of_probabilities(_both(probability))


def _within_0_and_1(outputs: Tensor) -> bool:
    return outputs.shape[-1] == 1 and bool(((outputs >= 0) & (outputs <= 1)).all())


LOGITS = "logits"
_WITHOUT_LOGIT = ("probability", "margin", "raw")
_ALL = ("probability", "logit", "margin", "raw")

OUTPUT_KINDS: dict[str, OutputKind] = {
    kind.name: kind
    for kind in (
        OutputKind(
            "probabilities",
            "probabilities (it ends in a softmax)",
            _WITHOUT_LOGIT,
            _sums_to_one,
            _log_of_probabilities,
            closing="softmax",
        ),
        OutputKind(
            "log_probabilities",
            "logarithms of probabilities (it ends in a log-softmax)",
            _WITHOUT_LOGIT,
            lambda outputs: _sums_to_one(outputs.double().exp()),
            closing="log_softmax",
        ),
        OutputKind(
            "sigmoid",
            "one probability, of the second class (it ends in a sigmoid)",
            _WITHOUT_LOGIT,
            _within_0_and_1,
            _log_of_both,
            _both,
            closing="sigmoid",
            inside=_against_zero,
            width=1,
        ),
        OutputKind(
            "logit",
            "one logit, of the second class",
            _ALL,
            lambda outputs: outputs.shape[-1] == 1,
            _against_zero,
            _both_logits,
            width=1,
        ),
        OutputKind(LOGITS, "logits", _ALL, lambda outputs: True),
    )
}
"""Kinds by name, in the order in which `detect_output` tries them; logits fit whatever else does not."""


def class_kinds(outputs: int) -> list[str]:
    """Return the names of the kinds that so many outputs may be of."""
    return [name for name, kind in OUTPUT_KINDS.items() if (kind.width == 1) == (outputs == 1)]


@dataclass(frozen=True)
class ExpectedValue:
    """The expected value over bins, (n, 1), of outputs (n, bins).

    Parameters
    ----------
    centres : tuple of float
        The value that each bin stands for.
    kind : OutputKind
        What the outputs are.
    """

    centres: Sequence[float]
    kind: OutputKind

    def __call__(self, outputs: Tensor) -> Tensor:
        """Return the expected value of outputs."""
        return self.of_logits(self.kind.as_logits(outputs))

    def of_logits(self, logits: Tensor) -> Tensor:
        """Return the expected value of logits (n, bins)."""
        import torch

        weights = torch.softmax(logits, dim=-1)
        return weights @ torch.tensor(self.centres, dtype=weights.dtype, device=weights.device)[:, None]


def get_output_kind(name: str) -> OutputKind:
    """Return a kind by name; ValueError with the names there are. "", which is not known, counts as logits."""
    if (name or LOGITS) not in OUTPUT_KINDS:
        raise ValueError(f"expected a kind of output, got {name!r}; available: {', '.join(OUTPUT_KINDS)}")
    return OUTPUT_KINDS[name or LOGITS]


def detect_output(outputs: Tensor) -> str:
    """Return the name of the kind that outputs for different scans have in common.

    Parameters
    ----------
    outputs : Tensor, shape (scans, outputs)
        Of two or more scans: those of one could sum to 1 by chance. A single
        output counts as a logit, as nothing in a number tells; see
        `mriinterp.models.probe`.
    """
    if outputs.shape[-1] < 2:
        return LOGITS
    return next(name for name in class_kinds(outputs.shape[-1]) if OUTPUT_KINDS[name].fits(outputs))
