"""What networks said of scans before, on disk: one small file a network."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path

from mriinterp.base.atomic import write_text
from mriinterp.models import Prediction
from mriinterp.results.store import default_folder

__all__ = ["Predictions"]

logger = logging.getLogger(__name__)


class Predictions:
    """Predictions of one network by the fingerprint of a scan.

    Two sessions may write at once; a prediction lost that way is only made
    again.

    Parameters
    ----------
    model : str
        The network's digest.
    folder : Path, optional
    """

    def __init__(self, model: str, folder: Path | None = None):
        self.path = (folder or default_folder()) / "predictions" / f"{model}.json"

    def all(self) -> dict[str, Prediction]:
        """Everything known. A damaged file counts as empty and is reported in the log."""
        try:
            entries = json.loads(self.path.read_text(encoding="utf-8"))
            return {fingerprint: Prediction(**entry) for fingerprint, entry in entries.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            logger.warning("known predictions cannot be read and are made again: %s", error)
            return {}

    def add(self, fingerprint: str, prediction: Prediction) -> None:
        """Remember a prediction."""
        known = {**self.all(), fingerprint: prediction}
        write_text(self.path, json.dumps({key: asdict(value) for key, value in known.items()}, indent=1))
