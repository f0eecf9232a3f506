"""What tests of results share."""

import os

import pytest

from mriinterp.base import atomic
from mriinterp.results import home


@pytest.fixture(autouse=True)
def nothing_warned(monkeypatch):
    """Let every test begin without a home that could not be written."""
    monkeypatch.setattr(home, "_problems", {})
    monkeypatch.setattr(home, "_warned", set())


@pytest.fixture
def locked(monkeypatch):
    """locked(folder): make a folder that one may not write into, also as root, whom no permission stops."""

    def lock(folder):
        folder.mkdir()
        folder.chmod(0o555)
        if os.name == "nt" or os.geteuid() == 0:
            make = atomic.Path.mkdir

            def refuse(path, *args, **kwargs):
                if path.is_relative_to(folder):
                    raise PermissionError(13, "Permission denied", str(path))
                make(path, *args, **kwargs)

            monkeypatch.setattr(atomic.Path, "mkdir", refuse)

    return lock
