"""Parameters are read off a method's signature."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated

import pytest

from mriinterp.methods import Param, get_method, method_names
from mriinterp.methods.parameters import parameters_of

if TYPE_CHECKING:
    from there_is_no_such_package import Image

Size = Annotated[int, Param("Edge", minimum=1, unit="voxels")]


def a_method(model: Image, x: Image, target: int, *, size: Size = 4, reference: Image | None = None) -> Image:
    """Use types that are there for type checkers alone, but not in its parameters."""


def test_only_the_types_of_parameters_need_be_there():
    found = parameters_of(a_method)
    assert list(found) == ["size"]
    assert (found["size"].type, found["size"].default, found["size"].param.unit) == (int, 4, "voxels")


def test_a_parameter_of_an_unknown_type_is_reported():
    def other(model, x, target, *, size: Image = None): ...

    with pytest.raises(NameError, match="Image"):
        parameters_of(other)


@pytest.mark.parametrize("name", method_names())
def test_a_decorated_method_has_the_same_parameters(name):
    method = get_method(name).function
    decorated = functools.wraps(method)(lambda *given, **named: method(*given, **named))
    assert parameters_of(decorated) == parameters_of(method)
