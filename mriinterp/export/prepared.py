"""Prepared scans as a folder of BIDS derivatives, with a contact sheet for quality control."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

import mriinterp
from mriinterp.base.atomic import replacing, write_text
from mriinterp.base.files import read_json
from mriinterp.base.names import shortened
from mriinterp.base.tables import write_tsv
from mriinterp.figures.preparation import preparation_png
from mriinterp.image.nifti import write_volume
from mriinterp.prepare import Prepared
from mriinterp.prepare.quality import LEVELS

__all__ = ["PreparedFiles", "prepared_files", "subject_label", "write_contact_sheet", "write_prepared"]

SPACE = "MNI152NLin2009aSym"
README = """\
T1 scans prepared by mriinterp: brain extracted, registered to the ICBM152 template, written on one grid.

Each subject has the prepared scan (desc-brain_T1w), the brain mask on the scan's own grid (desc-brain_mask), the transform
from the template to the scan (ITK text) and a quality report (JSON, PNG). qc.html shows all pictures, the worst first;
qc.tsv holds the figures. Research use only. Not a medical device.
"""


class PreparedFiles:
    """Paths of one prepared scan.

    Parameters
    ----------
    out : Path
    subject, session : str
        BIDS labels without ``sub-`` and ``ses-``; an empty session is left out.
    """

    def __init__(self, out: Path, subject: str, session: str = ""):
        subject, session = shortened(subject), shortened(session)
        self.key = f"sub-{subject}" + (f"_ses-{session}" if session else "")
        self.folder = out / f"sub-{subject}" / (f"ses-{session}" if session else "") / "anat"
        self.scan = self.folder / f"{self.key}_space-{SPACE}_desc-brain_T1w.nii.gz"
        self.sidecar = self.scan.with_name(self.scan.name.replace(".nii.gz", ".json"))
        self.mask = self.folder / f"{self.key}_desc-brain_mask.nii.gz"
        self.mask_sidecar = self.mask.with_name(self.mask.name.replace(".nii.gz", ".json"))
        self.transform = self.folder / f"{self.key}_from-T1w_to-{SPACE}_mode-image_xfm.txt"
        self.quality = self.folder / f"{self.key}_desc-qc_T1w.json"
        self.picture = self.folder / f"{self.key}_desc-qc_T1w.png"


def subject_label(name: str) -> str:
    """Return a name as a BIDS label: letters and digits only."""
    return re.sub(r"[^A-Za-z0-9]", "", name.removeprefix("sub-")) or "unnamed"


def prepared_files(out: Path, name: str) -> PreparedFiles:
    """Return where a scan's files go, from its own name; ``sub-…_ses-…`` is understood."""
    found = re.match(r"sub-([A-Za-z0-9]+)(?:_ses-([A-Za-z0-9]+))?", name)
    if found:
        return PreparedFiles(out, found[1], found[2] or "")
    return PreparedFiles(out, subject_label(re.sub(r"(_T1w)?\.(nii(\.gz)?|mg[hz]|zip)$", "", name, flags=re.I)))


def write_prepared(prepared: Prepared, files: PreparedFiles, *, source_digest: str = "") -> None:
    """Write one prepared scan; the quality report comes last and marks the scan as done.

    Parameters
    ----------
    prepared : Prepared
    files : PreparedFiles
    source_digest : str
        SHA-256 of the file or folder that the scan was read from.
    """
    write_volume(prepared.volume, files.scan, space="mni")
    write_volume(prepared.mask, files.mask, space="scanner")
    common = {"SkullStripped": True, "SpatialReference": SPACE}
    _write_json(files.sidecar, {**common, "MriinterpPipeline": prepared.digests["pipeline"]})
    _write_json(files.mask_sidecar, {"Type": "Brain"})
    write_text(files.transform, prepared.transform.itk_text())
    with replacing(files.picture) as temporary:
        temporary.write_bytes(preparation_png(prepared, title=files.key))
    _write_json(
        files.quality,
        {
            **prepared.qc.as_dict(),
            "SourceDigest": source_digest,
            "ScanDigest": prepared.digests["scan"],
            "PipelineDigest": prepared.digests["pipeline"],
            "Grid": {"shape": list(prepared.volume.data.shape), "affine": np.round(prepared.volume.affine, 8).tolist()},
            "GeneratedBy": f"mriinterp {mriinterp.__version__}",
        },
    )


def _write_json(path: Path, entries: Mapping) -> None:
    write_text(path, json.dumps(entries, indent=2, ensure_ascii=False) + "\n")


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
    reports = sorted(out.glob("sub-*/**/anat/*_desc-qc_T1w.json"))
    rows = [_row(path) for path in reports]
    rows += [{"scan": key, "verdict": "failed", "findings": text} for key, text in (failed or {}).items()]
    rows.sort(key=lambda row: row.get("correlation", 0), reverse=True)
    rows.sort(key=lambda row: 3 if row["verdict"] == "failed" else LEVELS.index(row["verdict"]), reverse=True)
    table = pd.DataFrame(rows)
    write_tsv(table.drop(columns="picture", errors="ignore"), out / "qc.tsv")
    write_text(out / "qc.html", _page(out, rows))
    write_text(out / "README", README)
    _write_json(
        out / "dataset_description.json",
        {
            "Name": "T1 scans prepared by mriinterp",
            "BIDSVersion": "1.10.0",
            "DatasetType": "derivative",
            "License": "See the raw data set",
            "Authors": ["See the raw data set"],
            "GeneratedBy": [{"Name": "mriinterp", "Version": mriinterp.__version__}],
        },
    )
    write_text(out / ".bidsignore", "qc.tsv\nqc.html\n*_desc-qc_T1w.json\n*_desc-qc_T1w.png\n*_xfm.txt\n")
    return table


def _row(path: Path) -> dict:
    report = read_json(path)
    return {
        "scan": path.name.removesuffix("_desc-qc_T1w.json"),
        "verdict": report["Verdict"],
        "correlation": report["Correlation"],
        "brain_ml": report["BrainVolumeMl"],
        "contrast": report["GreyWhiteContrast"],
        "findings": " ".join(report["Findings"]),
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
            f"<section class={row['verdict']}><h2>{html.escape(row['scan'])}</h2><p>{words}</p>{image}</section>"
        )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Prepared scans</title><style>'
        "body{font:16px/1.5 system-ui,sans-serif;margin:2rem;max-width:1520px;background:#fff;color:#1b1f24}"
        "section{border-left:6px solid #3fb27f;padding:0 0 0 1rem;margin:0 0 2rem}section.look{border-color:#e0a52c}"
        "section.refuse,section.failed{border-color:#d33f36}img{width:100%}h2{margin:0;font-size:1.1rem}p{margin:.2rem 0 .6rem}"
        "</style><h1>Prepared scans, the worst first</h1><p>Research use only. Not a medical device. Orange: the template's "
        f"or the mask's outline; blue: the template's white matter.</p>{''.join(cards)}</html>\n"
    )
