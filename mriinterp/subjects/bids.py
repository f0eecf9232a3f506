"""BIDS: which T1-weighted image belongs to which participant."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from mriinterp.base.names import near_names
from mriinterp.base.progress import Cancel
from mriinterp.subjects.images import walk_images
from mriinterp.subjects.near import report_near
from mriinterp.subjects.table_file import FIELDS
from mriinterp.subjects.table_report import Report

__all__ = ["BidsImage", "best_of_session", "bids_images", "bids_label", "bids_rows", "bids_table"]

_NAME = re.compile(
    r"^(?:[a-z]{1,5}\d?)?(?P<sub>sub-[A-Za-z0-9]+)(?P<entities>(?:_[a-z]+-[A-Za-z0-9]+)*)_T1w(?:\.nii|\.nii\.gz|\.mgz)$"
)


@dataclass(frozen=True)
class BidsImage:
    """One image and what its name says: subject ``sub-01``, session ``m12`` or "", other entities."""

    path: Path
    subject: str
    session: str
    entities: dict[str, str] = field(default_factory=dict)


def bids_label(text: str) -> str:
    """Return a participant as BIDS names it: ``01`` and ``sub-01`` are ``sub-01``."""
    text = text.strip()
    return text if text.startswith("sub-") or not text else f"sub-{text}"


def bids_table(path: str | Path) -> tuple[Path, Path]:
    """Return `participants.tsv` and the folder it describes, from either of the two."""
    path = Path(path)
    table = path / "participants.tsv" if path.is_dir() else path
    if not table.is_file():
        raise FileNotFoundError(f"expected a BIDS folder with participants.tsv, found no {table}")
    return table, table.parent


def _parse(root: Path, path: PurePosixPath) -> BidsImage | None:
    match = _NAME.match(path.name)
    if not match:
        return None
    pairs = [part.split("-", 1) for part in match["entities"].split("_") if part]
    entities = dict(pairs)
    return BidsImage(root / path, match["sub"], entities.pop("ses", ""), entities)


def _rank(image: BidsImage) -> tuple:
    """Sort key: images in MNI space first, as networks need them; then fewer entities, lower run, shorter path."""
    space = image.entities.get("space", "")
    in_mni = 0 if space.startswith("MNI") else 1 if not space else 2
    run = int(re.sub(r"\D", "", image.entities.get("run", "")) or 0)
    return in_mni, len(image.entities), run


def bids_images(
    folder: str | Path, report: Report, pattern: str | None = None, cancel: Cancel | None = None
) -> dict[str, list[BidsImage]]:
    """Return one T1-weighted image per participant and session.

    Where there are several, one in MNI space is taken before one as it was
    acquired, then the plainest name and the first run; which ones were passed
    over is reported. `pattern` (wildcards, see `walk_images`) decides otherwise.

    Returns
    -------
    dict of participant to list of BidsImage, by session
    """
    root = Path(folder)
    groups: dict[tuple[str, str], list[BidsImage]] = defaultdict(list)
    for path in walk_images(root, pattern, cancel):
        image = _parse(root, path)
        if image is not None and image.path.is_file():  # a link to absent content is no image
            groups[image.subject, image.session].append(image)
    chosen: dict[str, list[BidsImage]] = defaultdict(list)
    several: list[str] = []
    equal: list[str] = []
    for (subject, session), images in sorted(groups.items()):
        images.sort(key=lambda i: (*_rank(i), str(i.path)))
        name = f"{subject} {session}".strip()
        if len(images) > 1:
            same = _rank(images[0]) == _rank(images[1])
            (equal if same else several).append(f"{name} ({images[0].path.relative_to(root).as_posix()})")
        chosen[subject].append(images[0])
    if several:
        report.add("info", f"Several T1-weighted images ({len(several)}); taken, MNI space first", several)
    if equal:
        report.add("warning", f"Several equally good images ({len(equal)}); the first by name is taken", equal)
    return dict(chosen)


def best_of_session(paths: Iterable[Path]) -> Path | None:
    """Return the one T1-weighted image to take of a session's images, by their names; None if they do not say."""
    images = [image for image in (_parse(p.parent, PurePosixPath(p.name)) for p in paths) if image is not None]
    if not images or len({(i.subject, i.session) for i in images}) > 1:
        return None
    images.sort(key=_rank)
    return None if len(images) > 1 and _rank(images[0]) == _rank(images[1]) else images[0].path


def bids_rows(
    text: pd.DataFrame, found: Mapping[str, list[BidsImage]], report: Report
) -> tuple[pd.DataFrame, list[str]]:
    """Return one row a scan, and the path of each, from one row a participant.

    Parameters
    ----------
    text : DataFrame
        Fields of the participants.
    found : mapping of participant to list of BidsImage
        As `bids_images` returns it.

    Returns
    -------
    rows : DataFrame
        Fields of every scan, and ``row``, the index of its participant in `text`.
    paths : list of str
        "" for a participant without an image.
    """
    text = text.assign(subject=text["subject"].map(bids_label))
    extra = sorted(set(found) - set(text["subject"]))
    if extra:
        report.add("warning", f"Participants with images but no row in the table ({len(extra)})", extra)
    rows, paths, near = [], [], {}
    for row, subject in text["subject"].items():
        every = found.get(subject, [])
        wanted = text.at[row, "visit"].removeprefix("ses-")
        images = [i for i in every if i.session == wanted] if wanted else every
        if not every:
            near[subject] = near_names(subject, found)
        elif not images:
            near[f"{subject}_ses-{wanted}"] = [f"ses-{s}" for s in near_names(wanted, [i.session for i in every])]
        shown: Sequence[BidsImage | None] = images or [None]
        for image in shown:
            session = image.session if image else wanted
            visit = session or text.at[row, "visit"]
            rows.append(
                {**text.loc[row], "id": f"{subject}_ses-{session}" if session else subject, "visit": visit, "row": row}
            )
            paths.append(str(image.path) if image else "")
    report_near({name: others for name, others in near.items() if others}, report)
    return pd.DataFrame(rows, columns=[*FIELDS, "row"]), paths
