"""The quality of a folder of prepared scans: a contact sheet, the worst first, and a table."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

import mriinterp
from mriinterp.areas.atlas import load_atlas
from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.base.tables import write_tsv
from mriinterp.prepare.folder import AREAS
from mriinterp.prepare.picture import THUMBNAIL
from mriinterp.prepare.quality import LEVELS, Quality

__all__ = ["write_contact_sheet"]

QC = "_desc-qc_T1w.json"
VERDICTS = ("failed", *reversed(LEVELS))  # the worst first
README = """\
T1 scans prepared by mriinterp: brain extracted, registered to the ICBM152 template, written on one grid.

Each subject has the prepared scan (desc-brain_T1w), the brain mask and the areas of the AAL atlas on the scan's own grid
(desc-brain_mask, desc-AAL_dseg), the transform from the template to the scan (ITK text) and a quality report (JSON, PNG).
qc.html shows all pictures, the worst first; qc.tsv holds the figures. Research use only. Not a medical device.
"""
STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:2rem}nav{display:flex;gap:1.2rem;margin:1rem 0}"
    "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(30rem,100%),1fr));gap:1.5rem}"
    "section{border-left:6px solid #3fb27f;padding:0 0 0 .8rem;content-visibility:auto;contain-intrinsic-size:auto 15rem}"
    "section.look{border-color:#e0a52c}section.refuse,section.failed{border-color:#d33f36}"
    "img{width:100%;height:auto}h2{margin:0;font-size:1.05rem;overflow-wrap:anywhere}p{margin:.2rem 0 .6rem}"
)
IGNORED = "qc.tsv\nqc.html\n*_desc-qc_T1w.json\n*_desc-qc_T1w.png\n*_desc-qc_T1w.jpg\n*_xfm.*\n"


def write_contact_sheet(out: Path, failed: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Write ``qc.tsv``, ``qc.html``, README and the data set's description from the reports in a folder.

    Parameters
    ----------
    out : Path
    failed : mapping of str to str, optional
        Scans that could not be prepared, and why.

    Returns
    -------
    DataFrame
        One row a scan, the worst first.
    """
    failed = failed or {}
    rows = [_row(path) for path in sorted(out.glob(f"sub-*/**/anat/*{QC}"))]
    rows = [row for row in rows if row["scan"] not in failed]
    rows += [{"scan": key, "verdict": "failed", "findings": text} for key, text in failed.items()]
    rows.sort(key=lambda row: (VERDICTS.index(row["verdict"]), row.get("correlation", 0), row["scan"]))
    table = pd.DataFrame(rows, columns=["scan", "verdict", "correlation", "brain_ml", "contrast", "findings"])
    write_tsv(table, out / "qc.tsv")
    write_text(out / "qc.html", _page(out, rows))
    areas = load_atlas(AREAS).areas.rename(columns={"label": "index"})
    write_tsv(areas[["index", "name"]], out / f"desc-{AREAS}_dseg.tsv")
    write_text(out / "README", README)
    description = {
        "Name": "T1 scans prepared by mriinterp",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "License": "See the raw data set",
        "Authors": ["See the raw data set"],
        "GeneratedBy": [{"Name": "mriinterp", "Version": mriinterp.__version__}],
    }
    write_text(out / "dataset_description.json", json.dumps(description, indent=2) + "\n")
    write_text(out / ".bidsignore", IGNORED)
    return table


def _row(path: Path) -> dict:
    quality = Quality.from_dict(read_json(path))
    return {
        "scan": path.name.removesuffix(QC),
        "verdict": quality.verdict,
        "correlation": quality.correlation,
        "brain_ml": quality.volume_ml,
        "contrast": quality.contrast,
        "findings": quality.words,
        "picture": path.with_suffix(".png"),
    }


def _page(out: Path, rows: Sequence[Mapping]) -> str:
    counts = Counter(row["verdict"] for row in rows)
    buttons = [_button("all", f"All {len(rows)}", checked=True)]
    buttons += [_button(verdict, f"{verdict} {counts[verdict]}") for verdict in VERDICTS if counts[verdict]]
    hidden = "".join(f"body:has(#{verdict}:checked) section:not(.{verdict}){{display:none}}" for verdict in VERDICTS)
    cards = "".join(_card(out, row) for row in rows)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Prepared scans</title>'
        f"<style>{STYLE}{hidden}</style><h1>Prepared scans, the worst first</h1><p>Research use only. Not a medical device. "
        "Orange: the template’s or the mask’s outline; blue: the template’s white matter. A click opens a picture in full.</p>"
        f"<nav>{''.join(buttons)}</nav><main>{cards}</main></html>\n"
    )


def _button(name: str, words: str, checked: bool = False) -> str:
    return f'<label><input type="radio" name="shown" id="{name}"{" checked" if checked else ""}>{words}</label>'


def _card(out: Path, row: Mapping) -> str:
    """Return the card of one scan; pictures are small, and loaded when they come into view."""
    image = ""
    if picture := row.get("picture"):
        small = picture.with_suffix(".jpg")
        shown = small if small.is_file() else picture  # a folder of an earlier version
        full, shown = (html.escape(path.relative_to(out).as_posix()) for path in (picture, shown))
        width, height = THUMBNAIL
        image = (
            f'<a href="{full}"><img loading="lazy" decoding="async" width="{width}" height="{height}" src="{shown}" '
            'alt="Prepared scan and raw scan with outlines"></a>'
        )
    words = html.escape(row["findings"] or "Nothing to note.")
    name = html.escape(row["scan"])
    return f'<section class="{row["verdict"]}"><h2>{name}: {row["verdict"]}</h2>{image}<p>{words}</p></section>'
