"""Widgets for a method's parameters, made from the method's own description."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mriinterp.methods import Method, Parameter, get_method, listed_methods, method_names
from mriinterp.models import Head, Model
from mriinterp.ui.address import linked
from mriinterp.ui.resources import layers_of

__all__ = ["choose_method", "parameter_widgets"]

NARROW_LETTERS = 11  # that a select box of half a sidebar can show


def choose_method(key: str = "method", first: str = "single") -> Method:
    """Show a select box of all methods, with what the chosen one shows and its caution; return the choice.

    Parameters
    ----------
    key : str
        Of the widget.
    first : str
        A key of `mriinterp.methods.LISTS`, whose first method is chosen at first.
    """
    names = method_names()
    default = (listed_methods(first) or names)[0]
    name = st.selectbox(
        "Method",
        names,
        format_func=lambda n: get_method(n).label,
        key=linked(
            key,
            default,
            options=names,
            always=key == "method",
            shapes=key == "method",
            shows=lambda n: get_method(n).label,
        ),
        persist_state="session",
    )
    method = get_method(name)
    st.caption(method.summary, help=f"{method.reference}. {method.caution}")
    return method


def parameter_widgets(method: Method, model: Model, prefix: str = "", *, head: Head | None = None) -> dict[str, Any]:
    """Show one widget a parameter, two in a row where their words fit; return the chosen values.

    Parameters
    ----------
    model : Model
        Scores that make no sense for its head are not offered; its layers are.
    prefix : str
        Of the widgets' keys, which are also their names in the address. With
        one they are a form, and in no address.
    head : Head, optional
        Whose output is explained; default: the first.
    """
    values, row = {}, []
    for name, parameter in method.parameters.items():
        if _is_wide(parameter):
            place = st.container()
        else:
            row = row or st.columns(2)
            place = row.pop(0)
        with place:
            key = f"{method.name}.{prefix}{name}"
            values[name] = _widget(parameter, model, key, head or model.heads[0], shapes=not prefix)
    return values


def _is_wide(parameter: Parameter) -> bool:
    """Return whether half a sidebar would cut the widget's words."""
    if parameter.type is bool or parameter.param.options:
        return True
    return any(len(str(choice)) > NARROW_LETTERS for choice in parameter.choices or ())


def _scores(head: Head) -> tuple[str, ...]:
    """Return the scores to offer for a head: the raw output of a scale, the others for classes."""
    return ("raw",) if head.kind == "scale" else tuple(s for s in head.output_kind.scores if s != "raw")


def _widget(parameter: Parameter, model: Model, key: str, head: Head, *, shapes: bool) -> Any:
    label = parameter.name.replace("_", " ").capitalize()
    if parameter.param.unit:
        label += f" ({parameter.param.unit})"
    common = {"help": parameter.param.help, "persist_state": "session"}
    if parameter.choices:
        options = [c for c in parameter.choices if parameter.name != "score" or c in _scores(head)]
        default = parameter.default if parameter.default in options else options[0]
        return st.selectbox(label, options, key=linked(key, default, options=options, shapes=shapes), **common)
    if parameter.param.options == "layers":
        options = ["", *layers_of(model.digest, model)]
        key = linked(key, parameter.default, options=options, shapes=shapes)
        return st.selectbox(label, options, key=key, format_func=lambda layer: layer or "automatic", **common)
    link = linked(key, parameter.default, cast=parameter.check, shapes=shapes)
    if parameter.type is bool:
        return st.checkbox(label, key=link, **common)
    if parameter.type in (int, float):
        cast = parameter.type
        bounds = {
            "min_value": None if parameter.param.minimum is None else cast(parameter.param.minimum),
            "max_value": None if parameter.param.maximum is None else cast(parameter.param.maximum),
        }
        return st.number_input(label, key=link, step=1 if cast is int else 0.05, **bounds, **common)
    return st.text_input(label, key=link, **common)
