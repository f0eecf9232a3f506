"""The app in a browser: time to the first map, bytes on the wire, time of a frame.

``python -m benchmarks.app`` prints a table; ``--write`` puts it into
``benchmarks/RESULTS_APP.md``. Every row starts ``streamlit run`` anew, opens
the page in Chromium as soon as the server answers, and waits until the
planes of the first map are drawn. Needs Playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.machine import conditions

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).with_name("RESULTS_APP.md")
LONGEST_MS = 600_000
FRAMES = 100
FIND = (
    "[...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')]"
    ".map((e) => e.shadowRoot?.querySelector('.mriinterp-viewer')).find(Boolean)?.mriinterpViewer"
)
STEP = f"""async (frames) => {{
  const viewer = {FIND}, times = [], next = () => new Promise((done) => requestAnimationFrame(done));
  for (let n = 0; n < frames; n += 1) {{
    viewer.moveTo(viewer.space.shape.map((size) => Math.round(size * (0.2 + 0.6 * n / frames))));
    await next(); await next();
    times.push(viewer.frames.last);
  }}
  return times;
}}"""
INTRO = """# The app in a browser

Made by `python -m benchmarks.app --write`.

- *server*: from `streamlit run` until the server answers; *first map*: from `streamlit run` until the planes of the first
  map are drawn (`cold`: no result on disk, the scan is simulated and the map computed; `warm`: the map is known;
  `second session`: the same server, another browser).
- *payload*: bytes that the browser received over the WebSocket, which carries scan, map, atlas and page. The program's
  own files are counted apart as *page files*; a browser keeps them.
- *while stepping*: bytes over the WebSocket, both ways, while stepping through slices and changing threshold, opacity and
  convention; *after it*: of the one report that follows a pause, so that the address opens the same view.
- *frame*: median and 95th percentile of the time to redraw all planes while stepping, measured in the browser without a
  graphics processor.

Seconds depend on what else the machine does (see the load average); bytes are exact.
"""
HEADER = """| page | start | server (s) | first map (s) | payload (MB) | page files (MB) | while stepping (bytes) | after it (bytes) | frame (ms) |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""
PAGES = {
    "single scan, sensitivity": "?method=sensitivity",
    "single scan, occlusion 40/25": "?method=occlusion",
    "compare, four methods": "compare",
}


@dataclass
class Row:
    """What was measured for one page and one start."""

    page: str
    start: str
    server: float | None
    first_map: float
    payload: int
    files: int
    stepping: int
    report: int
    frames: list[float]

    def __str__(self) -> str:
        worst = sorted(self.frames)[int(0.95 * len(self.frames))]
        server = "" if self.server is None else f"{self.server:.1f}"
        return (
            f"| {self.page} | {self.start} | {server} | {self.first_map:.1f} | {self.payload / 1e6:.2f} "
            f"| {self.files / 1e6:.1f} | {self.stepping:,} | {self.report:,} | {statistics.median(self.frames):.1f}, {worst:.1f} |"
        )


@contextmanager
def server(home: Path, script: Path = ROOT / "app.py") -> Iterator[tuple[str, float, float, int]]:
    """Start the app, or another script; yield its address, start time, seconds until it answered, and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script), *options],
        cwd=ROOT,
        env={**os.environ, "MRIINTERP_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                time.sleep(0.05)
        yield url, start, time.monotonic() - start, process.pid
    finally:
        process.terminate()
        process.wait(20)


def all_maps_shown(page: Page, maps: int) -> None:
    """Wait until the viewer has drawn so many maps."""
    page.wait_for_function(
        f"(maps) => {{ const v = {FIND}; return v?.root.dataset.ready && v.views.length === maps && v.views.every((one) => one.map) && v.measurer.idle; }}",
        arg=maps,
        timeout=LONGEST_MS,
        polling=20,
    )


def measure(browser: Browser, url: str, name: str, start: str, since: float, answered: float | None) -> Row:
    """Open a page and measure it."""
    received, sent, files = [0], [0], [0]

    def listen(socket) -> None:
        socket.on("framereceived", lambda data: received.__setitem__(0, received[0] + len(data)))
        socket.on("framesent", lambda data: sent.__setitem__(0, sent[0] + len(data)))

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.on("websocket", listen)
    page.on("response", lambda answer: files.__setitem__(0, files[0] + int(answer.headers.get("content-length", 0))))
    page.goto(f"{url}/{PAGES[name]}", timeout=LONGEST_MS)
    all_maps_shown(page, 4 if name.startswith("compare") else 1)
    first_map = time.monotonic() - since
    page.wait_for_timeout(4000)  # figures below the planes arrive
    payload, before = received[0], received[0] + sent[0]
    frames = page.evaluate(STEP, FRAMES)
    page.evaluate(f"() => {FIND}.set({{ threshold: 97, opacity: 0.5, convention: 'neurological' }})")
    stepping = received[0] + sent[0] - before
    page.wait_for_timeout(2000)
    report = received[0] + sent[0] - before - stepping
    row = Row(name, start, answered, first_map, payload, files[0], stepping, report, frames)
    context.close()
    return row


def chromium(playwright) -> Browser:
    """Return the first Chromium there is."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = [os.environ.get("CHROMIUM_PATH"), playwright.chromium.executable_path, *map(shutil.which, names)]
    path = next((path for path in found if path and Path(path).exists()), None)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return playwright.chromium.launch(executable_path=path, args=["--disable-gpu", *(["--no-sandbox"] * root)])


def main() -> None:
    """Read the options, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--only", nargs="+", default=list(PAGES), choices=list(PAGES))
    options = parser.parse_args()
    rows = []
    print(HEADER)
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        for name in options.only:
            with tempfile.TemporaryDirectory() as home:
                for start in ("cold", "warm"):
                    with server(Path(home)) as (url, since, answered, _):
                        rows.append(measure(browser, url, name, start, since, answered))
                        print(rows[-1], flush=True)
                        if start == "warm":
                            rows.append(measure(browser, url, name, "second session", time.monotonic(), None))
                            print(rows[-1], flush=True)
        browser.close()
    if options.write:
        RESULTS.write_text("\n".join([INTRO, conditions(), "", HEADER, *map(str, rows), ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
