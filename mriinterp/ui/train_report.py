"""A finished training: whether the network beats simple models, its figures, and the way to use it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from mriinterp.base.fingerprint import file_stamp
from mriinterp.base.tables import read_tsv
from mriinterp.crossval.baselines import BASELINES
from mriinterp.crossval.curves import calibration_figure, learning_figure, roc_figure
from mriinterp.crossval.folds import HELD_OUT
from mriinterp.crossval.measures import NETWORK, POOLED, confusion_table
from mriinterp.crossval.output import MEASURES, PREDICTIONS, histories_of, read_predictions
from mriinterp.crossval.state import RECORD, TrainState
from mriinterp.crossval.train_report import measure_values, values_by_fold
from mriinterp.ui.address import linked
from mriinterp.ui.keys import STUDY, TRAIN_GO
from mriinterp.ui.studies import remember_study
from mriinterp.ui.words import escape_markdown

__all__ = ["open_used", "show_report"]

STILL = {"displayModeBar": False}
TABS = ["ROC", "Learning", "Calibration", "Confusion", "Measures", "Folds"]


@st.cache_data(max_entries=8, show_spinner="Reading the training …")
def _tables(folder: str, stamp: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    at = Path(folder)
    return (
        read_predictions(at),
        read_tsv(at / MEASURES, text=("set",)),
        read_tsv(at / "folds.tsv", text=("id", "subject")),
    )


@st.cache_data(max_entries=8, show_spinner="Drawing patients …")
def _roc(folder: str, stamp: str, _inside: pd.DataFrame):
    return roc_figure(_inside)


def _use(study: Path) -> None:
    remember_study(str(study))
    STUDY.put(str(study))
    TRAIN_GO.put(True)


def open_used() -> None:
    """Go to the page of single scans if the reader has just chosen to use a network."""
    if TRAIN_GO.take():
        st.switch_page("pages/single_scan.py")


def show_report(folder: Path, state: TrainState) -> None:
    """Show what a finished training has found; errors of files that cannot be read."""
    stamp = file_stamp([folder / name for name in (PREDICTIONS, MEASURES, RECORD)], read=0)
    predictions, measures, folds = _tables(str(folder), stamp)
    inside = predictions[predictions["fold"] != HELD_OUT]
    _show_actions(folder)
    _show_verdicts(state, measures)
    _show_numbers(measures)
    st.caption(
        f"{len(inside)} scans of {inside['subject'].nunique()} patients, each judged by the network that never saw the "
        "patient. Intervals: 95 %, by a bootstrap over patients."
    )
    tabs = st.tabs(TABS, key=linked("report_tab", TABS[0], options=TABS), on_change="rerun")
    shows = {
        "ROC": lambda: _figure(
            _roc(str(folder), stamp, inside), "roc", "Out of fold. Band: 95 % of draws of patients."
        ),
        "Learning": lambda: _figure(
            learning_figure({name.replace("fold", "fold "): one for name, one in histories_of(folder).items()}),
            "learning",
            "Cross-entropy by epoch; dots: the epoch whose weights were kept.",
        ),
        "Calibration": lambda: _figure(
            calibration_figure(inside), "calibration", "Fifths of the scans by probability; share of ill scans in each."
        ),
        "Confusion": lambda: st.dataframe(confusion_table(predictions), hide_index=True, width="stretch"),
        "Measures": lambda: _show_measures(measures, predictions),
        "Folds": lambda: st.dataframe(folds, hide_index=True, width="stretch"),
    }
    for name, tab in zip(TABS, tabs, strict=True):
        if tab.open:
            with tab:
                shows[name]()


def _figure(figure, key: str, caption: str) -> None:
    st.plotly_chart(figure, key=key, config=STILL)
    st.caption(caption)


def _show_actions(folder: Path) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Use this network",
            type="primary",
            icon=":material/neurology:",
            key="use_network",
            on_click=_use,
            args=(folder / "study.toml",),
            help="Opens the study with these networks on the other pages.",
        )
        st.download_button(
            "Report (HTML)",
            (folder / "report.html").read_bytes,
            f"{folder.name}_report.html",
            "text/html",
            icon=":material/download:",
            key="download_report",
        )
        st.caption(f"Everything is in `{folder}`.")


def _show_verdicts(state: TrainState, measures: pd.DataFrame) -> None:
    """Show whether the network does better than simple models, and whether permuted labels fall to chance."""
    said = [str(text) for text in state.record.get("verdicts", [])]
    words = "  \n".join(map(escape_markdown, said))
    if said and all("does better" in text for text in said):
        st.success(words, icon=":material/check_circle:")
    elif said:
        st.warning(words, icon=":material/balance:")
    for row in measures[measures["classifier"] == "network, permuted labels"].itertuples():
        numbers = f"AUC {row.value:.3f} (95 % CI {row.low:.3f}–{row.high:.3f})"
        if row.low > 0.5:
            st.error(f"A network trained on permuted labels is ABOVE chance: {numbers}. Something leaks between folds.")
        else:
            st.info(f"A network trained on permuted labels falls to chance: {numbers}.", icon=":material/shuffle:")


def _show_numbers(measures: pd.DataFrame) -> None:
    def value(what: str, where: str, measure: str):
        rows = measures[
            (measures["classifier"] == what) & (measures["set"] == where) & (measures["measure"] == measure)
        ]
        return None if rows.empty else next(rows.itertuples())

    best = max(
        (row for name in BASELINES if (row := value(name, POOLED, "auc")) is not None),
        key=lambda row: row.value,
        default=None,
    )
    shown = [
        ("AUC out of fold", value(NETWORK, POOLED, "auc"), ""),
        ("Balanced accuracy", value(NETWORK, POOLED, "balanced_accuracy"), ""),
        ("AUC of the best simple model", best, "" if best is None else BASELINES[best.classifier]),
        ("AUC held out", value(NETWORK, HELD_OUT, "auc"), ""),
    ]
    shown = [entry for entry in shown if entry[1] is not None]
    for place, (label, row, about) in zip(st.columns(len(shown)), shown, strict=True):
        place.markdown(f"{label}\n#### {row.value:.2f} :small[{row.low:.2f} to {row.high:.2f}]")
        if about:
            place.caption(about)


def _show_measures(measures: pd.DataFrame, predictions: pd.DataFrame) -> None:
    st.markdown("###### Out of fold, all folds together")
    st.dataframe(measure_values(measures, POOLED), hide_index=True, width="stretch")
    if (predictions["fold"] == HELD_OUT).any():
        st.markdown("###### Test set, held out")
        st.dataframe(measure_values(measures, HELD_OUT), hide_index=True, width="stretch")
        st.caption("Patients that no network and no choice has seen; the mean margin of all folds’ networks.")
    st.markdown("###### By fold")
    st.dataframe(values_by_fold(measures), hide_index=True, width="stretch")
