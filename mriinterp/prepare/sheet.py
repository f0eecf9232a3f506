"""The quality of a folder of prepared scans: a contact sheet, the worst first, and a table."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

import mriinterp
from mriinterp.areas.atlas import load_atlas
from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.base.tables import write_tsv
from mriinterp.prepare.folder import AREAS
from mriinterp.prepare.quality import LEVELS, Quality

__all__ = ["write_contact_sheet"]

QC = "_desc-qc_T1w.json"
README = """\
T1 scans prepared by mriinterp: brain extracted, registered to the ICBM152 template, written on one grid.

Each subject has the prepared scan (desc-brain_T1w), the brain mask and the areas of the AAL atlas on the scan's own grid
(desc-brain_mask, desc-AAL_dseg), the transform from the template to the scan (ITK text) and a quality report (JSON, PNG).
qc.html shows all pictures, the worst first; qc.tsv holds the figures. Research use only. Not a medical device.
"""
IGNORED = "qc.tsv\nqc.html\n*_desc-qc_T1w.json\n*_desc-qc_T1w.png\n*_xfm.*\n"


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
    rows.sort(key=lambda row: row.get("correlation", 0), reverse=True)
    rows.sort(key=lambda row: 3 if row["verdict"] == "failed" else LEVELS.index(row["verdict"]), reverse=True)
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


def _page(out: Path, rows: Iterable[Mapping]) -> str:
    cards = []
    for row in rows:
        picture = row.get("picture")
        image = (
            f'<img loading="lazy" src="{html.escape(picture.relative_to(out).as_posix())}" alt="">' if picture else ""
        )
        words = html.escape(row["findings"] or "Nothing to note.")
        cards.append(
            f"<section class={row['verdict']}><h2>{html.escape(row['scan'])}: {row['verdict']}</h2><p>{words}</p>{image}"
            "</section>"
        )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Prepared scans</title><style>'
        "body{font:16px/1.5 system-ui,sans-serif;margin:2rem;max-width:1520px;background:#fff;color:#1b1f24}"
        "section{border-left:6px solid #3fb27f;padding:0 0 0 1rem;margin:0 0 2rem}section.look{border-color:#e0a52c}"
        "section.refuse,section.failed{border-color:#d33f36}img{width:100%}h2{margin:0;font-size:1.1rem}p{margin:.2rem 0 .6rem}"
        "</style><h1>Prepared scans, the worst first</h1><p>Research use only. Not a medical device. Orange: the template's "
        f"or the mask's outline; blue: the template's white matter.</p>{''.join(cards)}</html>\n"
    )
