"""What ``methods`` and ``models`` tell, and help on every command."""

import json
import subprocess
import sys

import pytest

from mriinterp.cli import build_parser, main
from mriinterp.commands import COMMANDS
from mriinterp.methods import get_method, method_names


@pytest.mark.parametrize("name", method_names())
def test_every_method_is_told_with_its_parameters(name, capsys):
    assert main(["methods", name]) == 0
    said = capsys.readouterr().out
    assert all(f"--set {parameter}=" in said for parameter in get_method(name).parameters)
    assert get_method(name).caution in said


def test_layers_of_a_network_are_listed(capsys):
    assert main(["methods", "layer_cam", "--model", "demo"]) == 0
    assert "layers of demo, the last first: relu:4, Conv_4_bn, Conv_4, " in capsys.readouterr().out
    assert main(["methods", "occlusion", "--model", "demo"]) == 0
    assert "layers" not in capsys.readouterr().out


def test_models_and_their_cards(capsys):
    assert main(["models"]) == 0
    listed = capsys.readouterr().out
    assert "demo" in listed
    assert "ncomms2022" in listed
    shortcut = next(line for line in listed.splitlines() if "demo_confound" in line)
    assert shortcut.endswith("LEARNED A SHORTCUT")
    assert "it decides by the mark" in listed
    assert main(["models", "demo"]) == 0
    assert json.loads(capsys.readouterr().out)["simulated"] is True
    assert main(["models", "nobody"]) == 2


def test_the_list_of_commands_imports_none_of_them():
    code = (
        "import sys; from mriinterp.cli import build_parser; build_parser('').format_help(); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'mriinterp.commands.cohort')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_command_has_help(capsys):
    names = build_parser()._subparsers._group_actions[0].choices
    assert list(names) == list(COMMANDS)
    for name in names:
        with pytest.raises(SystemExit) as stop:
            main([name, "--help"])
        assert stop.value.code == 0
        assert "usage" in capsys.readouterr().out
