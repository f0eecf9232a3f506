"""Simulated subjects that several test files share: each is made once."""

import numpy as np
import pytest

from mriinterp.image.template import template
from mriinterp.image.volume import Grid
from mriinterp.simulation.subjects import DEMO, demo_subjects, simulate_subject


@pytest.fixture(scope="session")
def ill():
    """The most severe subject of the demo cohort."""
    table = demo_subjects()
    return simulate_subject(DEMO, table.loc[table["severity"].idxmax(), "id"])


@pytest.fixture(scope="session")
def well():
    table = demo_subjects()
    return simulate_subject(DEMO, table.loc[table["group"] == "CN", "id"].iloc[0])


@pytest.fixture(scope="session")
def coarse():
    """The template at 3 mm: fast."""
    grid = Grid((58, 72, 58), np.array([[3.0, 0, 0, -86], [0, 3, 0, -122], [0, 0, 3, -72], [0, 0, 0, 1]]))
    return template(grid)
