"""Networks that read numbers beside images, with those of one scan filled in."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

__all__ = ["WithNumbers"]


class WithNumbers(nn.Module):
    """A network with the numbers of one scan filled in: it reads images alone.

    Parameters
    ----------
    module : nn.Module
        ``module(x, numbers)`` or ``module(x, age=…, …)``.
    names : sequence of str
    values : Tensor, shape (1, numbers)
        As the network reads them.
    keywords : bool
        Whether each number is an argument of its name.
    """

    values: Tensor

    def __init__(self, module: nn.Module, names: Sequence[str], values: Tensor, *, keywords: bool):
        super().__init__()
        self.module, self.names, self.keywords = module, tuple(names), keywords
        self.register_buffer("values", values, persistent=False)
        self.training = module.training

    def forward(self, x: Tensor) -> Tensor:
        """Map scans (n, C, *spatial) to whatever the network returns."""
        values = self.values.to(x.dtype).expand(x.shape[0], -1)
        if not self.keywords:
            return self.module(x, values)
        return self.module(x, **{name: values[:, n : n + 1] for n, name in enumerate(self.names)})
