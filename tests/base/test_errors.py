"""Errors in words, the same in pages, commands and reports."""

import pytest

from mriinterp.base.errors import words_of, words_with_kind
from mriinterp.commands.terminal import print_error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("expected a group"), "expected a group"),
        (ValueError("two\n lines"), "two\n lines"),
        (ValueError(), "ValueError"),
        (KeyError(), "KeyError"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
    ],
)
def test_words(error, words, capsys):
    assert words_of(error) == words
    assert words_with_kind(error) == " ".join(words.split())
    print_error(error)
    assert capsys.readouterr().err == f"mriinterp: {words}\n"


def test_what_is_no_wrong_input_has_its_kind():
    assert words_with_kind(ZeroDivisionError("division by zero")) == "ZeroDivisionError: division by zero"
    assert words_with_kind(MemoryError()) == "MemoryError"
