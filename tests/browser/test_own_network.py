"""A lab opens its own network: refused, started with the command of the page, shown, agreed to, explained, asked again."""

import shlex

import pytest
from cohort.conftest import make_study

pytestmark = pytest.mark.browser

AGREE = "I trust this code: run it"
VIEWER = ".mriinterp-viewer[data-ready=true]"
WAIT_MS = 120_000


@pytest.fixture
def study(tmp_path):
    """A study whose network imports from a file beside it; both leave a trace when they run."""
    file = make_study(tmp_path / "our lab's study", per_group=2, title="Our network")
    net = file.parent / "net.py"
    trace = "open(__file__ + '.ran', 'a').close()\n"
    net.write_text(f"import blocks\n{trace}" + net.read_text(encoding="utf-8"), encoding="utf-8")
    (file.parent / "blocks.py").write_text(f"{trace}# <script>document.title = 'escaped?'</script>\n", encoding="utf-8")
    return file


def traces(study):
    return sorted(path.name for path in study.parent.glob("*.ran"))


def test_from_a_refusal_to_a_map_and_to_the_next_question(serve, page, study, tmp_path):
    from browser.conftest import ROOT

    home = {"MRIINTERP_HOME": str(tmp_path / "home")}
    page.goto(serve(ROOT / "app.py", str(study), **home))
    page.get_by_text("this server runs no code of studies").wait_for(timeout=WAIT_MS)
    command = shlex.split(page.get_by_test_id("stCode").inner_text())
    assert command == ["streamlit", "run", "app.py", "--", "--allow-code", str(study)]
    assert traces(study) == []

    url = serve(ROOT / "app.py", *command[command.index("--") + 1 :], **home)
    page.goto(f"{url}/?agree_to_code=True&allow_code=True")
    page.get_by_role("button", name=AGREE).wait_for(timeout=WAIT_MS)
    page.get_by_text("document.title = 'escaped?'").wait_for()
    assert page.title() != "escaped?"
    assert traces(study) == []

    page.get_by_role("button", name=AGREE).click()
    page.locator(VIEWER).wait_for(timeout=WAIT_MS)
    assert traces(study) == ["blocks.py.ran", "net.py.ran"]
    page.get_by_text("network says").wait_for()

    for path in study.parent.glob("*.ran"):
        path.unlink()
    with (study.parent / "blocks.py").open("a", encoding="utf-8") as stream:
        stream.write("CHANGED = True\n")
    page.reload()
    page.get_by_text("has changed since it was agreed to").wait_for(timeout=WAIT_MS)
    page.get_by_text("CHANGED = True").wait_for()
    assert traces(study) == []
