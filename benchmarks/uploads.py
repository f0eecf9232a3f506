"""Memory of the server while sessions upload scans, explain them and leave.

``python -m benchmarks.uploads`` prints a table; ``--write`` puts it into
``benchmarks/RESULTS_UPLOADS.md``. Every session is a browser of its own that
uploads a scan of 512×512×512 voxels, has it explained and goes. Needs
Playwright, a Chromium and psutil.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Browser, sync_playwright

from benchmarks.app import all_maps_shown, chromium, server
from benchmarks.machine import conditions
from mriinterp.image.volume import Grid, Volume, resample
from mriinterp.image.write import write_volume
from mriinterp.simulation.subjects import DEMO, simulate_subject
from mriinterp.ui.session.life import GRACE_SECONDS, LOOK_SECONDS

RESULTS = Path(__file__).with_name("RESULTS_UPLOADS.md")
LONGEST_MS = 600_000
SESSIONS = 20
LIMIT_MB = 300
RESTING, REST_SECONDS = 0.2, 5.0  # a process rests that takes so few processor seconds in so many
FINE = Grid((512, 512, 512), np.array([[0.4, 0, 0, -102], [0, 0.4, 0, -120], [0, 0, 0.4, -82], [0, 0, 0, 1.0]]))
INTRO = f"""# Memory and uploads

Made by `python -m benchmarks.uploads --write`. Sessions follow each other: each is a browser of its own that uploads a scan of
512×512×512 voxels ({{size:.1f}} MB, 537 MB in memory), has it explained and leaves. *Beginning*: after one session without an
upload has seen a map, and the server has made ahead what it makes ahead. The end should be within {LIMIT_MB} MB of it.
"""
HEADER = "| when | memory of the server (MB) | more than at the beginning (MB) |\n| --- | ---: | ---: |"


class Memory:
    """Resident memory of a process, and its peak.

    Parameters
    ----------
    pid : int
    """

    def __init__(self, pid: int):
        self._process = psutil.Process(pid)
        self.peak, self._stop = 0.0, threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def now(self) -> float:
        """Return megabytes."""
        return self._process.memory_info().rss / 1e6

    def settled(self) -> float:
        """Return megabytes once the process has done what it does ahead, and rests."""
        before = -np.inf
        while (spent := sum(self._process.cpu_times()[:2])) - before > RESTING:
            before = spent
            time.sleep(REST_SECONDS)
        return self.now()

    def stop(self) -> None:
        """End watching."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            try:
                self.peak = max(self.peak, self.now())
            except psutil.NoSuchProcess:
                return


def fine_scan(folder: Path) -> Path:
    """Return a simulated brain of 512×512×512 voxels in a file."""
    brain = simulate_subject(DEMO, "sim-003").volume
    data = resample(brain, FINE).data
    data = np.clip(data * (255 / data.max()), 0, 255).astype(np.uint8)
    return write_volume(Volume(data, FINE.affine), folder / "sub-1_T1w.nii.gz", space="mni")


def session(browser: Browser, url: str, file: Path | None) -> None:
    """Open the page in one browser, upload and explain a file, leave."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{url}/?method=sensitivity", timeout=LONGEST_MS)
    all_maps_shown(page, 1)
    if file is not None:
        page.get_by_text("Explain my own scan").click()
        drop = page.locator("[data-testid=stFileUploaderDropzoneInput]")
        drop.wait_for(state="attached")
        drop.set_input_files(str(file))
        page.get_by_text("No diagnosis.").wait_for(timeout=LONGEST_MS)
        page.get_by_role("button", name="Explain", exact=True).click()
        page.get_by_test_id("stProgress").wait_for(state="detached", timeout=LONGEST_MS)
        all_maps_shown(page, 1)
    context.close()


def measure(sessions: int, folder: Path) -> tuple[list[str], float]:
    """Measure; return rows of the table, and the size of the file in MB."""
    file = fine_scan(folder)
    rows = []

    def note(when: str, value: float, first: float) -> None:
        rows.append(f"| {when} | {value:,.0f} | {value - first:+,.0f} |")
        print(rows[-1], flush=True)

    with server(folder / "home") as (url, _, _, pid), sync_playwright() as playwright:
        browser, memory = chromium(playwright), Memory(pid)
        session(browser, url, None)
        first = memory.settled()
        note("beginning", first, first)
        for n in range(1, sessions + 1):
            session(browser, url, file)
            if n in (1, sessions // 2, sessions):
                note(f"{n} session{'s' * (n > 1)} uploaded and left", memory.now(), first)
        note("peak so far", memory.peak, first)
        time.sleep(GRACE_SECONDS + 5)
        note(f"{GRACE_SECONDS:.0f} s later", memory.now(), first)
        time.sleep(2 * LOOK_SECONDS - GRACE_SECONDS + 5)
        note(f"{2 * LOOK_SECONDS:.0f} s later", memory.now(), first)
        memory.stop()
        browser.close()
    return rows, file.stat().st_size / 1e6


def main() -> None:
    """Read the options, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=SESSIONS, metavar="N", help="default: %(default)s")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    print(HEADER)
    with tempfile.TemporaryDirectory() as folder:
        rows, size = measure(options.sessions, Path(folder))
    if options.write:
        RESULTS.write_text("\n".join([INTRO.format(size=size), conditions(), "", HEADER, *rows, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
