"""Small networks would mostly run whole: the tests of exactness keep to the engine."""

import pytest

from mriinterp.incremental import ways


@pytest.fixture(autouse=True)
def recomputed(monkeypatch, request):
    """Recompute what changed wherever it can be; the fixture `measured` lets both ways compete."""
    if "measured" not in request.fixturenames:
        monkeypatch.setattr(ways, "CLEAR", 0.0)
        monkeypatch.setattr(ways, "FEW_CLEAR", 0.0)


@pytest.fixture
def measured(monkeypatch, nothing_known):
    """Whole passes may win even for small networks, and nothing is remembered of other tests, nor by them."""
    monkeypatch.setattr(ways, "SMALL_WORK", 0)
