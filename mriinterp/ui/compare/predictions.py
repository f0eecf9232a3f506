"""What networks say of the scans that are compared: the compare page's first line."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mriinterp.base.numerals import decimals, percent
from mriinterp.methods import get_method
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.compare.entries import Entry
from mriinterp.ui.maps.result import show_warnings
from mriinterp.ui.shell.page import Header

__all__ = ["short_words", "show_predictions"]

MOST_NAMED = 2  # predictions that a line has room for, each in words of its own


def show_predictions(entries: Sequence[Entry], header: Header | None = None) -> None:
    """Show the prediction of each scan and network once, in the page's first line where there is one."""
    known = list({(e.column.subject, e.column.model): e for e in reversed(entries) if e.known is not None}.values())[
        ::-1
    ]
    warnings = [f"scan {entry.subject.name}: {text}" for entry in known for text in entry.relevance.prediction.warnings]
    for relevance in filter(None, (entry.known for entry in entries)):
        own = relevance.warnings[len(relevance.prediction.warnings) :]
        warnings += [f"{get_method(relevance.method).label}: {text}" for text in own]
    show_warnings(dict.fromkeys(warnings))
    if known:
        words = (short_words(known) if len(known) > MOST_NAMED else "") or " · ".join(map(_long_words, known))
        (st.markdown if header is None else header.answer)(words)


def _names_a_class(entry: Entry) -> bool:
    """Return whether the network chooses among classes, and its choice may be shown."""
    return entry.subject.diagnosed_by(entry.model) and entry.model.heads[0].kind != "scale"


def short_words(entries: Sequence[Entry]) -> str:
    """Return several predictions in a line: how many networks say what of one scan, or each scan in two words; "" if there are others.

    Parameters
    ----------
    entries : sequence of Entry
        Each of another scan or network, with its map.
    """
    if not all(map(_names_a_class, entries)):
        return ""
    said = [(entry, entry.relevance.prediction.predicted) for entry in entries]
    if len({entry.column.subject for entry in entries}) == 1:
        subject, parts = entries[0].subject, []
        for name in dict.fromkeys(predicted for _, predicted in said):
            sure = [e.relevance.prediction.probabilities[name] for e, predicted in said if predicted == name]
            many = "all" if len(sure) == len(entries) else f"{len(sure)} of"
            low, high = percent(min(sure)).removesuffix("%"), percent(max(sure))
            range_words = high if f"{low}%" == high else f"{low}–{high}"
            verb = "says" if len(sure) == 1 else "say"
            parts.append(f"{many} {len(entries)} networks {verb} **{escape_markdown(name)}** ({range_words})")
        group = "" if subject.group is None else f", true group {escape_markdown(subject.group)}"
        return " · ".join([f"**{escape_markdown(subject.name)}**{group}", *parts])
    parts = []
    for entry, name in said:
        group = "" if entry.subject.group is None else f" (true {escape_markdown(entry.subject.group)})"
        who = " · ".join(filter(None, [entry.subject.name, entry.column.model]))
        share = percent(entry.relevance.prediction.probabilities[name])
        parts.append(f"**{escape_markdown(who)}** {escape_markdown(name)} {share}{group}")
    return f"Network says: {', '.join(parts)}"


def _long_words(entry: Entry) -> str:
    """Return one prediction in words."""
    prediction, head = entry.relevance.prediction, entry.model.heads[0]
    if not entry.subject.diagnosed_by(entry.model):
        words = "nothing that may be shown: it was trained on simulated brains only"
    elif head.kind == "scale":
        words = f"{head.name} {decimals(prediction.outputs[head.classes[0]], 2)}"
    else:
        words = f"{prediction.predicted} ({percent(prediction.probabilities[prediction.predicted])})"
    group = f", true group {entry.subject.group}" if entry.subject.group is not None else ""
    name = " · ".join(filter(None, [entry.subject.name, entry.column.model]))
    return f"**{escape_markdown(name)}**: {escape_markdown(f'network says {words}{group}')}"
