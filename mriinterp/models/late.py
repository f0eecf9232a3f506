"""Packaged networks whose cards are read at once, and whose weights when they are first run."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from mriinterp.models.card import read_card
from mriinterp.models.heads import as_logits
from mriinterp.models.model import Model
from mriinterp.models.packaged import packaged_models

__all__ = ["DIGEST", "LateModel", "open_packaged"]

DIGEST = "digest"  # entry of their cards: of the network, as `Model` has it


class LateModel(Model):
    """A packaged network that is loaded, and PyTorch with it, when it is first run; made by `open_packaged`.

    Where maps and predictions are known, its card and its digest are all that
    a page needs. Packaged networks return logits, one a class, and have no
    mask and no notes: the defaults of `Model` hold.
    """

    _LATE = ("module", "normalisation", "device")

    def __getattr__(self, name: str) -> Any:
        """Load the network; called for what is not there yet."""
        if name not in self._LATE:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        with self.lock:
            if name not in self.__dict__:
                self._load()
        return self.__dict__[name]

    def _load(self) -> None:
        from mriinterp.models.loading import load_model

        source, device = self.__dict__["_asked"]
        loaded = load_model(source, device=device)
        if loaded.digest != self.digest:
            raise ValueError(
                f"{source}: expected weights and card that belong together (digest {self.digest[:12]}), got others "
                f"({loaded.digest[:12]}); install mriinterp again"
            )
        for key in self._LATE:
            object.__setattr__(self, key, getattr(loaded, key))


def open_packaged(name: str, device: str | None = None) -> Model:
    """Return a packaged network, loaded when it is first run.

    Parameters
    ----------
    name : str
    device : str, optional
        As `mriinterp.models.load_model` takes it.

    Raises
    ------
    KeyError
        If there is none of this name.
    """
    card = read_card(packaged_models()[name])
    about = {
        "card": replace(card, heads=as_logits(card.heads)),
        "digest": card.about[DIGEST],
        "lock": threading.RLock(),
        "_asked": (name, device),
    }
    model = LateModel.__new__(LateModel)  # past `Model.__init__`, which wants what is late, too
    for key, value in about.items():
        object.__setattr__(model, key, value)
    return model
