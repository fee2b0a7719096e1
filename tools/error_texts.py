"""The sentences errors are raised with, read from the source so that they can be translated."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Calls whose texts a person reads: every error, what a view refuses with, installation hints, findings of checks and
# of tables that are read in.
_REFUSALS = frozenset({"abort", "Hint", "Check", "RowProblem", "Note", "_failed", "_wrong", "_matched", "_word"})
# Names such texts are given before they are handed over.
_VARIABLES = frozenset({"hint", "told", "reason"})
_FINDING_ARGUMENTS = 3
_NAMED = frozenset({"hint", "message", "reason", "description"})


def error_texts(tree: ast.AST) -> set[str]:
    """Return the sentences of a module's errors (pure).

    The values an f-string takes become ``{0}``, ``{1}``, … in their order. A text of one word is a name or a
    field, not a sentence, and is left out.
    """
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (_is_refusal(node.func) or _is_finding(node) or _names_a_file(node.func)):
            arguments = [*node.args, *(word.value for word in node.keywords if word.arg in _NAMED)]
            found.update(text for argument in arguments for text in _texts(argument) if _is_sentence(text))
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                found.update(text for text in _assigned(target, node.value) if _is_sentence(text))
    return found


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[str]:
    """Yield the texts given to a variable that is handed to an error or a finding later."""
    if isinstance(target, ast.Name) and target.id in _VARIABLES:
        yield from _texts(value)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its in zip(target.elts, value.elts, strict=False):
            yield from _assigned(one, its)


def error_texts_below(root: Path, *, without: frozenset[str] = frozenset()) -> dict[str, set[str]]:
    """Return each file below ``root`` that raises errors, relative to ``root``'s parent, with their sentences.

    Args:
        root: a package's directory.
        without: names of directories that are left out.

    Raises:
        SyntaxError: a file is not Python.
    """
    found = {}
    for path in sorted(root.rglob("*.py")):
        if without.isdisjoint(path.relative_to(root).parts):
            texts = error_texts(ast.parse(path.read_text("utf-8"), str(path)))
            if texts:
                found[path.relative_to(root.parent).as_posix()] = texts
    return found


def explaining_texts(tree: ast.Module, *, tables: bool = True) -> set[str]:
    """Return every sentence of a module that explains something in parts, and the words of its tables (pure).

    Such a module puts sentences together from clauses; each is a text of its own, with holes as in `error_texts`.
    """
    found: set[str] = set()

    def look(node: ast.AST) -> None:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
            return
        if isinstance(node, (ast.Constant, ast.JoinedStr)):
            found.update(text for text in _texts(node) if _is_sentence(text))
            return
        for child in ast.iter_child_nodes(node):
            look(child)

    look(tree)
    if tables:
        given = [one.value for one in tree.body if isinstance(one, ast.AnnAssign) and isinstance(one.value, ast.Dict)]
        found.update(text for table in given for value in table.values for text in _texts(value))
    return found


def _is_finding(node: ast.Call) -> bool:
    """Whether a call is ``….add("code", part, …, message)``: what a verification found."""
    return (
        isinstance(node.func, ast.Attribute)
        and node.func.attr == "add"
        and len(node.args) >= _FINDING_ARGUMENTS
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    )


def _names_a_file(called: ast.expr) -> bool:
    """Whether a call is ``key_files.read(…, "device key")``: an error about the file takes the noun along."""
    return (
        isinstance(called, ast.Attribute)
        and called.attr == "read"
        and isinstance(called.value, ast.Name)
        and called.value.id == "key_files"
    )


def _is_refusal(called: ast.expr) -> bool:
    if isinstance(called, ast.Attribute) and called.attr == "__init__":  # an error that words itself
        return isinstance(called.value, ast.Call) and isinstance(called.value.func, ast.Name)
    name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    return name.endswith("Error") or name in _REFUSALS


def _is_sentence(text: str) -> bool:
    return " " in text.strip() and any(sign.isalpha() for sign in text)


def _texts(node: ast.expr) -> Iterator[str]:
    """Yield the sentences an argument can be: text, an f-string, any of those it is chosen from."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield _with_holes(node)
    else:
        for choice in _choices(node):
            yield from _texts(choice)


def _choices(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.IfExp():
            return [node.body, node.orelse]
        case ast.Tuple() | ast.List():
            return node.elts
        case ast.BoolOp() | ast.Dict():
            return node.values
        case ast.Subscript():
            return [node.value]
        case _:
            return []


def _with_holes(node: ast.JoinedStr) -> str:
    text, holes = "", 0
    for piece in node.values:
        if isinstance(piece, ast.Constant):
            text += str(piece.value)
        else:
            text += f"{{{holes}}}"
            holes += 1
    return text
