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
from mriinterp.crossval.output import MEASURES, PREDICTIONS, histories_of, read_predictions
from mriinterp.crossval.state import RECORD, TrainState
from mriinterp.crossval.train_measures import NETWORK, POOLED, confusion_table
from mriinterp.crossval.train_report import measure_values, values_by_fold
from mriinterp.ui.base.linked import linked
from mriinterp.ui.base.tables import headed
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.session.keys import STUDY, TRAIN_GO
from mriinterp.ui.shell.page import Header
from mriinterp.ui.sources.studies import remember_study

__all__ = ["open_used", "show_report"]

STILL = {"displayModeBar": False}
CHART_PX = 500
NO_BREAK = "\N{NO-BREAK SPACE}"
BETTER, WORSE = "does better", "does WORSE"  # of a verdict that says so
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


def show_report(header: Header, folder: Path, state: TrainState) -> None:
    """Show what a finished training has found; errors of files that cannot be read."""
    stamp = file_stamp([folder / name for name in (PREDICTIONS, MEASURES, RECORD)], read=0)
    predictions, measures, folds = _tables(str(folder), stamp)
    inside = predictions[predictions["fold"] != HELD_OUT]
    verdicts = [str(text) for text in state.record.get("verdicts", [])]
    header.answer(_answer(measures, verdicts))
    left, right = st.columns([3, 2], gap="large")
    with right:
        _show_actions(folder)
        with st.container(key="compact_numbers"):
            _show_numbers(measures)
            _show_verdicts(verdicts, measures)
        st.caption(
            f"{len(inside)} scans of {inside['subject'].nunique()} patients, each judged by the network that never saw the "
            f"patient. Intervals: 95%, by a bootstrap over patients. Everything is in `{folder}`."
        )
    with left:
        _show_tabs(folder, stamp, predictions, measures, folds)


def _show_tabs(
    folder: Path, stamp: str, predictions: pd.DataFrame, measures: pd.DataFrame, folds: pd.DataFrame
) -> None:
    """Show the figures and tables of a training, a tab each."""
    inside = predictions[predictions["fold"] != HELD_OUT]
    tabs = st.tabs(TABS, key=linked("report_tab", TABS[0], options=TABS), on_change="rerun")
    shows = {
        "ROC": lambda: _figure(_roc(str(folder), stamp, inside), "roc", "Out of fold. Band: 95% of draws of patients."),
        "Learning": lambda: _figure(
            learning_figure({name.replace("fold", "fold "): one for name, one in histories_of(folder).items()}),
            "learning",
            "Cross-entropy by epoch; dots: the epoch whose weights were kept.",
        ),
        "Calibration": lambda: _figure(
            calibration_figure(inside), "calibration", "Fifths of the scans by probability; share of ill scans in each."
        ),
        "Confusion": lambda: st.dataframe(headed(confusion_table(predictions)), hide_index=True, width="stretch"),
        "Measures": lambda: _show_measures(measures, predictions),
        "Folds": lambda: st.dataframe(headed(folds), hide_index=True, width="stretch"),
    }
    for name, tab in zip(TABS, tabs, strict=True):
        if tab.open:
            with tab:
                shows[name]()


def _answer(measures: pd.DataFrame, verdicts: list[str]) -> str:
    """Return what the networks can do and whether simple models can do as much, in a sentence."""
    row = _value(measures, NETWORK, POOLED, "auc")
    found = "" if row is None else f"**AUC {row.value:.2f}** ({row.low:.2f} to {row.high:.2f}) out of fold"
    better, worse = (sum(words in text for text in verdicts) for words in (BETTER, WORSE))
    if not verdicts:
        return f"{found}."
    if worse:
        return f"{found}: the network **does worse** than {worse} of {len(verdicts)} simple models."
    if better == len(verdicts):
        return f"{found}: the network **does better** than all {better} simple models."
    if not better:
        return f"{found}: the network **does not do better** than simple models, as far as these patients tell."
    return f"{found}: the network does better than **{better} of {len(verdicts)}** simple models."


def _figure(figure, key: str, caption: str) -> None:
    figure.update_layout(height=CHART_PX, legend={"orientation": "h", "y": -0.15, "yanchor": "top"})
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


def _show_verdicts(verdicts: list[str], measures: pd.DataFrame) -> None:
    """Show whether the network does better than simple models, and whether permuted labels fall to chance."""
    for text in verdicts:
        colour, icon = ("green", "check_circle") if BETTER in text else ("orange", "balance")
        st.markdown(f":{colour}[:material/{icon}:] {escape_markdown(text)}")
    for row in measures[measures["classifier"] == "network, permuted labels"].itertuples():
        numbers = f"AUC {row.value:.3f} (95% CI {row.low:.3f}–{row.high:.3f})"
        if row.low > 0.5:
            st.error(f"A network trained on permuted labels is ABOVE chance: {numbers}. Something leaks between folds.")
        else:
            st.info(f"A network trained on permuted labels falls to chance: {numbers}.", icon=":material/shuffle:")


def _value(measures: pd.DataFrame, what: str, where: str, measure: str):
    """Return the row of a measure: of which classifier, on which set; None without one."""
    rows = measures[(measures["classifier"] == what) & (measures["set"] == where) & (measures["measure"] == measure)]
    return None if rows.empty else next(rows.itertuples())


def _show_numbers(measures: pd.DataFrame) -> None:
    """Show four numbers with their intervals as a small table."""
    best = max(
        (row for name in BASELINES if (row := _value(measures, name, POOLED, "auc")) is not None),
        key=lambda row: row.value,
        default=None,
    )
    shown = [
        ("AUC out of fold", _value(measures, NETWORK, POOLED, "auc")),
        ("Balanced accuracy", _value(measures, NETWORK, POOLED, "balanced_accuracy")),
        ("AUC of the best simple model" + ("" if best is None else f": {BASELINES[best.classifier]}"), best),
        ("AUC held out", _value(measures, NETWORK, HELD_OUT, "auc")),
    ]
    shown = [entry for entry in shown if entry[1] is not None]
    lines = ["| Measured | Value | 95% |", "| --- | --: | --- |"]
    for label, row in shown:
        between = f"{row.low:.2f} to {row.high:.2f}".replace(" ", NO_BREAK)
        lines.append(f"| {label} | **{row.value:.2f}** | {between} |")
    st.markdown("\n".join(lines))


def _show_measures(measures: pd.DataFrame, predictions: pd.DataFrame) -> None:
    st.markdown("###### Out of fold, all folds together")
    st.dataframe(headed(measure_values(measures, POOLED)), hide_index=True, width="stretch")
    if (predictions["fold"] == HELD_OUT).any():
        st.markdown("###### Test set, held out")
        st.dataframe(headed(measure_values(measures, HELD_OUT)), hide_index=True, width="stretch")
        st.caption("Patients that no network and no choice has seen; the mean margin of all folds’ networks.")
    st.markdown("###### By fold")
    st.dataframe(headed(values_by_fold(measures)), hide_index=True, width="stretch")
