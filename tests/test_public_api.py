"""The public names of the package."""

import subprocess
import sys
from pathlib import Path

import pytest

import mriinterp

ROOT = Path(__file__).resolve().parents[1]

PROMISED = {
    "area_table", "explain", "heatmap_distance", "load_atlas", "load_model", "load_study", "method_names", "prepare_scan",
    "read_volume", "relevance", "run_cohort", "write_volume",
}  # fmt: skip


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_promised_names_are_public():
    assert PROMISED <= set(mriinterp.__all__) <= set(dir(mriinterp))


@pytest.mark.parametrize("name", mriinterp.__all__)
def test_each_name_is_there_and_knows_its_home(name):
    found = getattr(mriinterp, name)
    assert callable(found)
    assert found.__name__ == name
    assert found.__doc__


def test_importing_loads_neither_torch_nor_streamlit():
    run("import sys, mriinterp; dir(mriinterp); sys.exit(bool({'torch', 'streamlit', 'pandas'} & sys.modules.keys()))")


@pytest.mark.parametrize(
    "first", ["import mriinterp.explain", "from mriinterp.explain import RelevanceMap", "import mriinterp.cohort"]
)
def test_explain_is_the_function_whatever_was_imported_first(first):
    run(
        f"{first}\nfrom mriinterp import explain\nimport mriinterp\nassert callable(explain) is callable(mriinterp.explain)"
    )


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'explian'"):
        _ = mriinterp.explian


def test_the_type_information_is_shipped():
    assert (ROOT / "mriinterp" / "py.typed").is_file()
