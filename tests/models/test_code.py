"""What a person was shown is what runs: Python files that come with data."""

import hashlib
import importlib
import json
import os
import py_compile
import sys
from pathlib import Path

import pytest
import torch

from models.conftest import SHAPE, small_network
from mriinterp.models import CodeRefused, get_architecture, load_code, load_model, own_architectures, read_code
from mriinterp.models.architecture_registry import architecture_names
from mriinterp.models.imports import MAX_BYTES, MAX_FILES, imported
from mriinterp.models.run_code import run_code

REGISTER = "from mriinterp.models import register_architecture\n"
NET = (
    REGISTER
    + """
from torch import nn
FACTOR = 1

@register_architecture("coded")
class Net(nn.Module):
    factor = FACTOR
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(4, 2)
    def forward(self, x):
        return self.dense(x)
"""
)


@pytest.fixture
def write(tmp_path):
    """write(**{"net.py": "…"}) → the folder they lie in."""

    def write_(files, folder="study"):
        for name, text in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / folder

    return write_


def run(path):
    """Run a file in a block of its own; the module of the network that it registers."""
    with own_architectures():
        run_code(read_code(path))
        return sys.modules[get_architecture("coded").build.__module__]


def names(path):
    return [file.name for file in read_code(path).files]


# ---- what the digest covers


def test_the_digest_of_a_file_is_that_of_its_bytes(write):
    path = write({"net.py": NET}) / "net.py"
    assert read_code(path).digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_files_beside_it_are_covered_at_any_depth(write):
    folder = write(
        {
            "net.py": "import helper\nimport nets.blocks as b\nfrom lab import layers\n\ndef f():\n    import late\n"
            + NET,
            "helper.py": "import deeper\nVALUE = 1",
            "deeper.py": "X = 2",
            "nets/blocks.py": "from .parts import PART",
            "nets/parts.py": "PART = 3",
            "lab/__init__.py": "",
            "lab/layers.py": "",
            "lab/other.py": "",
            "late.py": "LATE = 5",
            "bystander.py": "",
        }
    )
    code = read_code(folder / "net.py")
    covered = [
        "deeper.py",
        "helper.py",
        "lab/__init__.py",
        "lab/layers.py",
        "late.py",
        "nets/blocks.py",
        "nets/parts.py",
    ]
    assert [file.name for file in code.files] == ["net.py", *covered]
    module = run(folder / "net.py")
    assert (module.helper.deeper.X, module.b.PART) == (2, 3)
    module.f()  # an import when the network runs comes from what was read, too
    listed = "".join(f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in ("net.py", *covered))
    assert code.digest == hashlib.sha256(listed.encode()).hexdigest()
    (folder / "nets" / "parts.py").write_text("PART = 4")
    assert read_code(folder / "net.py").digest != code.digest
    (folder / "nets" / "parts.py").write_text("PART = 3")
    (folder / "bystander.py").write_text("changed = True")
    assert read_code(folder / "net.py").digest == code.digest


def test_a_file_that_is_put_beside_it_later_counts(write):
    folder = write({"net.py": "try:\n    import fast\nexcept ImportError:\n    fast = None\n" + NET})
    before = read_code(folder / "net.py")
    assert run(folder / "net.py").fast is None
    write({"fast.py": "STOLEN = True"})
    assert read_code(folder / "net.py").digest != before.digest
    with own_architectures():
        run_code(before)  # what was agreed to before the file was there does not see it
        assert sys.modules[get_architecture("coded").build.__module__].fast is None


def test_a_name_beside_it_goes_before_an_installed_one_and_after_pythons_own(write):
    folder = write(
        {
            "net.py": "import json, yaml_like, numpy\n" + NET,
            "json.py": "1 / 0",
            "yaml_like.py": "",
            "mriinterp/__init__.py": "",
        }
    )
    assert names(folder / "net.py") == ["net.py", "yaml_like.py"]
    assert imported(read_code(folder / "net.py").files[0]) == ["json", "mriinterp", "numpy", "torch", "yaml_like"]


def test_relative_imports_and_imports_in_a_circle(write):
    folder = write(
        {
            "net.py": "SIZE = 3\nfrom .helper import double\nfrom helper import double as again\n" + NET,
            "helper.py": "import net\nfrom . import helper\n\ndef double():\n    return 2 * net.SIZE",
        }
    )
    module = run(folder / "net.py")
    assert module.double is module.again
    assert module.double() == 6


def test_imports_from_above_are_refused(write):
    folder = write({"net.py": "from .. import thing\n" + NET, "../thing.py": ""})
    with pytest.raises(ValueError, match="from above"):
        read_code(folder / "net.py")


# ---- the bytes that were shown are the bytes that run


def test_a_file_that_is_exchanged_after_it_was_read_does_not_run(write):
    folder = write({"net.py": "import helper\n" + NET, "helper.py": "WHO = 'shown'"})
    code = read_code(folder / "net.py")
    (folder / "net.py").write_text("raise SystemExit('exchanged')")
    (folder / "helper.py").write_text("raise SystemExit('exchanged')")
    with own_architectures():
        run_code(code)
        assert sys.modules[get_architecture("coded").build.__module__].helper.WHO == "shown"


@pytest.mark.parametrize("name", ["net.py", "helper.py"])
def test_byte_code_beside_it_never_runs(write, tmp_path, name):
    folder = write({"net.py": "import helper\n" + NET, "helper.py": "WHO = 'shown'\n"})
    hostile = tmp_path / "hostile.py"
    hostile.write_text("raise SystemExit('byte code ran')")
    stat = (folder / name).stat()
    text = (folder / name).read_text()
    for path in (importlib.util.cache_from_source(folder / name), folder / f"{name}c"):
        py_compile.compile(str(hostile), str(path), doraise=True)
        content = bytearray(Path(path).read_bytes())
        content[8:16] = int(stat.st_mtime).to_bytes(4, "little") + len(text).to_bytes(4, "little")  # as of the source
        Path(path).write_bytes(content)
    assert run(folder / "net.py").helper.WHO == "shown"


@pytest.mark.parametrize("codec", ["utf_7", "unicode_escape", "rot13", "latin-1"])
def test_an_encoding_that_the_file_names_does_not_count(write, codec):
    hidden = {"utf_7": "+AAo-WHO = 'hidden'", "unicode_escape": "\\nWHO = 'hidden'"}.get(codec, "")
    folder = write({"net.py": f"# -*- coding: {codec} -*-\nWHO = 'shown'  # {hidden}\n{NET}"})
    assert run(folder / "net.py").WHO == "shown"


def test_what_hides_or_reorders_text_is_shown(write):
    text = "a = 1  # \u202e } \u2066 if\rb = '\x1b[2K\u200b'\x0c\n" + NET
    file = read_code(write({"net.py": text}) / "net.py").files[0]
    shown = file.shown().split("\n")
    assert shown[:2] == ["a = 1  # \\u202e } \\u2066 if", "b = '\\u001b[2K\\u200b'\\u000c"]
    assert file.hidden == (1, 2)
    assert not read_code(write({"plain.py": "größe = 'µm'\n" + NET}) / "plain.py").files[0].hidden


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x = '\xff'", "UTF-8"),
        (b"x = 1\0", "binary"),
        (b"#" * (MAX_BYTES + 1), "at most"),
        (b"def broken(:", "line 1.*SyntaxError"),
        (b"(" * 5000, "Python code that runs"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_it_runs(write, content, words):
    with pytest.raises(ValueError, match=rf"(?s)net\.py.*{words}"):
        read_code(write({"net.py": content}) / "net.py")
    folder = write({"net.py": "import helper\n" + NET, "helper.py": content})
    with pytest.raises(ValueError, match=rf"(?s)helper\.py.*{words}"):
        read_code(folder / "net.py")


def test_too_many_files_are_refused(write):
    files = {f"part{n}.py": "" for n in range(MAX_FILES)}
    folder = write({**files, "net.py": "".join(f"import part{n}\n" for n in range(MAX_FILES)) + NET})
    with pytest.raises(ValueError, match="install them as a package"):
        read_code(folder / "net.py")


def test_files_too_large_together_are_refused(write):
    files = {f"part{n}.py": b"#" * (MAX_BYTES // 3) for n in range(3)}
    folder = write({**files, "net.py": "import part0, part1, part2\n" + NET})
    with pytest.raises(ValueError, match="at most 1024 KB with all files"):
        read_code(folder / "net.py")


def test_links_out_of_the_allowed_folders_are_refused(write, tmp_path):
    folder = write({"net.py": "import helper\n" + NET})
    secret = tmp_path / "secret.py"
    secret.write_text("PASSWORD = 1")
    (folder / "helper.py").symlink_to(secret)

    def allow(path):
        return os.path.realpath(path).startswith(os.path.realpath(folder))

    with pytest.raises(ValueError, match=r"a link that leads out: helper\.py"):
        read_code(folder / "net.py", allow)


def test_what_is_neither_installed_nor_covered_is_refused(write, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "stranger.py").write_text("")
    for line in ("import stranger", "import importlib\nimportlib.import_module('stranger')"):
        folder = write({"net.py": f"import sys\nsys.path.insert(0, {str(elsewhere)!r})\n{line}\n" + NET})
        monkeypatch.setattr(sys, "path", list(sys.path))
        with pytest.raises(ValueError, match=r"stranger from .*elsewhere"):
            run(folder / "net.py")
    folder = write({"net.py": "import importlib\nimportlib.import_module('hel' + 'per')\n" + NET, "helper.py": ""})
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend("")
    with pytest.raises(ValueError, match=r"beside net\.py and are imported by an import statement"):
        run(folder / "net.py")
    assert importlib.import_module("helper")  # whoever works in that folder may go on so
    del sys.modules["helper"]


def test_a_file_under_a_name_in_unicode(write):
    folder = write({"größe.py": "import ähnlich\n" + NET, "ähnlich.py": "WHO = 1"})
    assert names(folder / "größe.py") == ["größe.py", "ähnlich.py"]
    assert run(folder / "größe.py").ähnlich.WHO == 1


# ---- permission


def test_leave_for_one_digest_is_no_leave_for_another(write):
    path = write({"net.py": NET}) / "net.py"
    digest = read_code(path).digest
    with own_architectures():
        for permission in ({digest}, digest, [digest, "other"], True):
            assert load_code(path, trust_code=permission).digest == digest
        for permission in (set(), {digest[:-1] + "x"}, digest + "0", False):
            with pytest.raises(CodeRefused, match=r"permission to run net\.py"):
                load_code(path, trust_code=permission)
        path.write_text(NET + "\n")
        with pytest.raises(CodeRefused, match="new or has changed") as caught:
            load_code(path, trust_code={digest})
    assert caught.value.digest == read_code(path).digest


def test_leave_for_one_program_is_no_leave_for_another(tmp_path):
    digests = []
    for seed in (0, 1):
        program = torch.export.export(small_network(seed=seed), (torch.rand(1, 1, *SHAPE),))
        torch.export.save(program, tmp_path / f"{seed}.pt2")
        digests.append(hashlib.sha256((tmp_path / f"{seed}.pt2").read_bytes()).hexdigest())
    card = {"name": "p", "grid": {"shape": list(SHAPE), "affine": torch.eye(4).tolist()}, "classes": ["a", "b"]}
    card |= {"architecture": "torch.export", "weights": ["0.pt2"]}
    (tmp_path / "card.json").write_text(json.dumps(card))
    assert load_model(tmp_path / "card.json", trust_code={digests[0]}).classes == ("a", "b")
    os.replace(tmp_path / "1.pt2", tmp_path / "0.pt2")
    with pytest.raises(CodeRefused, match=r"permission to open the exported program 0\.pt2"):
        load_model(tmp_path / "card.json", trust_code={digests[0]})


def test_two_files_may_register_the_same_name(write):
    first = write({"net.py": NET}, "one") / "net.py"
    second = write({"net.py": NET.replace("FACTOR = 1", "FACTOR = 2")}, "two") / "net.py"
    factors = [run(path).Net.factor for path in (first, second, first)]
    assert factors == [1, 2, 1]
    assert "coded" not in architecture_names()
    thief = write({"net.py": NET.replace("coded", "ClassificationModel3D")}, "three") / "net.py"
    with pytest.raises(ValueError, match="registered already"):
        run(thief)


def test_a_network_that_needs_other_files_is_exported_and_copied(write):
    folder = write({"net.py": "from helper import scale\n" + NET.replace("self.dense(x)", "scale(self.dense(x))"), "helper.py": """
def scale(x):
    return 2 * x
"""})  # fmt: skip
    module = run(folder / "net.py").Net().eval()
    x = torch.rand(1, 4)
    program = torch.export.export(module, (x,))
    torch.testing.assert_close(program.module()(x), module(x))
    torch.testing.assert_close(torch.fx.symbolic_trace(module)(x), module(x))
