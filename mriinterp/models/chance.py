"""Networks that draw random numbers in eval mode."""

from __future__ import annotations

from torch.overrides import TorchFunctionMode

__all__ = ["RANDOM", "WatchRandom"]

RANDOM = "the same scan gives another output at each run"

_DROPOUTS = frozenset(["dropout", "feature_dropout", "alpha_dropout", "dropout1d", "dropout2d", "dropout3d"])
_DRAWS = frozenset(["rand", "randn", "rand_like", "randn_like", "bernoulli", "normal", "multinomial", "randint"])


class WatchRandom(TorchFunctionMode):
    """Collect the calls of a forward pass that draw random numbers.

    Attributes
    ----------
    calls : list of str
    """

    def __init__(self):
        super().__init__()
        self.calls: list[str] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "").partition(".")[0].strip("_")
        training = kwargs.get("training", args[2] if len(args) > 2 else False)
        if name in _DRAWS or (name in _DROPOUTS and training is True):
            self.calls.append(name)
        return func(*args, **kwargs)

    def in_words(self) -> str:
        """Return that outputs vary, why as far as it was seen, and what to do."""
        drawn = ", ".join(dict.fromkeys(self.calls))
        why = f": it draws random numbers in eval mode ({drawn})" if drawn else ""
        hint = "; a dropout must be given training=self.training" if _DROPOUTS & set(self.calls) else ""
        return f"{RANDOM}{why}, so maps differ as well{hint}"
