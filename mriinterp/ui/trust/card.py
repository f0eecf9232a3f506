"""The card of one method: every measure for the chosen subject and for the study, beside the null maps, in words."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mriinterp.base.numerals import decimals
from mriinterp.base.progress import Cancel, Progress
from mriinterp.methods import get_method
from mriinterp.trust import CAVEAT, get_measure, measure_names
from mriinterp.trust.badge import badge_words
from mriinterp.trust.measure import Measure
from mriinterp.trust.single import cheap_measures, measure_subject
from mriinterp.trust.words import judgement, label_of, row_of
from mriinterp.ui.base.jobs import start_job, watch
from mriinterp.ui.base.words import capital, escape_markdown
from mriinterp.ui.sources.measured import known_folders, of_network, plan_of, where_from
from mriinterp.ui.trust.chosen import Chosen

__all__ = ["measure_here", "show_card", "show_origin"]


def show_origin(chosen: Chosen, *, only_warning: bool = False) -> None:
    """Show which figures are shown, and whether they are those of the study's network.

    `only_warning`: nothing where they are.
    """
    if chosen.folder is None:
        return
    plan = plan_of(chosen.folder)
    if not of_network(plan, chosen.model):
        other = plan["model"]
        name, digest = escape_markdown(str(other.get("name", "unnamed"))), str(other["sha256"])[:12]
        st.warning(
            f"**Measured with another network** ({name}, {digest}…) than this study's ({chosen.model[:12]}…): these "
            "figures say nothing of the maps made now. **Measure this study** takes them anew.",
            icon=":material/warning:",
        )
    if only_warning:
        return
    others = [
        where_from(folder) for folder in known_folders(chosen.study_name, chosen.model) if folder != chosen.folder
    ]
    more = f" Not shown, being fewer or of another network: {'; '.join(others)}." if others else ""
    st.caption(f"Figures {where_from(chosen.folder)}.{more}")


def show_card(chosen: Chosen, card: DeltaGenerator) -> None:
    """Show what is known of the method: in short and as a table; `card`: where work is shown."""
    method = chosen.explainer.partition("[")[0]
    entry = get_method(method)
    if chosen.table.empty and all(chosen.number(name) is None for name in measure_names()):
        st.caption("This subject and this method alone, without a study’s means:")
        _offer(chosen, card)
        return
    with st.container(border=True):
        st.subheader(escape_markdown(label_of(chosen.explainer)), anchor=False)
        st.caption(f"{entry.summary} *{entry.reference}* — {entry.caution}")
        if not chosen.table.empty:
            st.markdown(f"**In short:** {badge_words(chosen.table, chosen.explainer)}.")
        st.markdown(_table(chosen))
        notes = []
        if any(chosen.number(name) is not None and chosen.on_demand(name) for name in measure_names()):
            notes.append("*Italic*: taken on demand for this subject, not part of the study's means.")
        if chosen.table.empty:  # else it stands below the page's numbers
            notes.append(CAVEAT)
        if notes:
            st.caption(" ".join(notes))
        _offer(chosen, card)


def _table(chosen: Chosen) -> str:
    """Return the card's table in Markdown."""
    head = ["Measure", _whole(escape_markdown(chosen.subject)), "Study: mean [95%]", "n", "Null maps", "In words"]
    rows = [*(_row(chosen, name) for name in measure_names()), _agreement_row(chosen)]
    lines = [head, ["---", "--:", "--:", "--:", "--:", "---"], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _whole(text: str) -> str:
    """Return a text that is not broken into lines: numbers and names in narrow columns."""
    return text.replace(" ", "\N{NO-BREAK SPACE}").replace("-", "\N{NON-BREAKING HYPHEN}")


def _format(value: float) -> str:
    return decimals(value, 3 if abs(value) < 0.1 else 2)


def _between(low: float, high: float) -> str:
    return _whole(f"{_format(low)} to {_format(high)}")


def _row(chosen: Chosen, measure: str) -> list[str]:
    about = get_measure(measure)
    main = about.main
    row = row_of(chosen.table, measure, main.name, chosen.explainer)
    arrow = {"higher": " ↑", "lower": " ↓"}.get(main.better, "")
    label = f"**{about.label}**{arrow}: {escape_markdown(f'{main.label}, {main.unit}' if main.unit else main.label)}"
    people = "–" if row is None else _whole(str(row["people"]))
    return [
        label,
        _own_cell(chosen, measure),
        _study_cell(row),
        people,
        _null_cell(chosen, measure),
        _words(chosen, measure),
    ]


def _own_cell(chosen: Chosen, measure: str) -> str:
    if get_measure(measure).of_groups:
        return "groups only"
    value = chosen.number(measure)
    if value is not None:
        return f"*{_format(value)}*" if chosen.on_demand(measure) else _format(value)
    if "truth" in get_measure(measure).needs and not chosen.has_truth:
        return "no ground truth"
    return "–"


def _study_cell(row: pd.Series | None) -> str:
    if row is None:
        return "–"
    reach = "" if math.isnan(row["low"]) else f" \\[{_format(row['low'])}, {_format(row['high'])}\\]"
    return _whole(f"{_format(row['mean'])}{reach}")


def _null_cell(chosen: Chosen, measure: str) -> str:
    if chosen.table.empty:
        return "–"
    table, quantity = chosen.table, get_measure(measure).main.name
    rows = table[table["measure"].eq(measure) & table["quantity"].eq(quantity) & table["null_map"].astype(bool)]
    means = rows["mean"].dropna()
    return "–" if means.empty else _between(means.min(), means.max())


def _words(chosen: Chosen, measure: str) -> str:
    if chosen.table.empty:
        return "The study was not measured"
    if words := judgement(chosen.table, measure, chosen.explainer):
        return escape_markdown(words)
    if measure not in set(chosen.table["measure"]):
        if "truth" in get_measure(measure).needs:
            return "This study has no ground truth: it cannot be measured"
        reason = str(plan_of(chosen.folder).get("skipped", {}).get(measure, "not part of this benchmark"))
        return escape_markdown(capital(reason))
    if row_of(chosen.table, measure, get_measure(measure).main.name, chosen.explainer) is None:
        return "Not measured for this method"
    about = get_measure(measure)
    return about.unbeaten + (_best_null_map(chosen.table, about) if about.of_groups else "")


def _best_null_map(table: pd.DataFrame, measure: Measure) -> str:
    """Return how well maps without a network do in a comparison of groups."""
    rows = table[
        table["measure"].eq(measure.name) & table["quantity"].eq(measure.main.name) & table["null_map"].astype(bool)
    ]
    means = rows["mean"].dropna()
    return "" if means.empty else f", null maps reach {_format(means.max())}"


def _agreement_row(chosen: Chosen) -> list[str]:
    label = "**Agreement with other methods**: median Spearman's ρ of maps"
    found = chosen.agreement()
    others = found[~found["other"].str.startswith("null_")]
    nulls = found[found["other"].str.startswith("null_")]
    if others.empty:
        return [label, "–", "–", "–", "–", "Maps were not compared"]
    own = others["own_rho"].dropna()
    first, last = others.iloc[0], others.iloc[-1]
    words = f"Most like {label_of(first['other'])} ({decimals(first['rho'], 2)}), least like {label_of(last['other'])} ({decimals(last['rho'], 2)})"
    return [
        label,
        _format(own.median()) if len(own) else "–",
        _format(others["rho"].median()),
        str(found["n"].max()),
        "–" if nulls.empty else _between(nulls["rho"].min(), nulls["rho"].max()),
        escape_markdown(words),
    ]


def _missing(chosen: Chosen) -> list[str]:
    """Return cheap measures that the subject could have and has not."""
    possible = [name for name in cheap_measures() if "truth" not in get_measure(name).needs or chosen.has_truth]
    return [name for name in possible if chosen.number(name) is None]


def measure_here(chosen: Chosen) -> Callable[[Progress, Cancel], None]:
    """Return the work of taking the cheap measures of one subject, comparable with the benchmark that is shown."""
    like = None if chosen.folder is None else plan_of(chosen.folder)
    folder, shared = chosen.single, chosen.singles

    def work(progress: Progress, cancel: Cancel) -> None:
        measure_subject(
            chosen.study, chosen.subject, chosen.explainer, folder, shared=shared, like=like, progress=progress,
            cancel=cancel,
        )  # fmt: skip

    return work


def _offer(chosen: Chosen, card: DeltaGenerator) -> None:
    """Show a button that takes the cheap measures of this subject, where they are missing."""
    missing, key = _missing(chosen), f"{chosen.study_name} {chosen.model} {chosen.explainer} {chosen.subject}"
    if missing:
        asked = st.button(
            f"Measure {escape_markdown(chosen.subject)}",
            icon=":material/science:",
            key="measure_subject",
            help="Takes for this subject and method, and for the null maps: "
            + ", ".join(get_measure(name).label.lower() for name in missing)
            + ". One to three minutes the first time. Costly measures (randomisation, stability, reproducibility) "
            "are part of the whole benchmark only.",
        )
        if asked:
            start_job(
                "trust_subject",
                f"{label_of(chosen.explainer)} of {chosen.subject}",
                key,
                measure_here(chosen),
                kept="Finished measures are kept: the button goes on where it was.",
                shared=True,
            )
    with card:
        watch("trust_subject", key)
