"""A training started in a browser that is closed: another one finds it, and uses the network."""

from urllib.parse import quote

import pytest
from crossval.conftest import make_cohort

from mriinterp.study import consent, load_study

from .conftest import ROOT

pytestmark = pytest.mark.browser

LONG_MS = 240_000  # on a machine that runs other tests beside this one


@pytest.fixture
def address(serve, tmp_path_factory, monkeypatch):
    """The page on a tiny study, whose code was agreed to, in an app of its own."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("MRIINTERP_HOME", str(home))
    file = make_cohort(tmp_path_factory.mktemp("study"), patients=12)
    consent.agree(load_study(file).model_recipe.python().digest, file)
    url = serve(ROOT / "app.py", "--allow-code", str(file), MRIINTERP_HOME=str(home), OMP_NUM_THREADS="1")
    return f"{url}/train?study={quote(str(file))}&n_folds=2&epochs=3"


def test_a_training_outlives_the_browser_that_started_it(new_page, address):
    page = new_page()
    page.goto(address)
    start = page.get_by_role("button", name="Start training")
    page.get_by_text("Takes at most").wait_for(timeout=LONG_MS)
    start.click()
    page.get_by_role("button", name="Stop").wait_for(timeout=LONG_MS)
    page.close()
    other = new_page(color_scheme="dark")
    other.goto(address)
    use = other.get_by_role("button", name="Use this network")
    use.wait_for(timeout=LONG_MS)
    other.get_by_text("AUC out of fold").wait_for(timeout=LONG_MS)
    other.locator(".js-plotly-plot").first.wait_for(timeout=LONG_MS)
    use.click()
    other.get_by_role("heading", name="Single scan").wait_for(timeout=LONG_MS)
    other.wait_for_function("decodeURIComponent(location.search).includes('networks/study.toml')", timeout=LONG_MS)
