"""The benchmark as files: tables, a Markdown report and an HTML report with figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from mriinterp.base.atomic import write_text
from mriinterp.base.markdown import escape_markdown
from mriinterp.base.notices import RESEARCH_USE
from mriinterp.base.numerals import decimals, format_value
from mriinterp.base.tables import csv_text
from mriinterp.export.html_report import Report
from mriinterp.figures.theme import apply_theme
from mriinterp.figures.trust import quantity_dots, trust_heatmap
from mriinterp.trust.agreement import load_agreement, pack_agreement
from mriinterp.trust.findings import findings
from mriinterp.trust.leaderboard import write_leaderboard
from mriinterp.trust.measure import Measure
from mriinterp.trust.measure_registry import get_measure, measure_names, table_heads
from mriinterp.trust.results import load_details, load_plan, load_results, pack_details, settings_table
from mriinterp.trust.summary import summary
from mriinterp.trust.units import COHORT, LEFT_OUT
from mriinterp.trust.words import CAVEAT, GROUP_NOTE, label_of, listed

__all__ = ["NOTE", "markdown_table", "people_words", "settings_words", "write_report"]

LINES = 7  # methods in one figure of curves: more cannot be distinguished


def _cell(row: pd.Series) -> str:
    if pd.isna(row["mean"]):
        return "–"
    text = f"{format_value(row['mean'])}"
    if pd.notna(row["low"]):
        text += f" [{format_value(row['low'], 2)}, {format_value(row['high'], 2)}]"
    return text + (" \\*" if row["beats"] == "all" else "")


def _safe(text: str) -> str:
    """Escape the bars of a text for a cell of a Markdown table."""
    return text.replace("|", "\\|")


def markdown_table(table: pd.DataFrame) -> str:
    """Return methods × quantities in Markdown, means with 95% intervals; a star where all null maps are beaten."""
    columns: dict[str, dict[str, str]] = {}
    for measure, quantity in table_heads():
        rows = table[(table["measure"] == measure) & (table["quantity"] == quantity)]
        if rows.empty:
            continue
        first = rows.iloc[0]
        people = rows.loc[rows["n"].idxmax(), "people"]
        title = f"{_safe(first['label'])} {'↑' if first['better'] == 'higher' else '↓'} (n = {people})"
        columns[title] = {row["method"]: _cell(row) for _, row in rows.iterrows()}
    methods = list(dict.fromkeys(table["method"]))
    methods.sort(key=lambda name: name.startswith("null_"))
    lines = ["| Method | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for method in methods:
        cells = [found.get(method, "–") for found in columns.values()]
        lines.append(f"| {_safe(label_of(method))} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def settings_words(settings: pd.DataFrame) -> list[str]:
    """Return Kendall's τ between occlusion's settings, a line each; the first window is not compared with itself."""
    found, first = [], ""
    for _, row in settings.iterrows():
        kind, one, other = row["quantity"].split("_")
        if kind == "window" and not first:
            first = f"boxes of {one} voxels, stride {other}"
            continue
        what = {
            "fill": f"every area replaced, fill {one} against {other}",
            "window": f"boxes of {one} voxels, stride {other}, against {first}",
            "exact": f"boxes of {one} voxels, stride {other}, against exact replacement of areas",
        }[kind]
        interval = f" [{decimals(row['low'], 2)}, {decimals(row['high'], 2)}]" if pd.notna(row["low"]) else ""
        same = (
            " (by construction: the mean of a z-scored scan is 0)"
            if row["quantity"] == "fill_zero_mean" and row["mean"] > 0.9995
            else ""
        )
        found.append(f"{what}: τ = {decimals(row['mean'], 2)}{interval}{same}")
    return found


def people_words(plan: dict[str, Any], results: pd.DataFrame) -> str:
    """Describe how many subjects there are results of: a stopped run has fewer than its plan."""
    people = results[results["subject"] != COHORT].groupby("measure")["subject"].nunique()
    measures = [name for name in measure_names() if (results["measure"] == name).any()]
    cheap, costly = (
        max((int(people[name]) for name in measures if name in people and get_measure(name).cost == cost), default=0)
        for cost in ("cheap", "costly")
    )
    people = f"Cheap measures on {cheap} subjects, costly ones on {costly}"
    for name in filter(lambda name: get_measure(name).of_groups, measures):
        people += f", {get_measure(name).label.lower()} on up to {len(plan['subjects'])} + {len(plan['controls'])}"
    return f"{people}; {plan['replicates'] or 'no'} retrained networks."


def _header(plan: dict[str, Any], results: pd.DataFrame, failed: dict[str, str], without: list[str]) -> list[str]:
    """Describe what was done, and what was not."""
    about = [
        f"Study: {plan['title']}. Network: {plan['model']['name']} (SHA-256 {plan['model']['sha256'][:12]}…), explained "
        f"output: {plan['target']}, f: {'logit margin' if plan['score'] == 'margin' else 'raw output'}.",
        people_words(plan, results),
        f"Hidden tissue is replaced by the mean of {plan['reference_scans']} control scans.",
    ]
    if plan["simulated"]:
        about.insert(0, "All scans are SIMULATED: what holds here need not hold for patients.")
    about += [f"{label_of(method)} cannot explain this network: {reason}" for method, reason in failed.items()]
    about += [f"Left out: {get_measure(name).label.lower()}: {reason}." for name, reason in plan["skipped"].items()]
    return about + without


def _escaped(plan: dict[str, Any]) -> dict[str, Any]:
    """Return a plan whose names from outside are plain text in Markdown."""
    model = {**plan["model"], "name": escape_markdown(plan["model"]["name"])}
    return {**plan, "title": escape_markdown(plan["title"]), "target": escape_markdown(plan["target"]), "model": model}


def _failed(folder: Path, results: pd.DataFrame) -> dict[str, str]:
    """Return why methods without a result have none."""
    known = set(results["method"])
    return {m: details["reason"] for (m, _), details in load_details(folder, "failed").items() if m not in known}


def _left_out(folder: Path, results: pd.DataFrame, clean: Callable[[str], str] = str) -> list[str]:
    """Describe which measures could not be taken, of whom, and why."""
    taken = set(zip(results["measure"], results["method"], results["subject"], strict=True))
    without: dict[tuple[str, str], dict[str, None]] = {}
    for (method, subject), reasons in load_details(folder, LEFT_OUT).items():
        for measure, reason in reasons.items():
            if (measure, method, subject) not in taken:
                without.setdefault((measure, reason), {})[method] = None
    everything = results["method"].nunique()
    return [
        f"Left out: {get_measure(measure).label.lower()}"
        f"{'' if len(methods) == everything else f' of {listed(list(methods))}'}: {clean(reason)}."
        for (measure, reason), methods in without.items()
    ]


def _figures(table: pd.DataFrame, folder: Path) -> list[tuple[str, Any]]:
    labels = {name: label_of(name) for name in table["method"].unique()}
    methods = [name for name in table["method"].unique() if not name.startswith("null_")][:LINES]  # best first
    found = [
        (
            "All measures (darker: better among all rows; *: beats all null maps)",
            trust_heatmap(table, table_heads(), labels=labels),
        )
    ]
    for measure in _taken(table):
        if measure.curves is None:
            if (measure.name, measure.main.name) in table_heads() and not measure.of_groups:
                found.append((measure.label, quantity_dots(table, measure.name, measure.main.name, labels=labels)))
        elif details := load_details(folder, measure.name):
            lines = [*methods, measure.curves.null_map]
            found.append((measure.label, measure.curves.draw(details, lines, labels=labels)))
    return found


def write_report(folder: Path | str) -> list[Path]:
    """Write tables and reports of whatever results a folder has.

    Returns
    -------
    list of Path
        ``trust_results.csv`` (every number), ``trust_summary.csv`` (means,
        intervals, null maps), ``details.json`` (curves), ``agreement.json``
        (how alike maps of different methods are, if maps were kept),
        ``report.md`` and ``report.html``.
    """
    folder = Path(folder)
    plan, results = load_plan(folder), load_results(folder)
    if results.empty:
        raise ValueError(f"expected results in {folder}, got none yet")
    agreement = load_agreement(folder)
    table = summary(folder, read=results, alike=agreement)
    words = findings(table)
    write_text(folder / "trust_results.csv", csv_text(results, digits=6))
    write_text(folder / "details.json", pack_details(folder))
    if not agreement.empty:
        write_text(folder / "agreement.json", pack_agreement(agreement))
    write_text(folder / "trust_summary.csv", csv_text(table, digits=6))
    settings = settings_words(settings_table(results))
    failed = _failed(folder, results)
    header = _header(plan, results, failed, _left_out(folder, results))
    safe = {method: escape_markdown(reason) for method, reason in failed.items()}
    escaped = _header(_escaped(plan), results, safe, _left_out(folder, results, escape_markdown))
    write_text(folder / "report.md", _markdown(escaped, table, words, settings))
    _page(plan, header, table, words, settings, folder).write(folder / "report.html")
    names = ("trust_results.csv", "trust_summary.csv", "details.json", "agreement.json", "report.md", "report.html")
    return [*(folder / name for name in names if (folder / name).is_file()), *write_leaderboard(folder, table=table)]


NOTE = (
    "Mean over subjects [95% interval]. ↑ higher is better, ↓ lower is better. * better than each of the four null maps: "
    "the interval of the difference within subjects lies on the better side of 0, and p < 0.05 after correction for all "
    "comparisons of this table (max-T by flipping the signs of whole subjects, Westfall & Young 1993). " + GROUP_NOTE
)


def _markdown(header: list[str], table: pd.DataFrame, words: list[str], settings: list[str]) -> str:
    parts = ["# Trust benchmark", "", *header, "", "## What the figures mean", ""]
    parts += [f"- {sentence}" for sentence in words]
    parts += [
        "",
        CAVEAT,
        "",
        "## All measures",
        "",
        NOTE.replace("* better", "\\* better"),
        "",
        markdown_table(table),
        "",
    ]
    if settings:
        parts += [f"## {SETTINGS_TITLE}", "", *[f"- {line}" for line in settings], ""]
    parts += ["## Questions", ""]
    for measure in _taken(table):
        parts.append(f"- **{measure.label}**: {measure.question} ({measure.reference})")
    return "\n".join([*parts, "", RESEARCH_USE, ""])


SETTINGS_TITLE = "Occlusion's own settings: Kendall's τ of the ranks of areas"


def _page(
    plan: dict[str, Any],
    header: list[str],
    table: pd.DataFrame,
    words: list[str],
    settings: list[str],
    folder: Path,
) -> Report:
    """Return the report as one page that opens offline."""
    page = Report("Trust benchmark", plan["title"], simulated=plan["simulated"])
    page.text("What was done", *header).text("What the figures mean", *words, CAVEAT)
    for title, figure in _figures(table, folder):
        page.figure(title, apply_theme(figure, "light"))
    if settings:
        page.text(SETTINGS_TITLE, *settings)
    rows = [line.strip("| ").split(" | ") for line in markdown_table(table).replace("\\*", "*").splitlines()]
    rows = [[cell.replace("\\|", "|") for cell in row] for row in rows]
    page.table("All numbers", pd.DataFrame(rows[2:], columns=rows[0]), NOTE)
    return page.facts(
        "Questions", {measure.label: f"{measure.question} ({measure.reference})" for measure in _taken(table)}
    )


def _taken(table: pd.DataFrame) -> list[Measure]:
    return [get_measure(name) for name in dict.fromkeys(table["measure"])]
