"""Put the app's scripts into the package: the wheel holds the same files that a checkout starts."""

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

SCRIPTS = "mriinterp.ui.scripts"


class BuildPy(build_py):
    """Of the root's Python files, take the app alone."""

    def find_package_modules(self, package, package_dir):
        found = super().find_package_modules(package, package_dir)
        return [entry for entry in found if package != SCRIPTS or entry[1] == "app"]


setup(
    packages=[*find_packages(include=["mriinterp*"]), SCRIPTS, f"{SCRIPTS}.pages"],
    package_dir={"mriinterp": "mriinterp", SCRIPTS: ".", f"{SCRIPTS}.pages": "pages"},
    cmdclass={"build_py": BuildPy},
)
