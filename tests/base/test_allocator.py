"""Pages that are kept by the C library, and given back."""

import subprocess
import sys

import pytest

from mriinterp.base.allocator import VARIABLE, keep_pages

CODE = """
import ctypes, resource, sys
from mriinterp.base.allocator import give_back, keep_pages
kept = keep_pages()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def touch(size=200 << 20):
    block = libc.malloc(size)
    ctypes.memset(block, 1, size)
    libc.free(block)

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

start = resident()
touch()
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
touch()
again = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
held = resident() - start
give_back()
print(kept, again, held >> 20, (resident() - start) >> 20)
"""


def run(**environment):
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=environment, check=True)
    return done.stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="settings of glibc")
def test_pages_are_used_again_and_given_back():
    kept, faults, held, after = run()
    if kept == "False":
        pytest.skip("another C library")
    assert int(faults) < 100  # of 51,200 pages of 4 KiB
    assert int(held) >= 190
    assert int(after) < 10


@pytest.mark.skipif(sys.platform != "linux", reason="settings of glibc")
def test_the_environment_switches_it_off():
    kept, faults, held, _ = run(**{VARIABLE: "system"})
    assert kept == "False"
    assert int(faults) > 1000 or int(held) < 10  # pages were returned and taken anew


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_pages({}) is False
