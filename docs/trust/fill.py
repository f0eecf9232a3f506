"""Put measured figures into the package and the documentation.

    python docs/trust/fill.py RESULTS            # RESULTS: the --out folder of ``python -m mriinterp trust demo``
    python docs/trust/fill.py RESULTS --shortcuts DIR   # and of ``… trust demo --shortcut NAME``, if that was another folder
    python docs/trust/fill.py                    # only the pages again, from the figures that are shipped

Writes ``mriinterp/trust/measured/demo`` (what the Trust page shows), ``docs/trust/trust_summary.csv`` and the figures
of ``docs/trust.md`` and ``docs/methods.md``: what stands between their marks ``<!-- figures: NAME -->`` and ``<!-- end -->``, and the sections of
all methods, from what their files declare. Nothing else of the pages is touched. ``tests/trust/test_docs.py`` checks that all agree.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

DOCS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(DOCS.parent))  # the package beside this page, installed or not
# ruff: noqa: E402

from mriinterp.base.atomic import write_text
from mriinterp.base.numerals import decimals
from mriinterp.base.tables import csv_text
from mriinterp.methods import get_method, method_names
from mriinterp.trust import (
    CAVEAT,
    Measure,
    Quantity,
    get_measure,
    load_plan,
    load_results,
    measure_names,
    summary,
)
from mriinterp.trust.agreement import agreement_of, load_agreement
from mriinterp.trust.badge import variants
from mriinterp.trust.benchmark_report import NOTE, markdown_table, people_words, settings_words, write_report
from mriinterp.trust.findings import correction_findings, literature, measure_findings
from mriinterp.trust.kept_badges import SOURCES, write_badge_figures
from mriinterp.trust.leaderboard import write_leaderboard
from mriinterp.trust.measures.localisation import HOW
from mriinterp.trust.results import settings_table
from mriinterp.trust.shortcut_results import (
    load_shortcuts,
    shortcut_findings,
    shortcut_path,
    shortcut_people,
    shortcut_summary,
)
from mriinterp.trust.shortcuts import SHORTCUTS
from mriinterp.trust.words import label_of, row_of

SHIPPED = DOCS.parent / "mriinterp" / "trust" / "measured" / "demo"
PAGE = DOCS / "methods.md"
GUIDE = DOCS / "trust.md"
MARK = "<!-- methods: made by docs/trust/fill.py from what each method's file declares -->"


@dataclass(frozen=True, eq=False)
class Figures:
    """Everything that the pages say of a folder of results, read once."""

    folder: Path
    plan: dict[str, Any]
    results: pd.DataFrame
    alike: pd.DataFrame
    table: pd.DataFrame


def figures_of(folder: Path) -> Figures:
    """Read a folder of results."""
    results, alike = load_results(folder), load_agreement(folder)
    return Figures(folder, load_plan(folder), results, alike, summary(folder, read=results, alike=alike))


def ship(results: Path, shortcuts: Path | None) -> None:
    """Copy what the package shows of a folder of results."""
    write_report(results)
    SHIPPED.mkdir(parents=True, exist_ok=True)
    for name in SOURCES:
        if (results / name).is_file():
            shutil.copyfile(results / name, SHIPPED / name)
    for folder in (results, shortcuts):
        for name in load_shortcuts(folder) if folder is not None else ():
            shutil.copyfile(shortcut_path(folder, name), shortcut_path(SHIPPED, name))


def _number(row: pd.Series, digits: int) -> str:
    text = f"{row['mean']:.{digits}f}"
    if pd.notna(row["low"]):
        text += f" [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"
    return text


def _one(table: pd.DataFrame, measure: Measure, quantity: Quantity, method: str) -> str:
    row = row_of(table, measure.name, quantity.name, method)
    if row is None:
        return ""
    if measure.verdict is not None:
        words = measure.verdict(table, method)
        return f"{quantity.line} {words[:1].lower()}{words[1:]}"
    against = " (beats all null maps)" if row["beats"] == "all" else ""
    if measure.below_zero and quantity == measure.main and row["high"] < 0:
        against = " (worse than chance)"
    return f"{quantity.line} {_number(row, quantity.digits)}{against}"


def measured_line(table: pd.DataFrame, alike: pd.DataFrame, method: str) -> str:
    """Return all figures of one measured explainer, in a line."""
    measures = [get_measure(name) for name in measure_names()]
    parts = [_one(table, measure, q, method) for measure in measures for q in measure.quantities if q.line]
    found = agreement_of(alike, method)
    found = found[~found["other"].str.startswith("null_")]
    if len(found):
        parts.append(f"maps most like {label_of(found.iloc[0]['other'])} (ρ {found.iloc[0]['rho']:.2f})")
    return "; ".join(part for part in parts if part) + "."


def method_entry(table: pd.DataFrame, alike: pd.DataFrame, method: str) -> str:
    """Return the entry *Measured* of a method: as its defaults, and with other settings."""
    names = variants(table["method"].tolist(), method)
    if not names:
        return "- **Measured**: not yet.\n"
    lines = []
    for place, name in enumerate(names):
        settings = name.partition("[")[2].removesuffix("]").replace(",", ", ")
        with_ = f" with {settings}" if settings else ""
        lead = f"- **Measured**{with_}" if place == 0 else f"  {with_.strip().capitalize()}"
        lines.append(f"{lead}: {measured_line(table, alike, name)}")
    return "\n".join(lines) + "\n"


def shortcut_section(folder: Path) -> str:
    """Return tables and words of the shortcuts that were measured."""
    parts = []
    for name, table in load_shortcuts(folder).items():
        found = shortcut_summary(table)
        parts += [
            f"**{name.capitalize()}**: share of |map| {SHORTCUTS[name].where}; means of {shortcut_people(found)}.",
            "",
        ]
        parts += ["| Method | With the shortcut | Without it | Difference within subjects |", "|---|---|---|---|"]
        for _, row in found.iterrows():
            label, star = label_of(row["method"]).replace("|", "\\|"), " \\*" if row["exposed"] else ""
            parts.append(
                f"| {label} | {row['with']:.3f} | {row['without']:.3f} | {row['difference']:+.3f} "
                f"[{row['low']:+.3f}, {row['high']:+.3f}]{star} |"
            )
        parts += ["", *[f"- {sentence}" for sentence in shortcut_findings(name, found)], ""]
    missing = [name for name in SHORTCUTS if not shortcut_path(folder, name).is_file()]
    if missing:
        parts.append(f"Not measured yet: {', '.join(missing)}.")
    return "\n".join(parts).strip()


def measure_table() -> str:
    """Return what each measure computes, and which direction speaks for a map."""
    lines = ["| Measure | What is computed | Better |", "|---|---|---|"]
    for measure in map(get_measure, measure_names()):
        computed = (measure.computed or measure.question).replace("|", "\\|")
        lines.append(f"| {measure.label} | {computed} | {measure.main.better} |")
    return "\n".join(lines)


SHORT = {  # columns of the short table
    "Tissue lost": ("atrophy", "auprc_field"),
    "Like edges": ("atrophy", "auc_edges"),
    "Healing, ρ": ("counterfactual", "rho"),
    "Hiding, mean": ("deletion", "abpc"),
    "Hiding, blur": ("second_fill", "abpc"),
}


CHANGED = ("mass_accuracy_read", "auprc_read", "auprc_smoothed")  # what the guide says of voxels that changed


def short_table(table: pd.DataFrame) -> str:
    """Return methods × the numbers that matter most, most tissue found first; null maps last."""
    first = table[(table["measure"] == "atrophy") & (table["quantity"] == "auprc_field")]
    order = [*first.loc[~first["null_map"], "method"], *first.loc[first["null_map"], "method"]]
    lines = ["| Method | " + " | ".join(SHORT) + " |", "|---" * (len(SHORT) + 1) + "|"]
    for method in order:
        cells = []
        for measure, quantity in SHORT.values():
            row = row_of(table, measure, quantity, method)
            star = "" if row is None or row["beats"] != "all" else " \\*"
            cells.append("–" if row is None else f"{decimals(row['mean'], 2)}{star}")
        label = label_of(method).replace("|", "\\|")
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def bullets(sentences: Sequence[str]) -> str:
    """Return sentences as a list."""
    return "\n".join(f"- {sentence}" for sentence in sentences)


def shortened(text: str) -> str:
    """Return a text with the settings of methods in short: boxes by size and stride, steps and samples not at all."""
    text = re.sub(r" \((?:steps|samples) \d+\)", "", text)
    return re.sub(r"Occlusion \([^)]*size (\d+), stride (\d+)\)", r"Occlusion \1/\2", text)


def guide_sections(figures: Figures) -> dict[str, str]:
    """Return what stands between the marks of the guide, by name."""
    table = figures.table

    def of(*measures: str) -> str:
        return bullets([sentence for name in measures for sentence in measure_findings(table, name)])

    changed = [s for s in measure_findings(table, "localisation") if any(HOW[name] in s for name in CHANGED)]
    return {
        "people": people_words(figures.plan, figures.results),
        "short": short_table(table),
        "corrections": bullets(correction_findings(table)),
        "place": bullets(changed),  # what beats the null maps on the field has a star in the short table
        "faithful": bullets(
            [
                sentence
                for name in ("deletion", "second_fill")
                for sentence in measure_findings(table, name)
                if sentence.startswith("Worse than chance")
            ]
        ),
        "learned": of("randomisation"),
        "again": of("stability", "reproducibility"),
        "groups": of("group_effect", "dose_response"),
        "literature": bullets(literature(table)),
    }


def sections(figures: Figures) -> dict[str, str]:
    """Return what stands between the marks of the page on methods, by name."""
    plan, results = figures.plan, figures.results
    overview = [
        people_words(plan, results),
        f"Network: {plan['model']['name']}, SHA-256 of its tensors {plan['model']['sha256'][:16]}…; hidden tissue is "
        f"replaced by the mean of {plan['reference_scans']} control scans.",
        "",
        CAVEAT,
        "",
        NOTE.replace("* better", "\\* better"),
        "",
        markdown_table(figures.table),
    ]
    return {
        "measures": measure_table(),
        "overview": "\n".join(overview),
        "settings": bullets(settings_words(settings_table(results))),
        "shortcuts": shortcut_section(figures.folder),
    }


def put(page: str, texts: dict[str, str], name: str) -> str:
    """Return a page with texts between its marks; ValueError where a mark is missing."""
    for what, text in texts.items():
        mark = re.compile(rf"(<!-- figures: {what} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not mark.search(page):
            raise ValueError(f"expected the mark '<!-- figures: {what} -->' in {name}, got none")
        page = mark.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)
    return page


def filled_guide(page: str, figures: Figures) -> str:
    """Return the guide with the figures of a folder."""
    return put(page, {name: shortened(text) for name, text in guide_sections(figures).items()}, GUIDE.name)


def filled(page: str, figures: Figures, methods: Sequence[str] | None = None) -> str:
    """Return the page with the figures of a folder and the sections of methods; default: all that are registered."""
    page = put(page, sections(figures), PAGE.name)
    parts = [method_section(figures.table, figures.alike, method) for method in methods or method_names()]
    head, mark, _ = page.partition(MARK)
    if not mark:
        raise ValueError(f"expected the mark {MARK!r} in {PAGE.name}, got none")
    return f"{head}{mark}\n\n" + "\n".join(parts)


def methods_of(page: str) -> list[str]:
    """Return the methods that have a section in the page."""
    return re.findall(r"^## .*\(`(\w+)`\)$", page, re.MULTILINE)


def method_section(table: pd.DataFrame, alike: pd.DataFrame, method: str) -> str:
    """Return the section of a method: what its file declares, and the figures."""
    entries = [
        textwrap.fill(f"- **{heading}**: {text}", 120, subsequent_indent="  ", break_long_words=False)
        for heading, text in get_method(method).entries().items()
    ]
    heading = f"## {get_method(method).label} (`{method}`)\n"
    return "\n".join([heading, *entries, method_entry(table, alike, method)])


def main() -> None:
    """Ship a folder, if one is given, and fill the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="?", type=Path, metavar="RESULTS")
    parser.add_argument(
        "--shortcuts", type=Path, metavar="DIR", help="folder with shortcut_NAME.csv, if it is another one"
    )
    args = parser.parse_args()
    if args.results is not None:
        ship(args.results, args.shortcuts)
    elif args.shortcuts is not None:
        for name in load_shortcuts(args.shortcuts):
            shutil.copyfile(shortcut_path(args.shortcuts, name), shortcut_path(SHIPPED, name))
    write_badge_figures(SHIPPED)
    shipped = figures_of(SHIPPED)
    write_text(DOCS / "trust" / "trust_summary.csv", csv_text(shipped.table, digits=6))
    write_leaderboard(SHIPPED, DOCS / "trust", shipped.table)
    write_text(PAGE, filled(PAGE.read_text(encoding="utf-8"), shipped))
    write_text(GUIDE, filled_guide(GUIDE.read_text(encoding="utf-8"), shipped))


if __name__ == "__main__":
    main()
