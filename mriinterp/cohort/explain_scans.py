"""Explain a few scans in one process, while the next one loads.

Everything here can be sent to another process or machine by name. What is
computed goes to the run's folder; only a few words come back.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

import mriinterp
from mriinterp.areas.atlas import Atlas
from mriinterp.base.allocator import give_back
from mriinterp.base.atomic import write_text
from mriinterp.base.errors import words_with_kind
from mriinterp.base.progress import Cancelled
from mriinterp.cohort.choose import MethodChoice
from mriinterp.cohort.cohort_plan import Item, Task
from mriinterp.cohort.record import Record, read_record, write_record
from mriinterp.explain import explain
from mriinterp.image.space import check_mni_space, describe_space, mni_correlation
from mriinterp.image.volume import Volume
from mriinterp.models import Model, Prediction
from mriinterp.results.maps import request_key
from mriinterp.study import AtlasRecipe, ModelRecipe

__all__ = ["Outcome", "explain_items", "is_current", "map_key", "use_model"]

SPACE_HELP = "To explain it all the same: --no-space-check, or check_space = false under [subjects] of the study file"

CANCEL_EVERY = 0.25  # seconds between two looks at the file that says stop

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """Result of explaining a scan.

    Attributes
    ----------
    id : str
    prediction : Prediction or None
        None where the scan could not be read, or maps were made now: it stands in their records.
    failures : dict of str to str
        By method, or ``"scan"`` if it could not be read: why.
    keys : dict of str to str
        By method: the key of the map that is there now.
    computed : tuple of str
        Methods whose maps were made now.
    seconds : float
    """

    id: str
    prediction: Prediction | None = None
    failures: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    computed: tuple[str, ...] = ()
    seconds: float = 0.0


class _Kept:
    """Networks and atlases of this process, loaded once."""

    lock = threading.RLock()
    models: dict[tuple[ModelRecipe, str], Model] = {}  # noqa: RUF012  (shared on purpose)
    atlases: dict[AtlasRecipe, Atlas] = {}  # noqa: RUF012


def use_model(recipe: ModelRecipe, device: str, model: Model) -> None:
    """Let this process use a network it has loaded already."""
    with _Kept.lock:
        _Kept.models = {(recipe, device): model}  # one network at a time: they can be large


def _model(task: Task) -> Model:
    with _Kept.lock:
        model = _Kept.models.get((task.model, task.device))
        if model is None or model.digest != task.model_digest:
            model = task.model.load(task.device)
            use_model(task.model, task.device, model)
    if model.digest != task.model_digest:
        raise ValueError(
            f"expected the network {task.model_digest[:12]} in {task.model.source}, got {model.digest[:12]}: weights or "
            "card changed since the run began, or differ on this machine"
        )
    return model


def _atlas(task: Task) -> Atlas:
    with _Kept.lock:
        atlas = _Kept.atlases.get(task.atlas)
        if atlas is None or atlas.digest != task.atlas_digest:
            atlas = _Kept.atlases[task.atlas] = task.atlas.load()
    if atlas.digest != task.atlas_digest:
        raise ValueError(f"expected the atlas {task.atlas.source} as it was when the run began, got another")
    return atlas


def map_key(
    model: Model, scan_digest: str, choice: MethodChoice, target: str | None, atlas: Atlas, reference: Volume | None
) -> str:
    """Return the SHA-256 over everything that shapes a map; see `mriinterp.results.maps.request_key`."""
    scan: Any = SimpleNamespace(digest=scan_digest)
    return request_key(
        model,
        scan,
        choice.name,
        target=target,
        atlas=atlas,
        reference=reference,
        preset=choice.preset,
        **choice.params,
    )


def is_current(record: Record | None, key: str, atlas: Atlas, withheld: bool = False) -> bool:
    """Return whether a record is that of the map wanted, with areas of the atlas wanted, and no prediction if withheld."""
    if record is None or (record.prediction is None) != withheld:
        return False
    return record.key == key and record.atlas == atlas.digest


def explain_items(task: Task, items: list[Item], token: str = "") -> list[Outcome]:
    """Explain scans; their maps, tables and records are in the run's folder afterwards.

    Parameters
    ----------
    task : Task
    items : list of Item
    token : str
        Name of two files: the size of one is the number of maps done; once the
        other is there, the work stops.

    Raises
    ------
    OSError
        If results cannot be written: a full disk ends a run, it is no fault of a scan.
    Cancelled
    """
    if task.version != mriinterp.__version__:
        raise ValueError(f"expected mriinterp {task.version} on this machine, got {mriinterp.__version__}")
    model, atlas = _model(task), _atlas(task)
    if model.device.type == "cpu":
        torch.set_num_threads(task.threads)  # sums in another order give other bits
    reference = task.reference.load() if task.reference is not None else None
    stop = _Stop(task.layout.work, token)
    outcomes = []
    with ThreadPoolExecutor(1, "load scan") as loader:
        ahead: Future | None = None
        for index, item in enumerate(items):
            stop.check()
            loading = ahead or loader.submit(_load, item, task.check_space)
            following = items[index + 1] if index + 1 < len(items) else None
            ahead = loader.submit(_load, following, task.check_space) if following is not None else None
            outcomes.append(_explain_item(task, item, loading, model, atlas, reference, stop))
    give_back()
    return outcomes


class _Stop:
    """Progress and stop signals between a worker and the run: two files, also across machines."""

    def __init__(self, folder: Path, token: str):
        run = token.partition("-")[0]
        self._cancel = folder / "signals" / f"{run}.cancel"
        self._done = folder / "signals" / f"{token}.done"
        self._token = token
        self._last, self._asked = 0.0, False

    def __call__(self) -> bool:
        now = time.monotonic()
        if self._token and not self._asked and now - self._last > CANCEL_EVERY:
            self._last, self._asked = now, self._cancel.exists()
        return self._asked

    def check(self) -> None:
        if self():
            raise Cancelled("cancelled on request")

    def map_done(self) -> None:
        if self._token:
            with self._done.open("ab") as stream:
                stream.write(b".")


def _load(item: Item, check_space: bool) -> tuple[Volume, dict[str, Any]]:
    """Load a scan; return it and the record that it was read.

    That is its fingerprint before it was read, its digest and its correlation
    with the template. A scan that does not match is refused if it is checked.
    """
    mark = item.source.fingerprint()
    scan = item.source.load()
    correlation = mni_correlation(scan)
    if check_space:
        try:
            check_mni_space(scan, "it", correlation)
        except ValueError as error:
            raise ValueError(f"{error}. {SPACE_HELP}") from error
    return scan, {"fingerprint": mark, "sha256": scan.digest, "mni": round(correlation, 4)}


def _explain_item(task, item, loading, model, atlas, reference, stop) -> Outcome:
    """Explain a scan by all its methods."""
    start = time.monotonic()

    def left_out(error: Exception) -> Outcome:
        logger.warning("%s: left out: %s", item.id, words_with_kind(error))
        return Outcome(item.id, None, {"scan": words_with_kind(error)}, seconds=time.monotonic() - start)

    try:
        scan, seen = loading.result()
    except Exception as error:  # whatever is wrong with one scan is reported, and must not end a night's run
        for _ in item.methods:
            stop.map_done()
        return left_out(error)
    failures, keys, computed = {}, {}, []
    choices = {choice.name: choice for choice in task.methods}
    for name in item.methods:
        stop.check()
        key = map_key(model, scan.digest, choices[name], item.target, atlas, reference)
        why = _explain_method(task, item, scan, seen, choices[name], key, model, atlas, reference, stop)
        if why:
            failures[name] = why
        else:
            keys[name] = key
        if why is None:
            computed.append(name)
        stop.map_done()
    prediction = None
    if not computed:  # a map comes with its prediction; where none was made, the network may not take the scan at all
        try:
            prediction = model.predict(scan)
        except Exception as error:  # as above
            return left_out(error)
    write_text(task.layout.seen(item.label), json.dumps(seen) + "\n")
    return Outcome(item.id, prediction, failures, keys, tuple(computed), time.monotonic() - start)


def _explain_method(task, item, scan, seen, choice, key, model, atlas, reference, stop) -> str | None:
    """Make a map; return None, "" if it was there already, or why it could not be made."""
    layout, name = task.layout, choice.name
    known = read_record(layout, item.label, name, task.keep_maps)
    if is_current(known, key, atlas, task.withheld) and (task.keep_maps or layout.scratch(item.label, name).is_file()):
        return ""
    try:
        relevance = explain(
            model,
            scan,
            name,
            target=item.target,
            atlas=atlas,
            reference=reference,
            preset=choice.preset,
            cancel=stop,
            **choice.params,
        )
    except Cancelled:
        raise
    except Exception as error:  # reported, and only this map is left out
        logger.warning("%s: %s is left out: %s", item.id, name, words_with_kind(error))
        return words_with_kind(error)
    more = {"subject": item.id, "group": item.group, "simulated_scan": task.simulated, "model": model.card.name}
    more["space_check"] = describe_space(seen["mni"], checked=task.check_space)
    write_record(layout, item.label, relevance, key, atlas, task.keep_maps, task.withheld, **more)
    return None


def token_of(run: str, items: list[Item]) -> str:
    """Return the name of the signal files of a piece of work."""
    return f"{run}-{hashlib.sha256(' '.join(i.id for i in items).encode()).hexdigest()[:12]}"
