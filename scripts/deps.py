"""Write into every dvc.yaml what its stages import: ``python -m scripts.deps``, or ``make deps``.

DVC does not follow imports, so each stage lists the files of this repository that it runs. Only
these lines are touched: comments and order stay, data and other deps as well.
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
REGISTRY = "src/models/registry.py"  # imports every model that has a record, by this name:
RECORD = "FIRST_STAGE"

_STAGE = re.compile(r"^  (\w+):$")
_DEP = re.compile(r"^      - (.+)$")


def pipelines() -> list[Path]:
    """All dvc.yaml files, the root's first."""
    return [ROOT / "dvc.yaml", *sorted((ROOT / "pipelines").glob("*/dvc.yaml"))]


@cache
def tree(file: str) -> ast.Module:
    """Syntax tree of a file of this repository."""
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def module_of(package: str, stage: str) -> str:
    """The module of a stage, in the room of its pipeline; a simulation has a room of its own."""
    return f"src.simulation.{package}" if stage == "simulate" else f"src.{package}.{stage}"


@cache
def file_of(module: str) -> str | None:
    """The file of a module or package of this repository; None for anything else."""
    path = Path(*module.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if (ROOT / file).is_file():
            return str(file)
    return None


@cache
def imported(file: str) -> tuple[str, ...]:
    """Dotted names that a file imports, at its top or inside functions."""
    return tuple(_imported(file))


def _imported(file: str) -> Iterator[str]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or not node.module:
                raise ValueError(f"{file}: relative imports are not followed")
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
    if file == REGISTRY:
        folder = (ROOT / REGISTRY).parent
        for model in sorted(folder.glob("*.py")):
            names = {
                target.id
                for node in tree(str(model.relative_to(ROOT))).body
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            if RECORD in names:
                yield f"src.models.{model.stem}"


def with_packages(name: str) -> list[str]:
    """A dotted name and the packages around it."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


@cache
def closure(module: str) -> frozenset[str]:
    """Our files that run when a module is imported, packages without any code left out."""
    found: set[str] = set()
    waiting = with_packages(module)
    while waiting:
        file = file_of(waiting.pop())
        if file and file not in found:
            found.add(file)
            waiting += [part for name in imported(file) for part in with_packages(name)]
    return frozenset(file for file in found if has_code(file))


def has_code(file: str) -> bool:
    """Whether a file is more than the docstring of a package."""
    return not file.endswith("__init__.py") or any(
        not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in tree(file).body
    )


def with_deps(text: str, package: str) -> str:
    """The text of a dvc.yaml, the code among the deps of its stages brought up to date."""
    lines: list[str] = []
    stage, inside = "", False
    deps: list[str] = []

    def finish() -> None:
        code = closure(module_of(package, stage))
        others = [dep for dep in deps if not dep.endswith(".py")]
        first = [dep for dep in others if not dep.startswith("src/")]
        lines.extend(f"      - {dep}" for dep in first + sorted({*others, *code} - {*first}))

    for line in text.splitlines():
        if inside and (dep := _DEP.match(line)):
            deps.append(dep[1])
            continue
        if inside:
            finish()
            inside = False
        if name := _STAGE.match(line):
            stage = name[1]
        if line == "    deps:":
            inside, deps = True, []
        lines.append(line)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Bring every dvc.yaml up to date; say which changed."""
    for file in pipelines():
        package = "products" if file.parent == ROOT else file.parent.name
        before = file.read_text(encoding="utf-8")
        after = with_deps(before, package)
        if after != before:
            file.write_text(after, encoding="utf-8")
            print(f"changed: {file.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
