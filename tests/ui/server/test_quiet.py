"""Work that no one waits for begins when no page is being made."""

import threading
import time

import pytest

from mriinterp.base.progress import Cancelled
from mriinterp.ui.server import quiet


def test_it_waits_for_the_page_and_some_seconds_more():
    ended = []
    with quiet.page_run():
        waiting = threading.Thread(target=lambda: (quiet.wait_until_quiet(seconds=0.3), ended.append(time.monotonic())))
        waiting.start()
        time.sleep(0.5)
        assert not ended
    left = time.monotonic()
    waiting.join(20)
    assert ended[0] - left >= 0.25


def test_a_page_that_fails_is_over_and_a_cancel_ends_the_waiting():
    with pytest.raises(KeyError), quiet.page_run():
        raise KeyError("page")
    quiet.wait_until_quiet(seconds=0.0)
    with quiet.page_run(), pytest.raises(Cancelled):
        quiet.wait_until_quiet(lambda: True)
