"""Pictures of every page, light and dark, 1280 and 1920 pixels wide.

    python docs/screenshots.py --out pictures                 # all views
    python docs/screenshots.py --only compare cohort --widths 1280 --themes dark --tall
    python docs/screenshots.py --readme                       # the few that the README shows, into docs/screenshots/

The app is started on a free port with a home folder of its own, so that no
path of this computer is in a picture, and ended again. Results of the demo
cohort are computed there first (some minutes); ``--home FOLDER`` keeps them
for the next time. Needs Playwright and a Chromium (requirements-dev.txt).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

ROOT = Path(__file__).resolve().parents[1]
FIRST_MAP_SECONDS = 300
HEIGHTS = {1280: 800, 1920: 1080}
README_BYTES = 310_000
SHEET_COLUMNS, SHEET_ROWS, SHEET_CELL = 3, 4, (640, 416)
PAPER_FIVE = "sensitivity,guided_backprop,occlusion,area_occlusion,grad_cam"
TO_TOP = "(tab) => { tab.style.scrollMarginTop = '80px'; tab.scrollIntoView({ block: 'start' }); }"  # below the header
# True when for two seconds no bar, no spinner and no skeleton was shown and no script ran.
QUIET = """() => {
  const busy = document.querySelector(
    '[data-testid=stProgress], [data-testid=stSpinner], [data-testid=stSkeleton], [data-test-script-state=running]');
  if (busy || !document.querySelector('h1')) window.quietSince = null;
  else window.quietSince ??= performance.now();
  return window.quietSince !== null && performance.now() - window.quietSince > 2000;
}"""


def wait_until_drawn(page: Page) -> None:
    """Until no work goes on and nothing on the page changes any more."""
    page.locator("[data-testid=stMainBlockContainer] h1").wait_for(timeout=1000 * FIRST_MAP_SECONDS)
    page.wait_for_function(QUIET, timeout=1000 * FIRST_MAP_SECONDS)
    page.wait_for_timeout(1000)  # figures and planes draw themselves after the last message


def tab(name: str) -> Callable[[Page, Path], None]:
    """Open a tab and bring it to the top."""

    def act(page: Page, scans: Path) -> None:
        one = page.get_by_role("tab", name=name, exact=True)
        one.click()
        wait_until_drawn(page)
        one.evaluate(TO_TOP)

    return act


def last_chart(page: Page, scans: Path) -> None:
    """Scroll to the last figure."""
    page.locator(".js-plotly-plot").last.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)


def other_stride(page: Page, scans: Path) -> None:
    """Choose a stride whose map takes long, and is asked for before it is made."""
    field = page.get_by_role("spinbutton", name="Stride (voxels)")
    field.fill("2")
    field.press("Enter")
    page.get_by_text("not known yet").wait_for()


def upload(name: str) -> Callable[[Page, Path], None]:
    """Give the page a scan of one's own, and have it explained if it is fit."""

    def act(page: Page, scans: Path) -> None:
        page.get_by_text("Explain my own scan").click()
        field = page.locator("[data-testid=stFileUploaderDropzoneInput]")
        field.wait_for(state="attached")
        field.set_input_files(str(scans / name))
        wait_until_drawn(page)
        button = page.get_by_role("button", name="Explain", exact=True)
        if button.count():
            button.click()
            page.wait_for_timeout(2000)

    return act


def sidebar_foot(page: Page, scans: Path) -> None:
    """Scroll the sidebar to its foot."""
    page.get_by_test_id("stSidebarContent").evaluate("(side) => { side.scrollTop = side.scrollHeight; }")
    page.wait_for_timeout(500)


def voxel_test(page: Page, scans: Path) -> None:
    """Test every voxel with few permutations."""
    field = page.get_by_role("spinbutton", name="Permutations")
    field.fill("99")
    field.press("Enter")
    wait_until_drawn(page)
    page.get_by_role("button", name="Test every voxel").click()
    page.wait_for_timeout(2000)
    wait_until_drawn(page)
    page.get_by_role("tab", name="Voxels", exact=True).evaluate(TO_TOP)


@dataclass(frozen=True)
class View:
    """What is worth showing of a page.

    Parameters
    ----------
    page : str
        ``""`` is the first page.
    address : str
    act : callable, optional
        ``act(page, folder of scans)``, before the picture is taken.
    """

    page: str
    address: str = ""
    act: Callable[[Page, Path], None] | None = None


ONE = "subject=sim-003"
FINE = f"{ONE}&occlusion.size=30&occlusion.stride=15&occlusion.placement=interpolated"
VIEWS = {
    "single_scan": View("", ONE),
    "single_scan_fine": View("", FINE),
    "single_scan_mosaic": View("", f"{ONE}&method=layer_cam&view=mosaic"),
    "single_scan_areas": View("", ONE, tab("Areas")),
    "single_scan_space": View("", FINE, tab("In space")),
    "single_scan_files": View("", ONE, tab("Files")),
    "single_scan_not_yet": View("", ONE, other_stride),
    "single_scan_presented": View("", f"{ONE}&present=True"),
    "single_scan_sidebar": View("", f"{ONE}&method=integrated_gradients", sidebar_foot),
    "upload_good": View("", f"{ONE}&method=sensitivity", upload("my_scan.nii.gz")),
    "upload_upside_down": View("", f"{ONE}&method=sensitivity", upload("upside_down.nii.gz")),
    "upload_cut_off": View("", f"{ONE}&method=sensitivity", upload("cut_off.nii.gz")),
    "compare": View("compare", ONE),
    "compare_pair": View("compare", f"{ONE}&show=pair&a=1&b=3"),
    "compare_areas": View("compare", ONE, last_chart),
    "compare_subjects": View(
        "compare", "by=subjects&subjects=sim-001,sim-002&method=sensitivity&target=AD&scale=common"
    ),
    "compare_networks": View("compare", f"by=networks&{ONE}&method=sensitivity"),
    "cohort": View("cohort"),
    "cohort_difference": View("cohort", "cohort_method=guided_backprop&maps=difference,effect"),
    **{
        f"cohort_{name.lower()}": View("cohort", "", tab(name))
        for name in ("Areas", "Distances", "Numbers", "Scans", "Voxels", "Files")
    },
    "cohort_tested": View("cohort", "part=Voxels", voxel_test),
    "cohort_compute": View("cohort", "compute=True"),
    "trust": View("trust", ONE),
    **{
        f"trust_{name.lower().replace(' ', '_')}": View("trust", ONE, tab(name))
        for name in ("All methods", "This method", "Each measure", "Null maps", "Shortcuts", "Why Grad-CAM failed", "Help")
    },
    "train": View("train"),
    "network": View("network"),
}  # fmt: skip
OTHER_VIEWS = {  # of a study file, which nothing has measured yet
    f"other_{name}": View(page) for name, page in (
        ("single_scan", ""), ("compare", "compare"), ("cohort", "cohort"), ("trust", "trust"), ("network", "network"), ("train", "train"),
    )
}  # fmt: skip
# Pictures of the README: file, view, width, height, theme.
README = (
    ("single_scan", "single_scan_fine", 1280, 800, "light"),
    ("space", "single_scan_space", 1280, 800, "dark"),
    ("compare", "compare", 1280, 1240, "light"),
    ("cohort", "cohort", 1280, 1100, "dark"),
)


def environment(home: Path) -> dict[str, str]:
    """For a program that keeps everything in this home: pages then show paths as ``~/…``."""
    return {**os.environ, "HOME": str(home), "USERPROFILE": str(home), "MRIINTERP_HOME": str(home / "mriinterp")}


@contextmanager
def running_app(home: Path) -> Iterator[str]:
    """The app on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), *options]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
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
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def compute_cohort(home: Path) -> None:
    """Results of the demo cohort where the page looks for them; what is there is kept."""
    out = home / "mriinterp" / "cohorts" / "demo"
    if not (out / "run.json").is_file():
        command = [sys.executable, "-m", "mriinterp", "cohort", "demo", "--methods", PAPER_FIVE, "--out", str(out)]
        subprocess.run(command, cwd=ROOT, env=environment(home), check=True)


def remember_study(home: Path, file: Path) -> None:
    """Have the app know a study file, as if it had been opened before."""
    known = home / "mriinterp" / "studies.json"
    known.parent.mkdir(parents=True, exist_ok=True)
    known.write_text(json.dumps([str(file)]), encoding="utf-8")


def make_scans(folder: Path) -> None:
    """A scan as a reader may upload it, and two that are unfit."""
    sys.path.insert(0, str(ROOT))
    from mriinterp.image.write import write_volume
    from mriinterp.study import load_study

    scan = load_study("demo").scan("sim-007")
    whole = write_volume(scan, folder / "my_scan.nii.gz").read_bytes()
    (folder / "cut_off.nii.gz").write_bytes(whole[: len(whole) // 3])
    write_volume(scan.with_data(np.ascontiguousarray(scan.data[:, :, ::-1])), folder / "upside_down.nii.gz")


def chromium_path(bundled: str) -> str | None:
    """The first Chromium there is."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = [os.environ.get("CHROMIUM_PATH"), bundled, *map(shutil.which, names)]
    return next((path for path in found if path and Path(path).exists()), None)


@dataclass(frozen=True)
class Shot:
    """One picture: name of the file without its ending, view, size of the window, theme."""

    stem: str
    view: str
    width: int
    height: int
    theme: str


def take(browser: Browser, address: str, view: View, shots: list[Shot], scans: Path, tall: bool) -> Iterator[bytes]:
    """Pictures of a view that is opened once, as PNG; `tall`: of the whole page, not of the first screen.

    Raises
    ------
    RuntimeError
        If the page fails, or shows a path of this computer.
    """
    first = shots[0]
    context = browser.new_context(viewport={"width": first.width, "height": first.height}, color_scheme=first.theme)
    try:
        page = context.new_page()
        page.goto(address, timeout=120_000)
        wait_until_drawn(page)
        if page.get_by_test_id("stException").count():
            raise RuntimeError(f"{page.url} fails: see the app's log")
        if view.act is not None:
            view.act(page, scans)
            wait_until_drawn(page)
        for shot in shots:
            page.emulate_media(color_scheme=shot.theme)
            height = shot.height
            page.set_viewport_size({"width": shot.width, "height": height})
            if shot is not first:
                wait_until_drawn(page)
            if tall:
                height = page.evaluate(
                    "() => Math.max(...['stMain', 'stSidebarContent'].map("
                    "(id) => document.querySelector(`[data-testid=${id}]`)?.scrollHeight ?? 0))"
                )
                page.set_viewport_size({"width": shot.width, "height": min(6000, height + 8)})
                wait_until_drawn(page)
            if private := re.search(
                rf"{re.escape(str(Path.home()))}/\S*|{re.escape(str(ROOT))}\S*", page.inner_text("body")
            ):
                raise RuntimeError(f"the picture of {view.page or 'the first page'} would show {private.group()}")
            yield page.screenshot()
    finally:
        context.close()


def small(png: bytes) -> bytes:
    """The picture in few bytes: in steps of brightness that are invisible, as scans are noise, which compresses badly."""
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.float32)
    for step in (1, 2, 4, 6, 8):
        stream = io.BytesIO()
        Image.fromarray(np.clip(np.rint(picture / step) * step, 0, 255).astype(np.uint8)).save(
            stream, "PNG", optimize=True
        )
        if stream.tell() < README_BYTES:
            break
    return stream.getvalue()


def contact_sheets(files: list[Path], out: Path) -> None:
    """All pictures small, twelve on a sheet, with their names."""
    for number, start in enumerate(range(0, len(files), SHEET_COLUMNS * SHEET_ROWS), 1):
        some = files[start : start + SHEET_COLUMNS * SHEET_ROWS]
        sheet = Image.new("RGB", (SHEET_COLUMNS * SHEET_CELL[0], SHEET_ROWS * SHEET_CELL[1]), "gray")
        pen = ImageDraw.Draw(sheet)
        for place, file in enumerate(some):
            x, y = (place % SHEET_COLUMNS) * SHEET_CELL[0], (place // SHEET_COLUMNS) * SHEET_CELL[1]
            picture = Image.open(file).convert("RGB")
            picture.thumbnail((SHEET_CELL[0] - 6, SHEET_CELL[1] - 20))
            sheet.paste(picture, (x + 3, y + 16))
            pen.text((x + 4, y + 2), file.stem, fill="white")
        sheet.save(out / f"sheet_{number:02d}.png")


def shoot(options: argparse.Namespace, url: str, scans: Path) -> None:
    """All pictures that were asked for."""
    tall = "_tall" if options.tall else ""
    wanted = [
        Shot(f"{name}_{theme}_{width}{tall}", name, width, HEIGHTS.get(width, 900), theme)
        for name in options.only
        for width in options.widths
        for theme in options.themes
    ]
    if options.readme:
        wanted = [Shot(*one) for one in README if one[1] in options.only]
    files = []
    with sync_playwright() as playwright:
        args = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        args += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path=chromium_path(playwright.chromium.executable_path), args=args
        )
        for name in dict.fromkeys(shot.view for shot in wanted):
            shots = [shot for shot in wanted if shot.view == name]
            view = {**VIEWS, **OTHER_VIEWS}[name]
            study = f"study={quote(str(options.study))}" if name in OTHER_VIEWS else ""
            address = f"{url}/{view.page}?{'&'.join(filter(None, (study, view.address)))}"
            try:
                for shot, png in zip(shots, take(browser, address, view, shots, scans, options.tall), strict=False):
                    file = options.out / f"{shot.stem}.png"
                    file.write_bytes(small(png) if options.readme else png)
                    print(f"{file} {file.stat().st_size // 1000} kB", flush=True)
                    files.append(file)
            except (RuntimeError, PlaywrightError) as error:
                print(f"{name}: {error}", file=sys.stderr, flush=True)
        browser.close()
    if options.sheets:
        contact_sheets(files, options.out)


def main() -> None:
    """Read the options, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=[*VIEWS, *OTHER_VIEWS])
    parser.add_argument("--themes", nargs="+", default=["light", "dark"], choices=["light", "dark"])
    parser.add_argument("--widths", nargs="+", type=int, default=[1280, 1920])
    parser.add_argument("--tall", action="store_true", help="whole pages, not the first screen")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument(
        "--readme", action="store_true", help="only the pictures of the README (of the views in --only)"
    )
    parser.add_argument("--home", type=Path, help="folder for results, kept; default: a temporary one")
    parser.add_argument("--url", help="of a running app")
    parser.add_argument("--study", type=Path, help="study file whose pages are shown, too")
    parser.add_argument("--sheets", action="store_true", help="contact sheets of all pictures, too")
    options = parser.parse_args()
    options.only = options.only or [*VIEWS, *(OTHER_VIEWS if options.study else ())]
    options.out.mkdir(parents=True, exist_ok=True)
    names = [view for _, view, *_ in README if view in options.only] if options.readme else options.only
    with tempfile.TemporaryDirectory() as temporary:
        home, scans = (options.home or Path(temporary) / "home").resolve(), Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        if options.study:
            remember_study(home, options.study.resolve())
        if any(name.startswith("upload") for name in names):
            make_scans(scans)
        if not options.url and "cohort_tested" in names:
            compute_cohort(home)
        with nullcontext(options.url) if options.url else running_app(home) as url:
            shoot(options, url, scans)


if __name__ == "__main__":
    main()
