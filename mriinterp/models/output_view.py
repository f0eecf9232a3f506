"""A network seen through some of its outputs, read in another way."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from mriinterp.models.closing import Closing, is_traced, without_closing
from mriinterp.models.outputs import ExpectedValue

__all__ = ["OutputView"]


class OutputView(nn.Module):
    """A network seen through some of its outputs, read in another way.

    Parameters
    ----------
    module : nn.Module
        Returns (n, outputs).
    outputs : slice
        Which of them.
    read : callable, optional
        From these outputs, e.g. to logits; see `OutputKind`.
    closing : Closing, optional
        The network's last function, which is left out.
    inside : callable, optional
        In place of `read`, from what goes into the last function. While the
        network is traced that function stays, and `read` counts: both give
        the same number, up to the rounding of probabilities next to 0 and 1.
    """

    def __init__(
        self,
        module: nn.Module,
        outputs: slice,
        read: Callable[[Tensor], Tensor] | None = None,
        closing: Closing | None = None,
        inside: Callable[[Tensor], Tensor] | None = None,
    ):
        super().__init__()
        self.module, self.outputs, self.read = module, outputs, read
        self.closing, self.inside = closing, inside
        self.training = module.training

    def forward(self, x: Tensor) -> Tensor:
        """Map scans (n, C, *spatial) to outputs (n, classes)."""
        if self.closing is None or is_traced(x):
            return self.chosen(self.module(x))
        return self.before_closing(without_closing(self.module, self.closing, x))

    def chosen(self, found: Tensor) -> Tensor:
        """Return the outputs (n, classes) from what the module returns."""
        chosen = found[:, self.outputs]
        return chosen if self.read is None else self.read(chosen)

    def before_closing(self, inside: Tensor) -> Tensor:
        """Return the outputs (n, classes) from what goes into the module's last function."""
        logits = self._inside(inside)
        return logits.log_softmax(dim=-1) if logits.shape[-1] > 1 else logits  # the numbers that `read` gives

    def _inside(self, inside: Tensor) -> Tensor:
        chosen = inside[:, self.outputs]
        return chosen if self.inside is None else self.inside(chosen)

    def sums(self, x: Tensor) -> Tensor:
        """Return the same up to a constant, with nothing but sums of the network's own values behind it, as LRP needs.

        Of an expected value over bins: the logits of the bins, see `from_sums`.
        """
        return self.read_sums(self.module(x) if self.closing is None else without_closing(self.module, self.closing, x))

    def read_sums(self, found: Tensor) -> Tensor:
        """Return `sums` from what the module returns or, if its last function is left out, from what goes into it."""
        chosen, read = found[:, self.outputs], self._reads_sums
        if isinstance(read, ExpectedValue):
            return read.kind.as_logits(chosen)
        return chosen if read is None else read(chosen)

    def from_sums(self, sums: Tensor) -> Tensor:
        """Return the outputs (n, classes), up to a constant, that `sums` lead to."""
        read = self._reads_sums
        return read.of_logits(sums) if isinstance(read, ExpectedValue) else sums

    @property
    def _reads_sums(self) -> Callable[[Tensor], Tensor] | None:
        return self.read if self.closing is None else self.inside
