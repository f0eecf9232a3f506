"""What Trust shows first, made before it is asked for: the summary of a study's figures, and what it says."""

from __future__ import annotations

from collections.abc import Iterator

from mriinterp.ui.sources.measured import best_words_of, findings_of, measured, results_of, table_of
from mriinterp.ui.sources.resources import model_of

__all__ = ["load_ahead"]


def load_ahead(study: str) -> Iterator[None]:
    """Make what the page's first view takes long for; a step each time it is asked."""
    folder = measured(study, model_of(study).digest)
    if folder is None:
        return
    results_of(folder)
    yield
    table_of(folder)
    yield
    findings_of(folder)
    best_words_of(folder, "")
