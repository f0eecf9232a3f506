"""Grey-matter maps of OASIS-1 on this computer: brought, unpacked, checked; listed by nilearn."""

from __future__ import annotations

import logging
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import pandas as pd

from mriinterp.base.atomic import replacing
from mriinterp.base.fingerprint import file_digest
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.base.tables import read_tsv, write_tsv
from mriinterp.fetch.download import RemoteFile, download, is_address

__all__ = ["AGREEMENT", "ARCHIVE", "TABLE", "bring_maps", "list_maps"]

ARCHIVE, TABLE, AGREEMENT = "archive_dartel.tgz", "oasis_cross-sectional.csv", "data_usage_agreement.txt"
FOLDER = "oasis1"  # where nilearn looks
INCOMING, LIST = "download", "maps.tsv"
MAP = re.compile(r"(?:^|/)(OAS1_\d{4}_MR1)/(mwrc[12]OAS1_\d{4}_MR1_mpr_anon_fslswapdim_bet\.nii\.gz)$")
LARGEST = 1 << 26  # bytes of a map; one on 91×109×91 voxels has 4 MB before compression
NOWHERE = "http://127.0.0.1:9"  # no server: nilearn must find all files, or fail

logger = logging.getLogger(__name__)


def bring_maps(
    files: Sequence[RemoteFile],
    source: str | None,
    base: str,
    folder: Path,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> None:
    """Bring the maps, their table and the agreement into a folder; nothing is sent if all are there unchanged.

    Parameters
    ----------
    files : sequence of RemoteFile
        Archive, table and agreement.
    source : str, optional
        A mirror's address; or a folder that holds the three files, or the maps as nilearn unpacks them.
    base : str
        Where they are published.
    folder : Path
    progress, cancel

    Raises
    ------
    OSError, ValueError, Cancelled
        As of `download`; an archive that is damaged is removed.
    """
    if _all_there(folder):
        return
    tree = None if source is None or is_address(source) else _tree(Path(source))
    if tree is not None:
        _copy_tree(tree, folder, progress, cancel)
    else:
        incoming = folder / INCOMING
        wanted = [replace(file, address="") for file in files] if source else files
        download(wanted, source or base, incoming, progress=progress, cancel=cancel)
        _unpack(incoming / ARCHIVE, folder / FOLDER, progress, cancel)
        for name in (TABLE, AGREEMENT):
            with replacing(folder / FOLDER / name) as temporary:
                shutil.copyfile(incoming / name, temporary)
    try:
        list_maps(folder)
    finally:
        shutil.rmtree(folder / INCOMING, ignore_errors=True)  # an archive without all maps is not kept either
    _write_list(folder)


def _maps(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("OAS1_*/mwrc*.nii.gz")):
        if MAP.search(path.as_posix()):
            yield path.relative_to(folder).as_posix(), path


def _write_list(folder: Path) -> None:
    """Note size and SHA-256 of all that was brought; last, so that what was cut off is not taken for whole."""
    names = [(name, path) for name, path in _maps(folder / FOLDER)]
    names += [(name, folder / FOLDER / name) for name in (TABLE, AGREEMENT)]
    rows = [{"file": name, "bytes": path.stat().st_size, "sha256": file_digest(path)} for name, path in names]
    write_tsv(pd.DataFrame(rows), folder / LIST)


def _all_there(folder: Path) -> bool:
    """Return whether everything of the list is there, unchanged."""
    if not (folder / LIST).is_file():
        return False
    for row in read_tsv(folder / LIST, text=("file", "sha256")).itertuples():
        path = folder / FOLDER / row.file
        if not path.is_file() or path.stat().st_size != row.bytes or file_digest(path) != row.sha256:
            logger.warning("%s is gone or has changed; the maps are fetched again", path)
            return False
    return True


def _tree(source: Path) -> Path | None:
    """Return the folder of unpacked maps in a source, or None."""
    return next((place for place in (source, source / FOLDER) if next(_maps(place), None)), None)


def _copy_tree(tree: Path, folder: Path, progress: Progress | None, cancel: Cancel | None) -> None:
    files = [*_maps(tree), *((name, tree / name) for name in (TABLE, AGREEMENT))]
    for done, (name, path) in enumerate(files, 1):
        check_cancel(cancel)
        if not path.is_file():
            raise FileNotFoundError(f"expected {name} beside the maps in {tree}, got none")
        with replacing(folder / FOLDER / name) as temporary:
            shutil.copyfile(path, temporary)
        tell(progress, done, len(files))


def _unpack(archive: Path, folder: Path, progress: Progress | None, cancel: Cancel | None) -> None:
    """Unpack the maps of an archive, and nothing else that it may hold."""
    size = archive.stat().st_size
    try:
        with archive.open("rb") as raw, tarfile.open(fileobj=raw, mode="r:gz") as tar:
            for member in tar:
                check_cancel(cancel)
                found = MAP.search(member.name)
                if found and member.isfile():
                    _take(tar, member, folder / found[1] / found[2])
                tell(progress, raw.tell(), size)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        if getattr(error, "errno", None) is not None:  # a full disk, no permission: not the archive's fault
            raise
        archive.unlink()
        raise ValueError(
            f"expected the archive of grey-matter maps, got a damaged or another file ({error}); it was removed. Try "
            "again, or name a mirror or a folder with --from"
        ) from error


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.size > LARGEST:
        raise tarfile.TarError(f"{member.name} has {member.size:,} bytes")
    content = tar.extractfile(member)
    assert content is not None  # a file
    with replacing(target) as temporary, temporary.open("wb") as out:
        shutil.copyfileobj(content, out)


def list_maps(folder: Path) -> tuple[pd.DataFrame, list[Path]]:
    """Return the table of people and the grey-matter map of each, as nilearn lists them: without known outliers.

    Raises
    ------
    ValueError
        If maps are missing, or do not lie on one grid.
    """
    from nilearn.datasets import fetch_oasis_vbm  # seconds to load

    grey = sum("/mwrc1" in f"/{name}" for name, _ in _maps(folder / FOLDER))
    try:
        found = fetch_oasis_vbm(data_dir=folder, url=NOWHERE, resume=False, verbose=0)
    except Exception as error:  # whatever a failed request raises
        for leftover in (folder / FOLDER).glob("[0-9a-f]" * 32):
            shutil.rmtree(leftover, ignore_errors=True)
        raise ValueError(
            f"expected grey- and white-matter maps of all people that nilearn lists, got {grey} grey-matter maps; fetch "
            "them again from another source (--from)"
        ) from error
    maps = [Path(path) for path in found.gray_matter_maps]
    people = found.ext_vars.reset_index(drop=True)
    names = [path.parent.name for path in maps]
    lacking = sorted(set(names) - set(people["id"]))
    if lacking:
        raise ValueError(f"expected a row of {TABLE} for each map, got none for {', '.join(lacking[:5])}")
    people = people.drop_duplicates("id").set_index("id").loc[names].reset_index()
    _check_grids(maps)
    return people, maps


def _check_grids(maps: list[Path]) -> None:
    try:
        images = [nib.Nifti1Image.from_filename(path) for path in maps]
    except (OSError, nib.filebasedimages.ImageFileError) as error:
        raise ValueError(f"expected grey-matter maps (NIfTI), got a file that is none: {error}") from error
    first = images[0]
    for path, image in zip(maps, images, strict=True):
        if image.shape != first.shape or abs(image.affine - first.affine).max() > 1e-3:
            raise ValueError(f"expected maps on one grid, got {path.name} of shape {image.shape} beside {first.shape}")
