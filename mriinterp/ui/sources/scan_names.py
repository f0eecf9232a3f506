"""Names of uploaded scans, as far as they may be shown: a file's own name may be that of a person."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mriinterp.prepare.source import FileBytes

__all__ = [
    "LONGEST_NAME",
    "NEUTRAL_NAME",
    "called",
    "name_of_upload",
    "name_with_ending",
    "plain_name",
    "safe_name",
]

NEUTRAL_NAME = "own-scan"
LONGEST_NAME = 64
ENDING = re.compile(r"(\.nii|\.gz|\.mgz|\.mgh|\.zip|\.dcm|\.ima|\s*\(\d+\))+$", re.IGNORECASE)
DATE = re.compile(r"(?<!\d)(19|20)\d{6}(?!\d)|(?<!\d)\d{1,2}[-_.]\d{1,2}[-_.](19|20)\d\d(?!\d)|(19|20)\d\d-\d\d-\d\d")
WORDS = """sub ses run acq rec space desc res den dir echo part hemi label from to mode xfm tw mprage mp rage mpr flash
    spgr ir fspgr bravo mri smri mr scan image img vol volume anat orig raw nu norm brain brainmask head mask masked
    preproc mni nlin lin asym casym sym icbm talairach native reg registered coreg warped affine rigid flirt fnirt ants
    spm fsl freesurfer bet hdbet synthstrip skull stripped strip ss bias corr corrected cropped resampled iso mm wm wmi
    mwp wp nii test demo sim own subject subj participant patient control case id adni oasis oas ixi aibl anon gfc visit
    baseline bl followup month year sess session day hires avg mean"""
# In names of images, and no names of people; a single letter is none, either.
KNOWN_WORDS = frozenset(WORDS.split())


def plain_name(file_name: str) -> str:
    """Return the name of an image file without folder, endings, and a browser's mark of a duplicate."""
    return ENDING.sub("", re.split(r"[\\/]", file_name)[-1])


def safe_name(file_name: str) -> str:
    """Return a name for pages, downloads and links: the file's own, unless it may name a person.

    Words that no convention for names of images knows may be a name, and eight digits
    a date of birth: then the name is `NEUTRAL_NAME`.

    Examples
    --------
    >>> safe_name("sub-52_space-MNI152_desc-brain_T1w.nii.gz")
    'sub-52_space-MNI152_desc-brain_T1w'
    >>> safe_name("Doe_John_19500101.nii.gz")
    'own-scan'
    """
    name = plain_name(file_name)
    plain = bool(name) and len(name) <= LONGEST_NAME and not DATE.search(name) and not _unknown_words(name)
    return name if plain else NEUTRAL_NAME


def called(file_name: str) -> str:
    """Return what a page calls a file to the one who gave it: its own name, unless two words of it or a date may be a person's.

    Examples
    --------
    >>> called("broken.nii.gz"), called("Doe_John.nii.gz")
    ('broken.nii.gz', 'own-scan.nii.gz')
    """
    name = plain_name(file_name)
    private = len(_unknown_words(name)) > 1 or DATE.search(name)
    return name_with_ending(file_name) if private else file_name


def name_with_ending(file_name: str) -> str:
    """Return the safe name of a file with the endings that decide how it is read."""
    ending = ENDING.search(file_name)
    return safe_name(file_name) + (ending[0] if ending else "")


def _unknown_words(name: str) -> list[str]:
    words = [word.lower() for word in re.findall(r"[^\W\d_]{2,}", name)]
    return [word for word in words if word not in KNOWN_WORDS]


def name_of_upload(files: Sequence[FileBytes]) -> str:
    """Return what messages call an upload: its name, or how many files there are; a scanner's names name patients."""
    return files[0][0] if len(files) == 1 else f"The upload of {len(files)} files"
