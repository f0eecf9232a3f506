"""Predictions of networks, kept on disk: one small file a network."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import asdict
from pathlib import Path

from cachetools import LRUCache

import mriinterp
from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.models import Prediction
from mriinterp.results.home import default_folder, try_to_keep
from mriinterp.results.sidecar import read_prediction, typed
from mriinterp.results.verified import check_seal, sealed

__all__ = ["Predictions"]

MOST_UNKEPT = 4096  # predictions in memory where the home cannot be written

logger = logging.getLogger(__name__)


class Predictions:
    """Predictions of one network by the fingerprint of a scan.

    Those of another version of the package are not used, as the same scan may
    be prepared in another way there. Two sessions may write at once; a
    prediction lost that way is only made again.

    Parameters
    ----------
    model : str
        The network's digest.
    folder : Path, optional
        Default: `mriinterp.results.home.default_folder`.
    """

    _unkept: LRUCache = LRUCache(MOST_UNKEPT)  # by file and fingerprint, for all instances
    _lock = threading.Lock()

    def __init__(self, model: str, folder: Path | None = None):
        self.home = folder or default_folder()
        self.path = self.home / "predictions" / f"{model}.json"

    def all(self) -> dict[str, Prediction]:
        """Return everything known. What is damaged counts as unknown and is reported in the log."""
        with self._lock:
            unkept = {fingerprint: value for (path, fingerprint), value in self._unkept.items() if path == self.path}
        return {**self._on_disk(), **unkept}

    def _on_disk(self) -> dict[str, Prediction]:
        try:
            content = read_json(self.path)
            if typed(content, "version", str) != mriinterp.__version__:
                return {}
            entries = typed(content, "predictions", dict)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError) as error:
            logger.warning("known predictions cannot be read and are made again: %s", error)
            return {}
        found = {}
        for fingerprint, entry in entries.items():
            try:
                prediction = read_prediction(entry)
                check_seal(entry)
                found[fingerprint] = prediction
            except (ValueError, KeyError) as error:
                logger.warning("a known prediction is damaged and is made again: %s", error)
        return found

    def add(self, fingerprint: str, prediction: Prediction) -> None:
        """Remember a prediction; in memory where the disk does not take it."""
        known = {key: sealed(asdict(value)) for key, value in {**self.all(), fingerprint: prediction}.items()}
        text = json.dumps({"version": mriinterp.__version__, "predictions": known}, indent=1)
        kept = try_to_keep(self.home, "predictions", lambda: write_text(self.path, text))
        with self._lock:
            if not kept:
                self._unkept[self.path, fingerprint] = prediction
                return
            for place in [place for place in self._unkept if place[0] == self.path]:
                del self._unkept[place]
