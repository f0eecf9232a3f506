"""Widgets for a method's parameters, made from the method's own description."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mriinterp.methods import Method, Parameter, get_method, listed_methods, method_names
from mriinterp.models import Head, Model
from mriinterp.ui.base.linked import linked
from mriinterp.ui.base.words import choice_words
from mriinterp.ui.maps.badge import method_signs
from mriinterp.ui.session.keys import parameter_key
from mriinterp.ui.sources.resources import layers_of

__all__ = ["choose_method", "first_values", "grouped_methods", "parameter_widgets"]

GROUPS = {
    "boxes": "what is hidden",
    "areas": "what is hidden",
    "gradient": "gradients",
    "activation": "activations",
    "propagation": "relevance propagation",
}
MARKS = (
    "Marks: localisation, faithfulness, randomisation in this study’s benchmark (✓ yes, ~ in part, ✗ no, ? undecided)."
)
PAPER = "rieke2018"  # the preset that a click away is called so
NARROW_LETTERS = 11  # that a select box of half a sidebar can show


def grouped_methods() -> list[str]:
    """Return the names of all methods, those of a group together."""
    order = list(dict.fromkeys(GROUPS.values()))
    return sorted(method_names(), key=lambda name: order.index(GROUPS[get_method(name).kind]))


def choose_method(key: str = "method", first: str = "single", *, study: str = "", model: Model | None = None) -> Method:
    """Show a select box of all methods, with what the chosen one shows and its caution; return the choice.

    Parameters
    ----------
    key : str
        Of the widget.
    first : str
        A key of `mriinterp.methods.LISTS`, whose first method is chosen at first.
    study, model : str, Model
        Whose benchmark marks the methods in the list.
    """
    names = grouped_methods()
    signs = method_signs(study, names, model.digest) if model else {}
    default = (listed_methods(first) or names)[0]
    name = st.selectbox(
        "Method",
        names,
        format_func=lambda n: " ".join(
            filter(None, [get_method(n).label, signs.get(n), f"· {GROUPS[get_method(n).kind]}"])
        ),
        help=f"Grouped by how they work. {MARKS}" if any(signs.values()) else "Grouped by how they work.",
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
    if method.recommended and not prefix:
        _offer_settings(method)
    values: dict[str, Any] = {}
    firsts = first_values(method)
    row: list[Any] = []
    for name, parameter in method.parameters.items():
        if _is_wide(parameter):
            place = st.container()
        else:
            row = row or list(st.columns(2))
            place = row.pop(0)
        with place:
            key = f"{method.name}.{prefix}{name}"
            first = parameter.default if prefix else firsts[name]
            values[name] = _widget(parameter, model, key, head or model.heads[0], first, shapes=not prefix)
    return values


def first_values(method: Method) -> dict[str, Any]:
    """Return what the widgets of a method's parameters begin with: what measured best, else the defaults."""
    return {name: method.recommended.get(name, parameter.default) for name, parameter in method.parameters.items()}


def _offer_settings(method: Method) -> None:
    """Offer the settings that measured best, and those of the paper, one click away."""
    sets = {"best measured": first_values(method)}
    if PAPER in method.presets:
        sets["paper"] = method.resolve({}, PAPER)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for words, values in sets.items():
            st.button(
                words.capitalize(),
                key=f"{method.name}_{words.replace(' ', '_')}",
                help=", ".join(f"{name} {value}" for name, value in values.items() if name != "score"),
                on_click=_set,
                args=(method.name, values),
                width="stretch",
            )


def _set(method: str, values: dict[str, Any]) -> None:
    """Choose values of parameters; the score stays."""
    for name in values.keys() - {"score"}:
        parameter_key(method, name).put(values[name])


def _is_wide(parameter: Parameter) -> bool:
    """Return whether half a sidebar would cut the widget's words."""
    if parameter.type is bool or parameter.param.options:
        return True
    return any(len(str(choice)) > NARROW_LETTERS for choice in parameter.choices or ())


def _scores(head: Head) -> tuple[str, ...]:
    """Return the scores to offer for a head: the raw output of a scale, the others for classes."""
    return ("raw",) if head.kind == "scale" else tuple(s for s in head.output_kind.scores if s != "raw")


def _widget(parameter: Parameter, model: Model, key: str, head: Head, first: Any, *, shapes: bool) -> Any:
    label = parameter.name.replace("_", " ").capitalize()
    if parameter.param.unit:
        label += f" ({parameter.param.unit})"
    common: dict[str, Any] = {"help": parameter.param.help, "persist_state": "session"}
    if parameter.choices:
        options = [c for c in parameter.choices if parameter.name != "score" or c in _scores(head)]
        default = first if first in options else options[0]
        link = linked(key, default, options=options, shapes=shapes, shows=choice_words)
        return st.selectbox(label, options, key=link, format_func=choice_words, **common)
    if parameter.param.options == "layers":
        options = ["", *layers_of(model.digest, model)]
        key = linked(key, first, options=options, shapes=shapes)
        return st.selectbox(label, options, key=key, format_func=lambda layer: layer or "Automatic", **common)
    link = linked(key, first, cast=parameter.check, shapes=shapes)
    if parameter.type is bool:
        return st.checkbox(label, key=link, **common)
    if parameter.type in (int, float):
        cast = parameter.type
        bounds: dict[str, Any] = {
            "min_value": None if parameter.param.minimum is None else cast(parameter.param.minimum),
            "max_value": None if parameter.param.maximum is None else cast(parameter.param.maximum),
        }
        return st.number_input(label, key=link, step=1 if cast is int else 0.05, **bounds, **common)
    return st.text_input(label, key=link, **common)
