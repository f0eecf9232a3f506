"""Code that comes with a study: the server has to allow it, and a person to agree to it, before any of it runs.

The server allows it when it is started so (``mriinterp app --allow-code``).
The page then shows every file that would run; pressing the button gives permission
to exactly what was shown. No address, upload or setting of a page does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import streamlit as st

from mriinterp.base.command import quoted
from mriinterp.base.errors import words_of
from mriinterp.base.scripts import PACKAGE, app_script
from mriinterp.models.code import CodeFile
from mriinterp.models.imports import imported
from mriinterp.study import DemoStudy, ModelRecipe
from mriinterp.study.consent import ForeignCode, agree, agreements, code_of, withdraw
from mriinterp.ui.base.words import Remedied, escape_markdown
from mriinterp.ui.session.keys import CONSENT_PROBLEM
from mriinterp.ui.sources.allowance import ALLOW_CODE, code_allowed

__all__ = ["check_code", "current_permission", "show_agreed_code", "starting_command"]

CODE_PX = 420


def current_permission() -> frozenset[str]:
    """Return the digests of the code that this server may run now."""
    return frozenset(agreements()) if code_allowed() else frozenset()


def starting_command(study: str | Path, windows: bool = os.name == "nt") -> str:
    """Return the command that starts the app so that code may be agreed to, with a study file or ``"demo"``."""
    file = "" if study == DemoStudy.name else f" {quoted(study, windows)}"
    if app_script().parent == PACKAGE.parent:  # a checkout
        return f"streamlit run app.py -- {ALLOW_CODE}{file}"
    return f"mriinterp app {ALLOW_CODE}{file}"


def check_code(recipes: Iterable[ModelRecipe], study: str) -> None:
    """Let the code of networks pass, or show what is missing for that.

    Parameters
    ----------
    recipes : iterable of ModelRecipe
    study : str
        The study file, or ``"demo"``.

    Raises
    ------
    Remedied
        If the server does not allow code, or the reader has not agreed to this code
        yet; the way out shows command or code.
    OSError, ValueError
        If the code cannot be read.
    """
    items = code_of(recipes)
    if not items:
        return
    names = ", ".join(item.path.name for item in items)
    if not code_allowed():
        raise Remedied(
            f"This network comes with code, {names}, and this server runs no code of studies. Code may do "
            "anything that the server's account can. To read it here and decide, start the app with this command:",
            lambda: _show_command(study),
        )
    known = agreements()
    new = [item for item in items if item.digest not in known]
    if new:
        changed = [a.day for item in new for a in known.values() if a.file == str(item.path)]
        what = f"has changed since it was agreed to on {max(changed)}" if changed else "is new to this server"
        raise Remedied(
            f"This network comes with code, {names}, which {what}. Code may do anything that the server's "
            "account can: read, change, delete and send files. Agree only if you trust whoever made it.",
            lambda: _ask(new),
        )


def _show_command(study: str) -> None:
    st.code(starting_command(study), language=None, wrap_lines=True)


def _ask(items: list[ForeignCode]) -> None:
    """Show all that would run, and the button that gives permission."""
    st.button(
        "I trust this code: run it",
        key="agree_to_code",
        type="primary",
        icon=":material/verified_user:",
        on_click=_agree,
        args=(tuple((item.digest, str(item.path)) for item in items),),  # what is shown, whatever lies there then
    )
    for item in items:
        _show(item)


def _agree(shown: tuple[tuple[str, str], ...]) -> None:
    for digest, path in shown:
        agree(digest, path)


def _show(item: ForeignCode) -> None:
    """Show file, SHA-256 and text of a piece of code."""
    files = item.code.files if item.code is not None else ()
    what = f"SHA-256 of the list that `sha256sum` makes of its {len(files)} files" if len(files) > 1 else "SHA-256"
    st.markdown(
        f"**{escape_markdown(item.path.name)}** in {escape_markdown(str(item.path.parent))}  \n:small[{what}: `{item.digest}`]"
    )
    if item.code is None:
        size = item.path.stat().st_size / 1e6
        st.info(
            f"An exported program ({size:,.1f} MB). What is in it cannot be shown; opening it can run code that is hidden "
            "there. Compare the SHA-256 with that of whoever made it.",
            icon=":material/inventory_2:",
        )
    for file in files:
        _show_file(file, single=len(files) == 1)


def _show_file(file: CodeFile, single: bool) -> None:
    imports = f"imports {', '.join(imported(file)) or 'nothing'}"
    own = "" if single else f"**{escape_markdown(file.name)}** :small[SHA-256 `{file.digest}`]  \n"
    st.markdown(f"{own}:small[{escape_markdown(imports)}]")
    if file.hidden:
        lines = "A line holds" if len(file.hidden) == 1 else f"{len(file.hidden)} lines hold"
        st.warning(
            f"{lines} characters that hide or reorder text; they are written as `\\u…` below.",
            icon=":material/visibility:",
        )
    st.code(file.shown(), language="python", line_numbers=True, wrap_lines=True, height=_height(file))


def _height(file: CodeFile) -> int | Literal["content"]:
    return CODE_PX if file.text.count("\n") > CODE_PX // 25 else "content"


def show_agreed_code(recipes: Iterable[ModelRecipe]) -> None:
    """Show the code of networks that runs here, since when, and a way to withdraw the permission."""
    known = agreements()
    for item in code_of(recipes):
        if item.digest not in known:
            continue
        with st.expander(
            f"Runs {escape_markdown(item.path.name)}, agreed to on {known[item.digest].day}", icon=":material/code:"
        ):
            st.button(
                "Withdraw permission",
                key=f"withdraw_{item.digest}",
                icon=":material/block:",
                help="Pages and runs that start from now on ask again. What runs in this server already is not stopped.",
                on_click=_withdraw,
                args=(item.digest,),
            )
            _show(item)
    if problem := CONSENT_PROBLEM.take():
        st.error(escape_markdown(problem))


def _withdraw(digest: str) -> None:
    try:
        withdraw(digest)
    except OSError as error:
        CONSENT_PROBLEM.put(words_of(error))
