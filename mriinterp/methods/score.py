"""The number that a relevance map explains."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from mriinterp.gradient import Gradients
from mriinterp.gradient.path import Path
from mriinterp.methods.choices import SCORES, LinearScore, Score

__all__ = ["SCORES", "GradientOfScore", "LinearScore", "Score", "gradient_of_score", "score_of"]


def score_of(output: Tensor, target: int, score: str) -> Tensor:
    """Return the explained number of each item of a batch.

    Parameters
    ----------
    output : Tensor, shape (n, classes)
        Raw outputs of a network.
    target : int
        Index of the explained class.
    score : str
        ``"probability"``: softmax. ``"logit"``, ``"raw"``: the output itself.
        ``"margin"``: the log-odds of the class, its logit minus the
        log-sum-exp of the others (for two classes the difference of logits).

    Returns
    -------
    Tensor, shape (n,)
    """
    if output.ndim != 2 or not 0 <= target < output.shape[1]:
        raise ValueError(f"expected outputs (n, classes) with a class {target}, got shape {tuple(output.shape)}")
    if score in ("raw", "logit"):
        return output[:, target]
    if score not in SCORES:
        raise ValueError(f"expected a score of {', '.join(SCORES)}, got {score!r}")
    if output.shape[1] == 1:
        raise ValueError(
            f"expected score 'raw' for a network with a single output, got {score!r}: "
            "a softmax over one output would be 1 everywhere"
        )
    if score == "probability":
        return torch.softmax(output, dim=1)[:, target]
    others = [i for i in range(output.shape[1]) if i != target]
    return output[:, target] - torch.logsumexp(output[:, others], dim=1)


class GradientOfScore:
    """The gradient of a score with respect to images, for any number of images of one kind.

    Parameters
    ----------
    model : nn.Module
        It must not change while the object is in use.
    like : Tensor, shape (1, C, *spatial)
        One of the images, or one of their shape, data type and device.
    target, score
        As of `score_of`.
    """

    def __init__(self, model: nn.Module, like: Tensor, target: int, score: str):
        self._gradients = Gradients(model, like)
        self._score = partial(score_of, target=target, score=score)

    def __call__(self, x: Tensor) -> Tensor:
        """Return the gradient, shape of `x`; parameters and `x` itself stay untouched."""
        return self._gradients(x, self._score)[0]

    def path(self, start: Tensor, end: Tensor) -> Path:
        """Return the straight line between two images, on which gradients are added."""
        return Path(self._gradients, self._score, start, end)

    def guided(self, x: Tensor) -> tuple[Tensor, int]:
        """Return the gradient in which every ReLU passes positive gradients only, and how many ReLUs there were."""
        return self._gradients(x, self._score, guided=True)


def gradient_of_score(model: nn.Module, x: Tensor, target: int, score: str) -> Tensor:
    """Return the gradient of the score with respect to `x`, same shape; parameters and `x` itself stay untouched."""
    return GradientOfScore(model, x, target, score)(x)
