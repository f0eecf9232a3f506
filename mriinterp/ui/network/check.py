"""Which methods work on a network: the check, made in the background, its answer and its table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from mriinterp.base.tables import csv_text
from mriinterp.methods import get_method
from mriinterp.models import Model
from mriinterp.network_check import MethodCheck, NetworkCheck, check_network
from mriinterp.ui.base.jobs import start_job, watch, work_card
from mriinterp.ui.base.words import as_sentence, escape_markdown
from mriinterp.ui.network.card import stem_of
from mriinterp.ui.scan.subject import Subject
from mriinterp.ui.session.keys import NETWORK_CHECKS
from mriinterp.ui.shell.page import Header

__all__ = ["check_key", "known_check", "run_check", "show_answer", "show_check", "watch_check"]

SLOT = "network"
KEPT = 64


@st.cache_resource(show_spinner=False)
def _checks() -> dict[str, NetworkCheck]:
    """Return the checks on scans of studies, for all sessions, the latest last."""
    return {}


def check_key(model: Model, subject: Subject) -> str:
    """Return the key of the check of a network on a scan."""
    return f"check {model.digest} {subject.scan.digest} {model.device}"


def _kept(subject: Subject) -> dict[str, NetworkCheck]:
    return NETWORK_CHECKS.begin({}) if subject.uploaded else _checks()


def known_check(model: Model, subject: Subject) -> NetworkCheck | None:
    """Return the check of a network on a scan, if it was made."""
    return _kept(subject).get(check_key(model, subject))


def run_check(model: Model, subject: Subject) -> None:
    """Start the check."""
    kept, key, scan = _kept(subject), check_key(model, subject), subject.scan_for(model)

    def work(progress, cancel) -> None:
        kept[key] = check_network(model, scan, progress=progress, cancel=cancel)
        while len(kept) > KEPT:
            del kept[next(iter(kept))]

    start_job(SLOT, f"Check of {model.card.name} on {subject.name}", key, work, shared=not subject.uploaded)


def watch_check(model: Model, subject: Subject) -> bool:
    """Show a check that goes on; return whether there is one."""
    with work_card():
        return watch(SLOT, check_key(model, subject))


def show_check(found: NetworkCheck, subject: Subject) -> None:
    """Show what a check found: how the network behaves, and a row a method."""
    speed = found.occlusion
    parts = [
        f"**{len(found.works)} of {len(found.methods)}** methods work",
        f"a pass takes **{_seconds(found.forward_seconds)}**",
        f"the same scan gives {'the same output' if found.deterministic else '**another output each time**'}",
    ]
    if speed is not None:
        parts.append(f"occlusion is **{speed.speedup:.1f}×** as fast as the plain loop")
    st.markdown(" · ".join(parts))
    if speed is not None:
        windows = f"{speed.windows:,} window{'s' if speed.windows != 1 else ''}"
        loop = (
            f"occlusion: {windows} in {_seconds(speed.seconds)}, the plain loop takes {_seconds(speed.plain_seconds)}"
        )
        st.caption(escape_markdown(as_sentence(f"{loop}; {speed.why}")))
    for note in found.notes:
        (st.caption if found.deterministic else st.warning)(escape_markdown(as_sentence(note)))
    for text, names in found.doubts.items():
        labels = ", ".join(get_method(name).label for name in names)
        st.warning(escape_markdown(as_sentence(f"{labels}: {text}")), icon=":material/warning:")
    table = found.table()
    shown = pd.DataFrame(
        {
            "Method": table["label"],
            "Works": ["refused" if not one.works else "doubtful" if one.doubts else "yes" for one in found.methods],
            "A map takes": [_time(check) for check in found.methods],
            "Layer, or why not": table["layer"].where(table["works"], table["reason"]),
        }
    )
    wide = {"Layer, or why not": st.column_config.TextColumn(width="large")}
    st.dataframe(shown, hide_index=True, width="stretch", height="content", column_config=wide)
    st.download_button(
        "Table (CSV)",
        lambda: csv_text(table),
        f"{stem_of(found.network)}_check.csv",
        key="get_check",
        on_click="ignore",
        help=f"Measured on {found.device} with the scan {subject.name}",
    )


def show_answer(header: Header, model: Model, found: NetworkCheck | None) -> None:
    """Show in the page's first line what the network reads and returns, and how many methods work on it."""
    card = model.card
    returns = "; ".join(", ".join(head.classes) for head in card.heads)
    read = f"{len(card.images)} images" if card.images else "a scan"
    shape = "×".join(map(str, model.grid.shape))
    words = f"**{escape_markdown(card.name)}** reads {read} of {shape} voxels and returns {escape_markdown(returns)}"
    if found is None:
        header.answer(f"{words}; which methods work on it was not tried yet.")
    else:
        header.answer(f"{words}; **{len(found.works)} of {len(found.methods)} methods work** on it.")


def _time(check: MethodCheck) -> str:
    return "" if check.seconds is None else f"{'about ' if check.estimated else ''}{_seconds(check.seconds)}"


def _seconds(seconds: float) -> str:
    if seconds < 0.001:
        return "less than 1 ms"
    return (
        f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    )
