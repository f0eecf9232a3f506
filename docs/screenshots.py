"""Pictures of every page, light and dark, 1280 and 1920 pixels wide.

    python docs/screenshots.py                       # all, into docs/screenshots/
    python docs/screenshots.py --only compare --widths 1280 --themes dark --tall
    python docs/screenshots.py --readme              # the few that the README shows

The app is started on a free port and ended again; `--url` uses a running one.
Needs Playwright and a Chromium (requirements-dev.txt).
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
HOME_PAGE = "single_scan"
# What is worth showing of a page: name of the picture, page, address.
VIEWS = {
    "single_scan": (HOME_PAGE, "subject=sim-003"),
    "single_scan_space": (HOME_PAGE, "subject=sim-003"),
    "single_scan_areas": (HOME_PAGE, "subject=sim-003"),
    "compare": ("compare", "subject=sim-003"),
    "compare_pair": ("compare", "subject=sim-003&show=pair&a=1&b=3"),
    "compare_areas": ("compare", "subject=sim-003"),
    "compare_subjects": ("compare", "by=subjects&subjects=sim-001,sim-002&method=sensitivity&target=AD&scale=common"),
}
BELOW = {"compare_areas": ".js-plotly-plot"}
TABS = {"single_scan_space": "In space", "single_scan_areas": "Areas"}
# Pictures of the README: file, view, width, theme.
README = (
    ("single_scan", "single_scan", 1280, "light"),
    ("space", "single_scan_space", 1280, "dark"),
    ("compare", "compare", 1280, "light"),
    ("compare_areas", "compare_areas", 1280, "light"),
)
HEIGHTS = {1280: 800, 1920: 1080}
FIRST_MAP_SECONDS = 300
# True when for two seconds no bar, no spinner and no skeleton was shown and no script ran.
QUIET = """() => {
  const busy = document.querySelector(
    '[data-testid=stProgress], [data-testid=stSpinner], [data-testid=stSkeleton], [data-test-script-state=running]');
  if (busy || !document.querySelector('h1')) window.quietSince = null;
  else window.quietSince ??= performance.now();
  return window.quietSince !== null && performance.now() - window.quietSince > 2000;
}"""


@contextmanager
def running_app() -> Iterator[str]:
    """The app on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                time.sleep(0.3)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def chromium_path(bundled: str) -> str | None:
    """The first Chromium there is."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = [os.environ.get("CHROMIUM_PATH"), bundled, *map(shutil.which, names)]
    return next((path for path in found if path and Path(path).exists()), None)


def wait_until_drawn(page: Page) -> None:
    """Until no work goes on and nothing on the page changes any more."""
    page.locator("[data-testid=stMainBlockContainer] h1").wait_for(timeout=1000 * FIRST_MAP_SECONDS)
    page.wait_for_function(QUIET, timeout=1000 * FIRST_MAP_SECONDS)
    page.wait_for_timeout(1000)  # figures and planes draw themselves after the last message


def take(browser: Browser, url: str, name: str, width: int, theme: str, file: Path, tall: bool = False) -> Path:
    """One picture of a view."""
    page_name, address = VIEWS.get(name, (name, ""))
    size = {"width": width, "height": 1900 if tall else HEIGHTS.get(width, 900)}
    context = browser.new_context(viewport=size, color_scheme=theme)
    page = context.new_page()
    path = "" if page_name == HOME_PAGE else page_name
    page.goto(f"{url}/{path}?{address}", timeout=120_000)
    wait_until_drawn(page)
    if name in TABS:
        tab = page.get_by_role("tab", name=TABS[name])
        tab.click()
        wait_until_drawn(page)
        tab.evaluate("(tab) => tab.scrollIntoView({ block: 'start' })")
    if name in BELOW:
        page.locator(BELOW[name]).last.scroll_into_view_if_needed()
        page.wait_for_timeout(1000)
    page.screenshot(path=file)
    context.close()
    return file


def main() -> None:
    """Read the options, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    pages = [path.stem for path in sorted((ROOT / "pages").glob("*.py"))]
    known = [*VIEWS, *(name for name in pages if name not in VIEWS)]
    parser.add_argument("--only", nargs="+", default=known, choices=known)
    parser.add_argument("--themes", nargs="+", default=["light", "dark"], choices=["light", "dark"])
    parser.add_argument("--widths", nargs="+", type=int, default=[1280, 1920])
    parser.add_argument("--tall", action="store_true", help="more than the first screen")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--readme", action="store_true", help="only the pictures of the README")
    parser.add_argument("--url", help="of a running app")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    def shoot(url: str) -> None:
        with sync_playwright() as playwright:
            args = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
            args += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
            browser = playwright.chromium.launch(
                executable_path=chromium_path(playwright.chromium.executable_path), args=args
            )
            tall = "_tall" if options.tall else ""
            wanted = [
                (f"{name}_{theme}_{width}{tall}", name, width, theme)
                for name in options.only
                for width in options.widths
                for theme in options.themes
            ]
            for stem, name, width, theme in README if options.readme else wanted:
                print(take(browser, url, name, width, theme, options.out / f"{stem}.png", options.tall), flush=True)
            browser.close()

    if options.url:
        shoot(options.url)
    else:
        with running_app() as url:
            shoot(url)


if __name__ == "__main__":
    main()
