"""The images and numbers of a scan, as a network reads them."""

from __future__ import annotations

import numpy as np

from mriinterp.image.scanset import ScanSet
from mriinterp.image.volume import Volume, resample
from mriinterp.models.card import ModelCard
from mriinterp.models.normalisation import Normalisation

__all__ = ["channel_of", "images_of", "numbers_of"]


def images_of(volume: Volume, card: ModelCard) -> dict[str, Volume]:
    """Return the images of a scan that the network reads, by name, in its order; "" is that of one unnamed image."""
    named = volume.images if isinstance(volume, ScanSet) else {}
    if not card.images:
        if len(named) > 1:
            raise ValueError(
                f"{card.name}: expected a scan of one image, got {', '.join(named)}; a network of several says "
                'so: images=[…] in Python, "images" on the card'
            )
        return {"": next(iter(named.values()), volume)}
    if len(card.images) == 1 and not named:
        return {card.images[0]: volume}
    if lacking := [name for name in card.images if name not in named]:
        raise ValueError(
            f"{card.name}: expected a scan with the images {', '.join(card.images)}, got "
            f"{', '.join(named) or 'one without a name'}; missing: {', '.join(lacking)}. In Python a scan is "
            '{"t1": volume, …}, in a study file images = {t1 = …, …}'
        )
    return {name: named[name] for name in card.images}


def numbers_of(volume: Volume, card: ModelCard) -> dict[str, float]:
    """Return the numbers of a scan that the network reads; ValueError naming what it lacks."""
    known = volume.numbers if isinstance(volume, ScanSet) else {}
    lacking = [n.name for n in card.numbers if n.name not in known and n.default is None]
    if lacking:
        raise ValueError(
            f"{card.name}: expected a scan with the numbers {', '.join(n.name for n in card.numbers)}, "
            f'missing: {", ".join(lacking)}. In Python a scan is {{"t1": volume, "{lacking[0]}": 71.0}}, in a '
            "study file numbers name columns of the table"
        )
    return {n.name: known[n.name] for n in card.numbers if n.name in known}


def channel_of(volume: Volume, card: ModelCard, rule: Normalisation, mask: Volume | None, name: str) -> np.ndarray:
    """Return an image as a channel of the network's input, shape (i, j, k)."""
    which = f"{name}: " if name else ""
    data = resample(volume, card.grid, order=1).data.astype(np.float32, copy=False)
    if not data.any():
        raise ValueError(
            f"{which}expected a scan that overlaps the model's field of view ({card.grid}), got one that lies "
            f"outside it ({volume.grid}): is it in {card.space} space?"
        )
    if not np.isfinite(data).all():
        raise ValueError(f"{which}expected a scan of finite intensities, got NaN or infinity; read_volume removes them")
    if mask is not None:
        data = data * (mask.data > 0)
    try:
        return np.array(rule.apply(np.ascontiguousarray(data)))
    except ValueError as error:
        raise ValueError(f"{which}{error}{_one_rule_for_each(card)}") from error


def _one_rule_for_each(card: ModelCard) -> str:
    """Return that each image may have a normalisation of its own, in words; "" where there is one image."""
    if len(card.images) < 2:
        return ""
    first, second = card.images[:2]
    return (
        "; each image may have a normalisation of its own, e.g. "
        f'{{"{first}": {{"kind": "scan_zscore"}}, "{second}": {{"kind": "none"}}}}'
    )
