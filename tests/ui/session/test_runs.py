"""What runs of pages look up once, and work that waits until there is none."""

import threading
import time

import pytest

from mriinterp.base.progress import Cancelled
from mriinterp.ui.session import runs


def test_it_waits_for_the_page_and_some_seconds_more():
    ended = []
    with runs.page_run():
        waiting = threading.Thread(target=lambda: (runs.wait_until_quiet(seconds=0.3), ended.append(time.monotonic())))
        waiting.start()
        time.sleep(0.5)
        assert not ended
    left = time.monotonic()
    waiting.join(20)
    assert ended[0] - left >= 0.25


def test_a_page_that_fails_is_over_and_a_cancel_ends_the_waiting():
    with pytest.raises(KeyError), runs.page_run():
        raise KeyError("page")
    runs.wait_until_quiet(seconds=0.0)
    with runs.page_run(), pytest.raises(Cancelled):
        runs.wait_until_quiet(lambda: True)


def test_a_run_looks_once_and_the_next_one_again(monkeypatch):
    found = iter(range(100))

    def look():
        return runs.once_a_run("file", lambda: next(found))

    assert [look(), look()] == [0, 1]  # no page is being made
    with runs.page_run():
        assert [look(), look(), look()] == [2, 2, 2]
        assert runs.once_a_run("another", lambda: "other") == "other"
        with runs.page_run():  # of another session
            assert [look(), look()] == [3, 3]
        monkeypatch.setattr(runs, "CURRENT_SECONDS", 0.0)
        assert [look(), look()] == [4, 5]  # a long run does not take it as it was
    assert look() == 6


def test_what_was_looked_up_before_a_run_began_does_not_count_in_it():
    with runs.page_run():

        def look():
            with runs.page_run():  # begins while the file is being read
                return "before"

        assert runs.once_a_run("file", look) == "before"
        assert runs.once_a_run("file", lambda: "after") == "after"


def test_a_look_that_fails_is_not_kept():
    with runs.page_run():
        with pytest.raises(OSError, match="gone"):
            runs.once_a_run("file", lambda: (_ for _ in ()).throw(OSError("gone")))
        assert runs.once_a_run("file", lambda: "there") == "there"
