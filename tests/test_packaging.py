"""What the package declares, what the README commands install and what was tested agree."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def requirements(name: str) -> dict[str, Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line.partition("#")[0].strip()) for line in lines if re.match(r"[A-Za-z]", line)]
    names = [canonicalize_name(entry.name) for entry in found]
    assert len(names) == len(set(names)), f"{name} names a package twice"
    return dict(zip(names, found, strict=True))


def declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {canonicalize_name(entry.name): entry for entry in map(Requirement, project["dependencies"])}


def test_the_package_declares_what_the_readme_command_installs():
    listed, wanted = requirements("requirements.txt"), declared()
    assert listed.keys() == wanted.keys()
    torch = listed.pop("torch").specifier, wanted.pop("torch").specifier
    assert {name: entry.specifier for name, entry in listed.items()} == {
        name: entry.specifier for name, entry in wanted.items()
    }
    # One version of PyTorch is installed by the README's command; the package takes any that serves.
    assert str(torch[0]) == "==2.13.0"
    assert torch[1].contains("2.13.0")


def test_each_requirement_has_a_tested_version_within_its_range():
    pins = requirements("constraints.txt")
    for name, entry in requirements("requirements.txt").items():
        assert name in pins, f"constraints.txt has no version of {name}"
        (pin,) = pins[name].specifier
        assert pin.operator == "=="
        assert entry.specifier.contains(pin.version), f"{name}: {pin.version} is not within {entry.specifier}"


def test_the_readme_commands_use_the_constraints():
    assert "-c constraints.txt" in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert "-r requirements.txt" in (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
