"""From ``streamlit run`` to the first map, map changes and page switches, in seconds and in processor seconds.

``python -m benchmarks.start`` prints three tables; ``--write`` puts them into
``benchmarks/RESULTS_START.md``. Seconds by the clock depend on what else the
machine does; processor seconds much less, and are given for the server and
the browser apart. Needs Playwright, a Chromium and, for processor seconds,
Linux.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.app import FIND, LONGEST_MS, ROOT, all_maps_shown, chromium, server
from benchmarks.machine import conditions

RESULTS = Path(__file__).with_name("RESULTS_START.md")
PAGES = ("Compare", "Cohort", "Trust", "Train", "Network", "Single scan")
METHODS = ("Gradient × input", "Grad-CAM++", "Sensitivity analysis")
READ_MS = 5000  # for which a page is looked at before the next one is opened
ENDED = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
MADE = f"""(name) => {{
  const title = document.querySelector('.st-key-page_header h1');
  return title?.textContent.trim() === name && document.title.includes(name) && {ENDED};
}}"""
DRAWN = f"""(label) => {{
  const viewer = {FIND};
  return viewer?.views.length === 1 && viewer.views[0].map && viewer.views[0].name === label
    && !viewer.spec.dimmed && !viewer.request; // no frame is still to be drawn
}}"""
INTRO = """# Start, map changes and page switches

Made by `python -m benchmarks.start --write`; the median of the repeats, and the least in brackets.

- *cold*: the first start after installation: no result on disk, this package not compiled, no file of the Python
  environment in the page cache (as far as the system lets go of it).
- *warm*: a later start: files in the page cache, the map known.
- *empty*: an app of one line, in place of this one: what Streamlit and the browser take by themselves.
- *server*: until the server answers; *connected*: until the page's script has opened its WebSocket; *first map*: until
  the planes of the first map are drawn; all from `streamlit run`, the browser running already.
- *processor*: seconds of all threads until the first map is drawn, of server and browser; *settled*: of the server
  five seconds later, with what it does ahead.
- *map change*: from choosing another method, whose map is known, until its map is drawn; three times as many.
- *page switch*: from the click on a page's name until its script has ended; *first* in a session and server, *again*;
  each page is looked at for five seconds before the next one.
"""


@dataclass
class Start:
    """One start of the app, seconds."""

    answered: float
    connected: float
    first_map: float
    server: float
    browser: float
    settled: float


def processor_seconds(root: int) -> float:
    """Return the processor seconds of a process and of those that it started; NaN where the system has no /proc."""
    if not Path("/proc/self/stat").exists():
        return float("nan")
    parents, times = {}, {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        number = int(entry.parent.name)
        parents[number], times[number] = int(fields[1]), sum(int(field) for field in fields[11:15])
    found, grown = {root}, True
    while grown:
        more = {number for number, parent in parents.items() if parent in found} - found
        found, grown = found | more, bool(more)
    return sum(times.get(number, 0) for number in found) / os.sysconf("SC_CLK_TCK")


def forget_files() -> None:
    """Remove this package's compiled files, and have the system let go of the environment's files in memory."""
    for folder in ROOT.rglob("__pycache__"):
        shutil.rmtree(folder, ignore_errors=True)
    if not hasattr(os, "posix_fadvise"):
        return
    import streamlit

    for path in Path(streamlit.__file__).parents[1].rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def start(
    browser: Browser, home: Path, then: Callable[[Page], None] | None = None, script: Path | None = None
) -> Start:
    """Start the app, or a script that writes one line, and open its first page; `then` goes on with it."""
    with server(home, *filter(None, [script])) as (url, since, answered, process):
        before = processor_seconds(os.getpid())
        own = time.process_time()
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        connected = []
        page.on("websocket", lambda _: connected.append(time.monotonic() - since))
        page.goto(url, timeout=LONGEST_MS)
        if script is None:
            all_maps_shown(page, 1)
        else:
            page.get_by_text("shown", exact=True).wait_for(timeout=LONGEST_MS)
        first_map = time.monotonic() - since
        spent = processor_seconds(process)
        beside = processor_seconds(os.getpid()) - before - spent - (time.process_time() - own)
        page.wait_for_timeout(5000)
        row = Start(answered, connected[0], first_map, spent, beside, processor_seconds(process))
        if then is not None:
            then(page)
        context.close()
    return row


def start_empty(browser: Browser, home: Path) -> Start:
    """Start an app of one line; its "first map" is that line."""
    script = home / "empty.py"
    script.write_text("import streamlit as st\nst.write('shown')\n", encoding="utf-8")
    return start(browser, home, script=script)


def change_maps(page: Page, times: dict[str, list[float]], repeats: int) -> None:
    """Choose methods in turn, each once to have its map made and then timed."""
    for turn in range(repeats + 1):
        for label in METHODS:
            box = page.get_by_role("combobox", name="Method", exact=True)
            box.click()
            box.fill(label)
            page.get_by_role("option", name=re.compile(f"^{re.escape(label)}")).click(no_wait_after=True)
            began = time.monotonic()
            page.wait_for_function(DRAWN, arg=label, timeout=LONGEST_MS, polling=20)
            if turn:
                times.setdefault(label, []).append(time.monotonic() - began)
            page.wait_for_function(f"() => {ENDED}", timeout=LONGEST_MS)
            page.wait_for_timeout(500)


def switch_pages(page: Page, times: dict[str, list[float]], repeats: int) -> None:
    """Go through all pages by their names at the top."""
    for _ in range(repeats + 1):
        for name in PAGES:
            page.get_by_test_id("stTopNavLink").filter(has_text=name).click(no_wait_after=True)
            began = time.monotonic()
            page.wait_for_function(MADE, arg=name, timeout=LONGEST_MS, polling=20)
            times.setdefault(name, []).append(time.monotonic() - began)
            page.wait_for_timeout(READ_MS)


def middle(values: list[float]) -> str:
    """Return median and least of seconds."""
    return f"{statistics.median(values):.2f} ({min(values):.2f})"


def start_table(rows: dict[str, list[Start]]) -> list[str]:
    """Return the table of starts."""
    lines = ["| start | server | connected | first map | processor, server | processor, browser | settled, server |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, starts in rows.items():
        columns = zip(*(vars(one).values() for one in starts), strict=True)
        lines.append(f"| {name} | " + " | ".join(middle(list(column)) for column in columns) + " |")
    return lines


def main() -> None:
    """Read the options, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=["empty", "cold", "warm", "changes", "pages"])
    options = parser.parse_args()
    starts: dict[str, list[Start]] = {}
    changes: dict[str, list[float]] = {}
    pages: dict[str, list[float]] = {}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as kept:
        browser = chromium(playwright)
        for _ in range(options.repeats if "empty" in options.only else 0):
            starts.setdefault("empty", []).append(start_empty(browser, Path(kept)))
        for _ in range(options.repeats if "cold" in options.only else 0):
            with tempfile.TemporaryDirectory() as home:
                forget_files()
                starts.setdefault("cold", []).append(start(browser, Path(home)))
        start(browser, Path(kept))
        for _ in range(options.repeats if "warm" in options.only else 0):
            starts.setdefault("warm", []).append(start(browser, Path(kept)))
        if "changes" in options.only:
            start(browser, Path(kept), lambda page: change_maps(page, changes, 3 * options.repeats))
        if "pages" in options.only:
            start(browser, Path(kept), lambda page: switch_pages(page, pages, options.repeats))
        browser.close()
    lines = start_table(starts) if starts else []
    if changes:
        lines += ["", "| map change to | seconds |", "| --- | ---: |"]
        lines += [f"| {name} | {middle(values)} |" for name, values in changes.items()]
    if pages:
        lines += ["", "| page switch to | first (s) | again (s) |", "| --- | ---: | ---: |"]
        lines += [f"| {name} | {values[0]:.2f} | {middle(values[1:])} |" for name, values in pages.items()]
    about = conditions()
    print("\n".join([about, "", *lines]))
    if options.write:
        RESULTS.write_text("\n".join([INTRO, about, "", *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
