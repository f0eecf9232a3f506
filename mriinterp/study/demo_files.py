"""The demo study as files: simulated scans, their table and a study file, as a study of one's own has them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from mriinterp.base.atomic import made_folder
from mriinterp.base.processes import cores
from mriinterp.base.progress import Cancel, Cancelled, Progress, check_cancel, tell
from mriinterp.base.tables import write_tsv
from mriinterp.image.write import write_volume
from mriinterp.simulation.subjects import DEMO, demo_subjects, simulate_subject
from mriinterp.study.tomlfile import write_study_file

__all__ = ["FEWEST", "demo_scans", "write_demo_study"]

FEWEST, TEST_SHARE = 8, 0.2


def demo_scans() -> int:
    """Return how many scans the demo study has."""
    return len(demo_subjects())


def write_demo_study(
    folder: Path, n: int, *, simulate: bool = True, progress: Progress | None = None, cancel: Cancel | None = None
) -> Path:
    """Write the first n scans of the demo study and a study file; scans that are there are not made again.

    Parameters
    ----------
    folder : Path
    n : int
    simulate : bool
        False: empty files stand in for the scans, for a plan.
    progress, cancel

    Returns
    -------
    Path
        The study file.

    Raises
    ------
    ValueError
        Unless there are between 8 and as many scans as the demo study has.
    """
    table = demo_subjects()
    if not FEWEST <= n <= len(table):
        raise ValueError(f"expected {FEWEST} to {len(table)} scans of the demo study, got {n}")
    table = table.head(n)
    made_folder(folder)

    def write(subject: str) -> None:
        check_cancel(cancel)
        path = folder / f"{subject}_T1w.nii.gz"
        if not simulate:
            path.touch()
        elif not path.is_file():
            write_volume(simulate_subject(DEMO, subject).volume, path, space="mni")

    with ThreadPoolExecutor(max_workers=min(4, cores())) as pool:
        jobs = [pool.submit(write, subject) for subject in table["id"]]
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                job.result()
                tell(progress, done, n)
        except (Cancelled, OSError):
            pool.shutdown(cancel_futures=True)
            raise
    rows = table.drop(columns=["split", "severity"]).assign(
        subject=table["id"], filepath=[f"{subject}_T1w.nii.gz" for subject in table["id"]]
    )
    write_tsv(rows.rename(columns={"id": "scan_id"}), folder / "scans.tsv")
    entries = {
        "name": "demo",
        "title": "Demo study (simulated)",
        "simulated": True,
        "subjects": {"table": "scans.tsv", "check_space": False},
        "groups": {"reference": DEMO.groups[0], "positive": DEMO.groups[1]},
        "split": {"test": TEST_SHARE},
        "model": {"card": "demo"},
    }
    write_study_file(entries, folder / "study.toml")
    return folder / "study.toml"
