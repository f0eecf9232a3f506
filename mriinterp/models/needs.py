"""What a normalisation needs of a scan's intensities, so that a network sees what it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mriinterp.image.intensity import Intensities

__all__ = ["AIR_IS_ZERO", "BRAIN_ABOVE_ZERO", "MOST_OF_BRAIN_ABOVE_ZERO", "NO_AIR_ABOVE_ZERO", "NO_SPIKE", "Need"]

FLAT_AIR, NOISY_AIR = 0.001, 0.05  # of the brain's brightness: air of one value; air with a scanner's noise
SPIKE = 10.0  # times the brightness of the bulk of the voxels


@dataclass(frozen=True)
class Need:
    """A condition on intensities.

    Parameters
    ----------
    expected : str
        The condition in words, after "scans".
    broken : callable
        From `Intensities`: what was found and what is expected, or "" where
        the condition holds or cannot be judged.
    """

    expected: str
    broken: Callable[[Intensities], str]


def _brightness(found: Intensities) -> float:
    """How far tissue lies from the air."""
    air = found.air or 0.0
    return max(abs(found.bulk - air), abs(found.brain - air))


def _air_is_zero(found: Intensities) -> str:
    if found.air is None:
        return ""
    size = _brightness(found)
    allowed = FLAT_AIR if found.air_spread <= FLAT_AIR * size else NOISY_AIR
    if abs(found.air) <= allowed * size:
        return ""
    return f"the air around the head has an intensity of {found.air:.4g}, expected 0 (the brain has {found.brain:.4g})"


def _no_air_above_zero(found: Intensities) -> str:
    if found.air is None or found.air <= 0 or _air_is_zero(found):
        return _air_is_zero(found)
    return f"most of the air around the head is above 0 (its median is {found.air:.4g}), expected air of 0"


def _above_zero(allowed: float) -> Callable[[Intensities], str]:
    def broken(found: Intensities) -> str:
        if found.dark <= allowed:
            return ""
        return f"{found.dark:.0%} of the brain has an intensity of 0 or below, expected at most {allowed:.0%}"

    return broken


def _no_spike(found: Intensities) -> str:
    air = found.air or 0.0
    reach = found.bulk - air
    for name, value, beyond in (
        ("highest", found.highest, found.highest - air),
        ("lowest", found.lowest, air - found.lowest),
    ):
        if 0 < reach * SPIKE < beyond:
            return (
                f"the {name} intensity is {value:.4g}, {beyond / reach:.0f} times as far from air as the 99th "
                f"percentile, {found.bulk:.4g}; expected at most {SPIKE:.0f} times: a spike or an artefact"
            )
    return ""


AIR_IS_ZERO = Need("whose air is 0", _air_is_zero)
NO_AIR_ABOVE_ZERO = Need("whose air is 0, without noise above it", _no_air_above_zero)
BRAIN_ABOVE_ZERO = Need("whose brain is above 0", _above_zero(0.05))
MOST_OF_BRAIN_ABOVE_ZERO = Need("most of whose brain is above 0", _above_zero(0.5))
NO_SPIKE = Need(f"without voxels more than {SPIKE:.0f} times as bright as the bulk", _no_spike)
