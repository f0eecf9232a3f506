"""Progress, cancelling, and files that appear whole."""

import pytest

from mriinterp.base.atomic import replacing, write_text
from mriinterp.base.progress import Cancelled, TimeLeft, check_cancel, describe_seconds
from mriinterp.commands.terminal import ProgressLine


def test_time_left_follows_the_pace():
    now = [0.0]
    left = TimeLeft(clock=lambda: now[0])
    assert left.estimate(0, 10) is None
    now[0] = 4.0
    assert left.estimate(2, 10) == pytest.approx(16.0)
    assert left.estimate(3, 210) is None
    assert left.estimate(6, 210) == pytest.approx(4 / 6 * 204)


@pytest.mark.parametrize(
    ("seconds", "words"), [(7.6, "8 s"), (61, "1 min 01 s"), (7500, "2 h 05 min"), (None, "unknown")]
)
def test_durations_in_words(seconds, words):
    assert describe_seconds(seconds) == words


def test_cancel_raises_only_when_asked():
    check_cancel(None)
    check_cancel(lambda: False)
    with pytest.raises(Cancelled):
        check_cancel(lambda: True)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    write_text(path, "old")
    with pytest.raises(FileNotFoundError), replacing(path) as temporary:
        temporary.write_text((tmp_path / "missing").read_text(encoding="utf-8"), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="expected an output folder"):
        write_text(tmp_path / "out" / "x.txt", "")


def test_progress_into_a_file_is_sparse(tmp_path):
    with (tmp_path / "log").open("w+", encoding="utf-8") as stream:
        line = ProgressLine("work", stream)
        for done in range(1000):
            line(done, 1000)
        line.close()
        stream.seek(0)
        assert stream.read() == ""
