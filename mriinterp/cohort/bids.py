"""BIDS files of a cohort's folder: description, README and the list of further files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import mriinterp
from mriinterp.base.atomic import write_text
from mriinterp.base.names import shortened
from mriinterp.base.notices import RESEARCH_USE
from mriinterp.cohort.targets import explained_words

__all__ = ["BIDS_VERSION", "OWN_FILES", "TEMPLATE_SPACE", "space_label", "write_dataset_files"]

BIDS_VERSION = "1.10.0"
TEMPLATE_SPACE = "MNI152NLin2009aSym"
"""The template that scans are compared with (see `mriinterp.image.space`), as BIDS names it."""

# Template spaces as BIDS names them (appendix "Coordinate systems" of the specification).
_SPACES = (
    *(f"MNI152NLin2009{letter}{kind}" for letter in "abc" for kind in ("Asym", "Sym")),
    "MNI152NLin6AsymConte69", "MNI152NLin6Asym", "MNI152NLin6Sym", "MNI152Lin", "MNI305", "MNIColin27", "MNIInfant",
    "MNIPediatricAsym", "ICBM452AirSpace", "ICBM452Warp5Space", "IXI549Space", "NIHPD", "OASIS30ANTs", "OASIS30Atropos",
    "Talairach", "UNCInfant", "fsaverage",
)  # fmt: skip
# Words that mean one of them.
_MARKS = {
    r"\bfsl\b|6th generation": "MNI152NLin6Asym",
    r"ixi.?549": "IXI549Space",
    r"mni.*\blinear": "MNI152Lin",
    r"^\W*(native|individual|subject|scanner|own)( space)?\W*$": "individual",
}
_UNSAID = re.compile(r"^(mni|icbm)?(152)?(space|template|standard)*$", re.IGNORECASE)

# What a cohort's folder holds beyond the file names of the standard, in the patterns of a .gitignore.
OWN_FILES = (
    "*_relevance.nii.gz",
    "*_relevance.json",
    "*_areas.tsv",
    "areas.parquet",
    "groups",
    "groups.tsv",
    "paper",
    "run.json",
    "statistics",
    "subjects.tsv",
)


@lru_cache
def space_label(space: str) -> str:
    """Return the BIDS label of a template space from the words of a model card.

    A bare "MNI152" is the template of this program, with which scans are compared.
    Other spaces keep their letters and digits.

    Examples
    --------
    >>> space_label("MNI152 (ICBM 2009a nonlinear symmetric template)"), space_label("FSL MNI152, 1 mm")
    ('MNI152NLin2009aSym', 'MNI152NLin6Asym')
    >>> space_label("MNI152"), space_label("ICBM 2009c Nonlinear Asymmetric")
    ('MNI152NLin2009aSym', 'MNI152NLin2009cAsym')
    >>> space_label("MNI152 (2 mm)"), space_label("SPM12 TPM, IXI549"), space_label("native space")
    ('MNI152NLin2009aSym', 'IXI549Space', 'individual')
    """
    space = re.sub(r"[(,]?\s*\b\d+(\.\d+)?\s*mm\b\)?", "", space)  # the size of a voxel is no space
    low = space.lower()
    named = next((name for name in _SPACES if name.lower() in low), None)
    if named:
        return named
    plain = re.sub(r"[^A-Za-z0-9]+", "", space)
    if _UNSAID.match(plain):
        return TEMPLATE_SPACE
    release, kind = re.search(r"2009([abc])", low), re.search(r"(a?)sym", low)
    if release and kind:
        return f"MNI152NLin2009{release[1]}{'Asym' if kind[1] else 'Sym'}"
    known = next((name for mark, name in _MARKS.items() if re.search(mark, low)), None)
    if known:
        return known
    return shortened(plain, 32)


def write_dataset_files(
    folder: Path,
    about: Mapping[str, Any],
    space: str,
    methods: Iterable[str],
    authors: Iterable[str] = (),
    own: Iterable[str] = (),
) -> None:
    """Write ``dataset_description.json``, ``README.md`` and ``.bidsignore``.

    Parameters
    ----------
    folder : Path
    about : mapping
        The entries title, study, target and simulated of ``run.json``.
    space : str
        Template space, as the network's card has it.
    methods : iterable of str
        Labels of the methods, for reading.
    authors : iterable of str
        Of the study; without any, the program that made the maps is named.
    own : iterable of str
        Further files and folders that the standard does not know.
    """
    entries = {
        "Name": f"Relevance maps of {about['title']}",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "Authors": list(authors) or ["mriinterp"],
        "GeneratedBy": [{"Name": "mriinterp", "Version": mriinterp.__version__}],
        "Simulated": about["simulated"],
        "Note": RESEARCH_USE,
    }
    write_text(folder / "dataset_description.json", json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    write_text(folder / "README.md", _readme(about, space, methods))
    ignored = (
        "# Files of mriinterp that the standard does not know; see README.md\n" + "\n".join((*OWN_FILES, *own)) + "\n"
    )
    write_text(folder / ".bidsignore", ignored)


def _readme(about: Mapping[str, Any], space: str, methods: Iterable[str]) -> str:
    simulated = "All scans of this study are simulated.\n" if about["simulated"] else ""
    return f"""# Relevance maps of {about["title"]}

Maps of what a network for brain MRI takes into account, made by mriinterp {mriinterp.__version__}: {", ".join(methods)}.
Study: {about["study"]}; {explained_words(about["target"])}. {RESEARCH_USE}
{simulated}
| file | content |
| --- | --- |
| `sub-*/**/anat/*_relevance.nii.gz`, `.json` | signed map of a scan, in the space {space_label(space)} ({space}), and what it is |
| `sub-*/**/anat/*_image-*_relevance.nii.gz`, `.json` | the part of each image, where the network reads several |
| `sub-*/**/anat/*_areas.tsv` | relevance per brain area of that map |
| `groups/` | mean, standard deviation and number of maps per group and method; `part-signed`: of the signed maps |
| `areas.parquet` | relevance per scan, method and area |
| `subjects.tsv` | one row per scan; `label` is its name in file names |
| `groups.tsv` | one row per group |
| `run.json` | study, network, parameters, versions, times |
| `statistics/`, `paper/` | groups compared; figures and tables; if they were asked for |

Relevance maps have no file name of their own in BIDS 1.10; what goes beyond the standard is listed in `.bidsignore`.
"""
