"""Layouts of tables: their marks, the meaning of their columns, the rule for their images."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mriinterp.subjects.oasis import OASIS_SESSION, oasis_words
from mriinterp.subjects.table_file import ALIASES, plain_name

__all__ = ["LAYOUTS", "Layout", "detect_layout", "original_path"]


def original_path(row: Mapping[str, str]) -> str:
    """Return where the original study keeps the scan of a row, relative to the image folder (Rieke et al. 2018).

    ``PTID/Visit/PTID_Date_Visit_Id_DX_Warped.nii.gz``, visits without spaces,
    dates with ``-`` for ``/``. `row` holds the fields subject, visit, date,
    id and group as the table writes them.
    """
    visit = row["visit"].replace(" ", "")
    parts = [row["subject"], row["date"].replace("/", "-"), visit, row["id"], row["group"], "Warped.nii.gz"]
    return f"{row['subject']}/{visit}/{'_'.join(parts)}"


@dataclass(frozen=True)
class Layout:
    """One kind of table.

    Attributes
    ----------
    name, label : str
    marks : tuple of tuple of str
        Known by having one column of every tuple (names as `plain_name` gives them).
    required : tuple of str
        Fields without which it cannot be read.
    columns : mapping of field to tuple of str
        Names that beat the usual ones in this kind.
    day_first : bool or None
        How 3/11/2006 is meant where the column itself does not decide.
    words : callable
        From an id to the words to look for in the paths of images, best first.
    template : callable, optional
        From a row of fields to the relative path of its image.
    person : re.Pattern, optional
        Finds the groups ``subject`` and ``visit`` in an id, for tables that do not name them.
    ids_name_images : bool
        An id is that of one image of an archive: no second visit can have it.
    age_at_baseline : bool
        Every row of a person has the age at the first visit.
    clinical : bool
        Rows are visits to a clinic, on other days than scans: see `mriinterp.subjects.oasis`.
    """

    name: str
    label: str
    marks: tuple[tuple[str, ...], ...]
    required: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    day_first: bool | None = None
    words: Callable[[str], list[str]] = lambda name: [name]
    template: Callable[[Mapping[str, str]], str] | None = None
    person: re.Pattern | None = None
    ids_name_images: bool = False
    age_at_baseline: bool = False
    clinical: bool = False

    def choose(self, found: Iterable[str], chosen: Mapping[str, str] | None) -> dict[str, str]:
        """Return the user's columns, and where they are silent those of this kind."""
        by_name = {plain_name(c): c for c in found}
        own = {f: next((by_name[n] for n in names if n in by_name), None) for f, names in self.columns.items()}
        return {f: c for f, c in own.items() if c} | dict(chosen or {})


def _loni_words(name: str) -> list[str]:
    """Return the forms of an id in paths: a bare 45117 may be written I45117, I45117 is never bare there."""
    return [f"I{name}", name] if name.isdigit() else [name]


_GROUPS = ("group", "dx", "diagnosis", "class")  # named by the user beside the archive's own columns
_OASIS3_GROUPS = ("dx1", "cdr", "cdrtot")

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(
            "original",
            "table of Rieke et al. 2018",
            marks=(("ptid",), ("dx",), ("imageid",), ("scandate",), ("visit",)),
            required=("id", "subject", "group", "visit", "date"),
            columns={
                "id": ("imageid",),
                "subject": ("ptid",),
                "group": ("dx",),
                "visit": ("visit",),
                "date": ("scandate",),
            },
            day_first=False,
            words=lambda name: list(reversed(_loni_words(name))),
            template=original_path,
            ids_name_images=True,
        ),
        Layout(
            "loni",
            "search result of the LONI image archive (ADNI)",
            marks=(
                ("imagedataid", "imageid"),
                ("subject", "subjectid"),
                ("group", "researchgroup", "dxgroup"),
                ("acqdate", "studydate", "imagedate", "modality", "description", "imagedescription"),
            ),
            required=("id", "subject", "group"),
            day_first=False,
            words=_loni_words,
            ids_name_images=True,
        ),
        Layout(
            "adnimerge",
            "ADNIMERGE",
            marks=(("ptid",), ("viscode",), ("dx",), ("imageuid", "dxbl", "colprot")),
            required=("subject", "group"),
            columns={"id": ("imageuid",), "visit": ("viscode",), "date": ("examdate",)},
            day_first=False,
            words=_loni_words,
            ids_name_images=True,
            age_at_baseline=True,
        ),
        Layout(
            "oasis1",
            "OASIS-1 cross-sectional table",
            marks=(("id",), ("m/f",), ("cdr",), ("etiv", "nwbv", "mmse")),
            required=("id",),
            columns={"id": ("id",), "group": (*_GROUPS, "cdr")},
            words=oasis_words,
            person=OASIS_SESSION,
        ),
        Layout(
            "oasis2",
            "OASIS-2 longitudinal table",
            marks=(("mriid",), ("subjectid", "subject"), ("m/f", "sex", "gender")),
            required=("id", "subject"),
            columns={"id": ("mriid",), "group": (*_GROUPS, "cdr")},
            words=oasis_words,
            person=OASIS_SESSION,
        ),
        Layout(
            "oasis3",
            "OASIS-3 table of MR sessions",
            marks=(("mrid", "mrsession"), ("subject", "oasisid", "subjectid")),
            required=("id", "subject"),
            columns={"id": ("mrid", "mrsession"), "group": (*_GROUPS, *_OASIS3_GROUPS)},
            words=oasis_words,
            person=OASIS_SESSION,
        ),
        Layout(
            "xnat",
            "list of MR sessions of an XNAT archive (OASIS-3)",
            marks=(("label",), ("subject", "subjectid", "oasisid"), ("scanner",), ("scans",)),
            required=("id", "subject"),
            columns={"id": ("label",), "group": (*_GROUPS, *_OASIS3_GROUPS)},
            words=oasis_words,
            person=OASIS_SESSION,
        ),
        Layout(
            "oasis3clinical",
            "OASIS-3 table of clinical visits",
            marks=(("oasissessionlabel", "adrcadrcclinicaldataid"), ("oasisid", "subject")),
            required=("id", "subject"),
            columns={
                "id": ("oasissessionlabel", "adrcadrcclinicaldataid"),
                "subject": ("oasisid", "subject"),
                "group": (*_GROUPS, *_OASIS3_GROUPS),
                "age": ("ageatvisit", "age", "ageatentry"),
            },
            person=OASIS_SESSION,
            clinical=True,
        ),
        Layout("bids", "BIDS participants", marks=(("participantid",),), required=("subject",)),
        Layout("plain", "plain table", marks=(), required=()),
    )
}


def detect_layout(found: Iterable[str]) -> Layout:
    """Return the first kind all of whose marks are among the columns; the plain kind if none.

    A table of participants that names the files of its scans is a plain one.
    """
    names = {plain_name(c) for c in found}
    layout = next(layout for layout in LAYOUTS.values() if all(names & set(mark) for mark in layout.marks))
    if layout.name == "bids" and names & {plain_name(n) for n in ALIASES["path"]}:
        return LAYOUTS["plain"]
    return layout
