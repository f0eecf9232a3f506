"""What Network shows first, made before it is asked for: the layers of the study's own network."""

from __future__ import annotations

from collections.abc import Iterator

from mriinterp.ui.network.card import sizes_of_layers
from mriinterp.ui.network.field import unread_words
from mriinterp.ui.sources.resources import model_of

__all__ = ["load_ahead"]


def load_ahead(study: str) -> Iterator[None]:
    """Make what the page's first view takes long for; a step each time it is asked."""
    model = model_of(study)
    sizes_of_layers(model)
    yield
    unread_words(model)
