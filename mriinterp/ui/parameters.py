"""Widgets for a method's parameters, made from the method's own description."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mriinterp.methods import Method, Parameter, get_method, method_names

__all__ = ["choose_method", "parameter_widgets"]

HIDDEN_SCORES = {"classes": ("raw",), "scale": ("probability", "logit", "margin")}


def choose_method(key: str = "method", default: str = "occlusion") -> Method:
    """A select box of all methods."""
    names = method_names()
    name = st.selectbox(
        "Method",
        names,
        index=names.index(default),
        format_func=lambda n: get_method(n).label,
        key=key,
        bind="query-params",
        persist_state="session",
    )
    method = get_method(name)
    st.caption(f"{method.summary} *{method.reference}*")
    return method


def parameter_widgets(method: Method, head_kind: str, columns, prefix: str = "") -> dict[str, Any]:
    """One widget a parameter; returns the chosen values.

    Parameters
    ----------
    head_kind : str
        ``"classes"`` or ``"scale"``: scores that make no sense for it are not offered.
    columns : list of columns
        Where widgets go, in turn.
    prefix : str
        Of the widgets' keys, which are also their names in the address.
    """
    values = {}
    for place, (name, parameter) in enumerate(method.parameters.items()):
        with columns[place % len(columns)]:
            values[name] = _widget(parameter, head_kind, f"{prefix}{method.name}-{name}")
    return values


def _widget(parameter: Parameter, head_kind: str, key: str) -> Any:
    label = parameter.name.replace("_", " ").capitalize()
    if parameter.param.unit:
        label += f" ({parameter.param.unit})"
    common = {"key": key, "help": parameter.param.help, "bind": "query-params"}
    if parameter.choices:
        hidden = HIDDEN_SCORES[head_kind] if parameter.name == "score" else ()
        options = [c for c in parameter.choices if c not in hidden]
        index = options.index(parameter.default) if parameter.default in options else 0
        return st.selectbox(label, options, index=index, **common)
    if parameter.type is bool:
        return st.checkbox(label, value=parameter.default, **common)
    if parameter.type in (int, float):
        cast = parameter.type
        bounds = {
            "min_value": None if parameter.param.minimum is None else cast(parameter.param.minimum),
            "max_value": None if parameter.param.maximum is None else cast(parameter.param.maximum),
        }
        return st.number_input(
            label, value=cast(parameter.default), step=1 if cast is int else 0.05, **bounds, **common
        )
    return st.text_input(label, value=parameter.default, **common)
