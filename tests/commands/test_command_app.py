"""``mriinterp app``, from a checkout and from an installed wheel."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from mriinterp.base.scripts import app_script, page_scripts
from mriinterp.cli import main
from mriinterp.commands.app import streamlit_arguments

ROOT = Path(__file__).resolve().parents[2]


def test_a_checkout_starts_its_own_app():
    assert app_script() == ROOT / "app.py"
    assert {path.name for path in page_scripts()} == {path.name for path in (ROOT / "pages").glob("*.py")}
    app = app_script().read_text(encoding="utf-8")
    places = [app.index(f'st.Page("pages/{path.name}"') for path in page_scripts()]
    assert places == sorted(places)


def test_the_command_names_study_port_and_browser(tmp_path):
    study = tmp_path / "my study.toml"
    study.write_text("")
    arguments = streamlit_arguments(str(study), port=8600, browser=False)
    assert arguments[:3] == ["streamlit", "run", str(ROOT / "app.py")]
    assert arguments[3:] == ["--server.port", "8600", "--server.headless", "true", "--", str(study.resolve())]


def test_code_of_studies_is_allowed_by_an_option_alone(tmp_path):
    study = tmp_path / "study.toml"
    study.write_text("")
    assert streamlit_arguments(str(study), code=True)[3:] == ["--", "--allow-code", str(study.resolve())]
    assert streamlit_arguments(code=True)[3:] == ["--", "--allow-code"]
    assert "--allow-code" not in streamlit_arguments(str(study))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["study.csv"], "expected a study file"),
        (["nowhere.toml"], "no such file"),
        (["--port", "99999"], "expected a port"),
    ],
)
def test_wrong_usage_starts_nothing(arguments, words, capsys):
    assert main(["app", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout, built without the network."""
    pytest.importorskip("setuptools", reason="setuptools is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "node_modules")
    for name in ("mriinterp", "pages", ".streamlit"):
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("app.py", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(source),
    ]
    subprocess.run(command, check=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.slow
class TestTheWheel:
    def test_it_holds_the_app(self, wheel):
        names = set(zipfile.ZipFile(wheel).namelist())
        scripts = {name.removeprefix("mriinterp/ui/scripts/") for name in names if "/ui/scripts/" in name}
        pages = {f"pages/{path.name}" for path in (ROOT / "pages").glob("*.py")}
        assert scripts == {"app.py", ".streamlit/config.toml", *pages}
        assert "mriinterp/py.typed" in names
        assert not [name for name in names if "node_modules" in name or name.startswith(("tests", "docs", "pages"))]

    def test_the_installed_app_answers(self, wheel, tmp_path):
        """Installed elsewhere; the requirements are those of the tests' own environment."""
        home = tmp_path / "env"
        venv.create(home, with_pip=False)
        (site,) = home.rglob("site-packages")
        zipfile.ZipFile(wheel).extractall(site)
        packages = next(path for path in sys.path if path.endswith("site-packages"))
        (site / "requirements.pth").write_text(packages)
        python = next(path for path in (home / "bin" / "python", home / "Scripts" / "python.exe") if path.exists())
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment["MRIINTERP_HOME"] = str(tmp_path / "home")
        command = [str(python), "-m", "mriinterp", "app", "--no-browser", "--port", "8719"]
        server = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        answered = _answers("http://localhost:8719/_stcore/health", 90)
        server.terminate()
        output = server.communicate(timeout=30)[0].decode(errors="replace")
        assert answered, output
        assert "Traceback" not in output


def _answers(address: str, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                return answer.status == 200
        except OSError:
            time.sleep(0.5)
    return False
