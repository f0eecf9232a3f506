"""Threads and processes beside the one that is waited for."""

import os
import sys
import threading

import pytest

from mriinterp.base.processes import LATER, cores, give_way


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux alone")
def test_a_thread_gives_way_and_no_other_does():
    before, found = os.getpriority(os.PRIO_PROCESS, 0), []

    def run() -> None:
        give_way()
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [max(before, LATER)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_there_is_a_core():
    assert 1 <= cores() <= (os.cpu_count() or 1)
