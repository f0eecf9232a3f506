"""Docstrings begin with a verb, and private words stay out of code, pages and documents (docs/glossary.md)."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("mriinterp", "pages", "benchmarks", "docs")
SUFFIXES = {".py", ".md", ".js", ".css", ".html", ".toml"}
LEFT_OUT = {"node_modules", "bundle"}  # what others wrote, and what is built from files that are read here

VERBS = """
    Add Annotate Answer Apply Ask Average Blur Break Bring Build Call Cancel Check Choose Claim Clear Close Collect Compare
    Complete Compute Connect Convert Correlate Convolve Copy Count Cut Decode Decorator: Describe Download Draw Drop Encode End
    Escape Estimate Explain Fetch Fill Find Fit Fold Forget Fuse Gather Give Go Hold Interpolate Join Judge Keep Leave Let
    Link List Load Make Map Mark Match Measure Move Name Note Offer Open Order Pack Parse Pass Pick Plan Predict Prepare
    Print Put Raise Rank Read Record Refuse Register Release Remember Remove Replace Report Resample Return Run Save Scale Send
    Set Share Shift Show Simulate Sort Split Start State Stop Store Swap Take Test Time Train Treat Try Turn Unpack Use
    Wait Warn Warp Watch Widen Withdraw Write Yield
""".split()  # noqa: SIM905 (a list of a hundred lines reads worse)

BANNED = {
    "told": "shown, known, stated",
    "goodwill": "untrusted",
    "nobody": "no one, or what is unknown",
    "somebody": "a reader, a user",
    "anybody": "a reader, a user",
    "everybody": "all users, all subjects",
    "crew": "workers",
    "suspects?": "candidates",
    "lend|lent|lends": "working copy",
    "sisters?": "replicates",
    "owes?": "depends on",
    "traps?|trapped": "shortcut",
    "leave (?:to (?:run|open)|back)|(?:gives?|without) leave|leave for": "permission",
    "honest|honesty": "packaged, without the shortcut",
}
EARLIER = {  # names of earlier versions, which are read
    "traps?|trapped": {
        "mriinterp/commands/trust.py",
        "mriinterp/models/card.py",
        "mriinterp/trust/shortcut_results.py",
    }
}
# "control" means a healthy person, in a page's own tools a button; a map without a network is a null map.
CONTROL_MAP = re.compile(r"\bcontrol[_ ]maps?\b|\bcontrols\b.*\bnetwork\b|beats (all|no) controls?\b", re.IGNORECASE)


def read_files():
    for path in (*ROOT.glob("*.md"), *ROOT.glob("app.py"), *(p for f in FOLDERS for p in (ROOT / f).rglob("*"))):
        if path.suffix in SUFFIXES and path.name != "CHANGELOG.md" and not LEFT_OUT & set(path.parts):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


FILES = dict(read_files())


@pytest.mark.parametrize("word", BANNED)
def test_private_words_stay_out(word):
    pattern = re.compile(rf"(?<![a-z])(?:{word})(?![a-z])", re.IGNORECASE)
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in FILES.items()
        if name not in EARLIER.get(word, ())
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"{word!r}: write {BANNED[word]}\n" + "\n".join(found)


def test_controls_are_people():
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in FILES.items()
        for number, line in enumerate(text.splitlines(), 1)
        if CONTROL_MAP.search(line)
    ]
    assert not found, "maps that know nothing of a network are null maps\n" + "\n".join(found)


def functions(tree: ast.Module):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
            decorators = " ".join(map(ast.unparse, node.decorator_list))
            # properties name what they are; the first line of a method or measure is shown on pages
            if not re.search(r"property|register_(method|measure)", decorators):
                yield node


def test_docstrings_of_functions_begin_with_a_verb():
    found = [
        f"{name}:{node.lineno}: {node.name}: {ast.get_docstring(node).splitlines()[0]}"
        for name, text in FILES.items()
        if name.endswith(".py") and not name.startswith("docs/")
        for node in functions(ast.parse(text))
        if re.split(r"[\s,;]", ast.get_docstring(node))[0] not in VERBS
    ]
    assert not found, "begin with a verb in the imperative:\n" + "\n".join(found)
