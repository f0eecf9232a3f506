"""The viewer's JavaScript: its own tests, its lint, and the bundle that is shipped."""

import base64
import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.ui.viewer.reference import FILE, reference

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "mriinterp" / "ui" / "viewer"
NODE_MAJOR = 20


def _run(*command):
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def node():
    path = shutil.which("node")
    if path is None:
        pytest.skip("node is not installed; only changes of the viewer's JavaScript need it")
    version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
    if int(re.match(r"v(\d+)", version).group(1)) < NODE_MAJOR:
        pytest.skip(f"expected node {NODE_MAJOR} or later, got {version.strip()}")
    return path


def _tool(*parts):
    file = PROJECT.joinpath("node_modules", *parts)
    if not file.exists():
        pytest.skip(f"{parts[0]} is not installed: npm ci in {PROJECT.relative_to(ROOT).as_posix()}")
    return file


def test_modules_pass_their_own_tests(node):
    told = _run(node, "--test", *map(str, sorted(FILE.parent.glob("*.test.mjs"))))
    assert int(re.search(r"pass (\d+)", told).group(1)) > 60


def test_modules_pass_the_lint(node):
    eslint = _tool("eslint", "bin", "eslint.js")
    folders = [str(PROJECT), str(FILE.parent)]
    done = subprocess.run(
        [node, eslint, "--max-warnings", "0", "--config", PROJECT / "eslint.config.js", *folders],
        cwd=ROOT, capture_output=True, encoding="utf-8", timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_bundle_is_made_of_the_modules(node, tmp_path):
    _tool("esbuild", "package.json")
    _run(node, "build.js", str(tmp_path))
    shipped = {file.name: file.read_text(encoding="utf-8") for file in (PROJECT / "bundle").iterdir()}
    built = {file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    assert shipped.keys() == built.keys()
    assert all(shipped[name] == built[name] for name in built), "npm run build, and commit the bundle"


def _unpacked(message):
    return gzip.decompress(base64.b64decode(message)[32:])


def _differences(known, now, where):
    """Places where reference values differ; messages are unpacked, as compressors differ."""
    if isinstance(now, dict) and isinstance(known, dict) and known.keys() == now.keys():
        return [place for key in now for place in _differences(known[key], now[key], f"{where}.{key}")]
    if isinstance(now, list) and isinstance(known, list) and len(known) == len(now):
        return [
            place
            for n, pair in enumerate(zip(known, now, strict=True))
            for place in _differences(*pair, f"{where}.{n}")
        ]
    if where.endswith(".message"):
        return [] if _unpacked(known) == _unpacked(now) else [where]
    if isinstance(now, float):
        return [] if known == pytest.approx(now, rel=1e-9, abs=1e-9) else [where]
    return [] if known == now else [where]


def test_reference_values_are_up_to_date():
    known = json.loads(FILE.read_text(encoding="utf-8"))
    assert not _differences(known, reference(), "reference"), "python -m tests.ui.viewer.reference"


def test_development_packages_are_pinned_without_addresses():
    package = json.loads((PROJECT / "package.json").read_text(encoding="utf-8"))
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    lock = json.loads((PROJECT / "package-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"][""]["devDependencies"] == package["devDependencies"]
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
