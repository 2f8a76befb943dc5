"""The package as a thing to install: its lock, its version, its top level, its wheel, and what importing it costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import qent_hw

ROOT = Path(__file__).parent.parent
BENCH = {"calibration", "circuits", "experiments"}
TOP_LEVEL = {
    *BENCH,
    "CHANGELOG.md",
    "CITATION.cff",
    "LICENSE",
    "Makefile",
    "README.md",
    "REPRODUCTION.md",
    "benchmarks",
    "docs",
    "mkdocs.yml",
    "pyproject.toml",
    "qent_hw",
    "requirements.lock",
    "tests",
}


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def locked() -> dict[str, str]:
    """Every requirement of the lock: its first line → the whole entry."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)
    return {entry.splitlines()[0]: entry for entry in entries if entry.strip()}


def test_every_locked_requirement_has_one_version_and_hashes(locked: dict[str, str]) -> None:
    assert len(locked) > 50
    for first, entry in locked.items():
        assert re.match(r"[a-z0-9-]+==[^\s;]+( ; .+)? \\$", first), first
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), first


def test_lock_names_no_address_and_no_local_path() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"://|--(index-url|extra-index-url|find-links|trusted-host)", text)
    assert not re.search(r"^[^#]*[ =](/|\.\.?/|file:)", text, flags=re.MULTILINE)


def test_lock_holds_what_the_project_asks_for(project: dict, locked: dict[str, str]) -> None:
    names = {first.partition("==")[0] for first in locked}
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {re.match(r"[a-z0-9-]+", requirement).group() for requirement in asked} <= names
    assert {"hatchling", "pytest"} <= names


def test_everything_imported_is_asked_for(project: dict) -> None:
    imported = set()
    for path in (ROOT / "qent_hw").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module.partition(".")[0])
    installed = packages_distributions()
    asked = {re.match(r"[a-z0-9-]+", requirement).group() for requirement in project["dependencies"]}
    for name in imported - sys.stdlib_module_names - {"qent_hw"}:
        homes = {re.sub(r"[-_.]+", "-", home).lower() for home in installed.get(name, [name])}
        assert homes & asked, f"{name} is imported, but pyproject.toml does not ask for {homes}"


def test_one_version_everywhere(project: dict) -> None:
    assert project["version"] == qent_hw.__version__
    assert f"\nversion: {qent_hw.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert qent_hw.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_top_level_of_the_tree_is_the_one_designed() -> None:
    assert all((ROOT / name).exists() for name in TOP_LEVEL)
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        tracked = {path.partition("/")[0] for path in listed.stdout.splitlines()}
        assert {name for name in tracked if not name.startswith(".")} <= TOP_LEVEL


def test_wheel_installs_one_package_with_the_bench_inside(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    version = qent_hw.__version__
    assert {name.partition("/")[0] for name in names} == {"qent_hw", f"qent_hw-{version}.dist-info"}
    assert {name.split("/")[2] for name in names if name.startswith("qent_hw/bench/")} == BENCH
    assert "qent_hw/py.typed" in names
    for folder in BENCH:
        shipped = {name.removeprefix("qent_hw/bench/") for name in names if name.startswith(f"qent_hw/bench/{folder}/")}
        assert shipped >= {f"{folder}/{path.name}" for path in (ROOT / folder).glob("*.*") if path.name[0] != "."}


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = "import qent_hw, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    shown = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(shown.stdout.split())
    assert "qent_hw" in loaded
    heavy = {
        "keras",
        "matplotlib",
        "numpy",
        "pandas",
        "pydantic",
        "qiskit",
        "qiskit_aer",
        "scipy",
        "sklearn",
        "tensorflow",
    }
    assert not loaded & heavy


def test_public_names_come_from_their_modules() -> None:
    assert set(qent_hw.__all__) <= set(dir(qent_hw))
    for name in qent_hw.__all__:
        assert getattr(qent_hw, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Experimnet'"):
        qent_hw.Experimnet  # noqa: B018
