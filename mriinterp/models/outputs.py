"""What the outputs of a head of classes are: logits, or what a last layer made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["LOGITS", "OUTPUT_KINDS", "OutputKind", "OutputView", "detect_output", "get_output_kind"]

TOLERANCE = 1e-3  # of a sum of probabilities, also those of a network in half precision
SMALLEST = torch.finfo(torch.float32).tiny  # probabilities below it count as it: their logarithm stays finite


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
        Outputs (n, classes) as logits up to a constant, differentiable: their
        softmax gives the probabilities, their margin the log-odds. None: the
        outputs serve as they are.
    """

    name: str
    label: str
    scores: tuple[str, ...]
    fits: Callable[[Tensor], bool]
    to_logits: Callable[[Tensor], Tensor] | None = None

    def as_logits(self, outputs: Tensor) -> Tensor:
        """Return outputs (n, classes) as logits up to a constant."""
        return outputs if self.to_logits is None else self.to_logits(outputs)

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Return outputs (n, classes) as probabilities, which sum to 1 over the classes."""
        return torch.softmax(self.as_logits(outputs), dim=-1)

    def check_score(self, score: str) -> None:
        """Raise ValueError, with the scores there are, for a score that outputs of this kind cannot give."""
        if score and score not in self.scores:
            raise ValueError(
                f"expected a score of {', '.join(self.scores)} for a network that returns {self.label}, got {score!r}: "
                "the logits are inside the network"
            )


def _sums_to_one(probabilities: Tensor) -> bool:
    sums = probabilities.double().sum(dim=-1)
    return bool((probabilities >= 0).all()) and bool(((sums - 1).abs() < TOLERANCE).all())


def _log_of_probabilities(outputs: Tensor) -> Tensor:
    return outputs.clamp(min=SMALLEST).log()


LOGITS = "logits"
_WITHOUT_LOGIT = ("probability", "margin", "raw")

OUTPUT_KINDS: dict[str, OutputKind] = {
    kind.name: kind
    for kind in (
        OutputKind(
            "probabilities",
            "probabilities (it ends in a softmax)",
            _WITHOUT_LOGIT,
            _sums_to_one,
            _log_of_probabilities,
        ),
        OutputKind(
            "log_probabilities",
            "logarithms of probabilities (it ends in a log-softmax)",
            _WITHOUT_LOGIT,
            lambda outputs: _sums_to_one(outputs.double().exp()),
        ),
        OutputKind(LOGITS, "logits", ("probability", "logit", "margin", "raw"), lambda outputs: True),
    )
}
"""Kinds by name, in the order in which `detect_output` tries them; logits fit whatever else does not."""


class OutputView(nn.Module):
    """A network seen through some of its outputs, as they are or as logits.

    Parameters
    ----------
    module : nn.Module
        Returns (n, outputs).
    outputs : slice
        Which of them.
    to_logits : callable, optional
        See `OutputKind`.
    """

    def __init__(self, module: nn.Module, outputs: slice, to_logits: Callable[[Tensor], Tensor] | None = None):
        super().__init__()
        self.module, self.outputs, self.to_logits = module, outputs, to_logits
        self.training = module.training

    def forward(self, x: Tensor) -> Tensor:
        """Map scans (n, C, *spatial) to outputs (n, classes)."""
        chosen = self.module(x)[:, self.outputs]
        return chosen if self.to_logits is None else self.to_logits(chosen)


def get_output_kind(name: str) -> OutputKind:
    """Return a kind by name; ValueError with the names there are. "", which is not known, counts as logits."""
    if (name or LOGITS) not in OUTPUT_KINDS:
        raise ValueError(f"expected a kind of output, got {name!r}; available: {', '.join(OUTPUT_KINDS)}")
    return OUTPUT_KINDS[name or LOGITS]


def detect_output(outputs: Tensor) -> str:
    """Return the name of the kind that outputs for different scans have in common.

    Parameters
    ----------
    outputs : Tensor, shape (scans, classes)
        Of two or more scans: those of one could sum to 1 by chance. A single
        output is never one of several probabilities.
    """
    if outputs.shape[-1] < 2:
        return LOGITS
    return next(name for name, kind in OUTPUT_KINDS.items() if kind.fits(outputs))
