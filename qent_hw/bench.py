"""Where the bench lies: the data folders `circuits`, `calibration` and `experiments` that a person reads and edits.

In a checkout they are at the top of the tree, in an installed wheel beside the code (`qent_hw/bench`).
"""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

from qent_hw.errors import InputError

_PACKAGE = Path(__file__).parent
_OWN = (".qasm", ".npz", ".json", ".py")
FOLDERS = ("circuits", "calibration", "experiments")


def folder(name: str) -> Path:
    """The bench folder `name`, one of `FOLDERS`."""
    installed = _PACKAGE / "bench" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def find(kind: str, name: str, suffix: str) -> Path:
    """The file that `name` means: a path to one, or the name (without suffix) of a shipped one in the bench folder
    `kind`.

    Raises
    ------
    InputError
        if there is neither; the message lists the shipped names.
    """
    given = Path(name)
    if given.is_file():
        return given
    shipped = folder(kind) / f"{given.name.removesuffix(suffix)}{suffix}"
    in_bench = given.parent in (Path("."), Path(kind))
    if in_bench and shipped.is_file():
        return shipped
    known = ", ".join(sorted(path.name.removesuffix(suffix) for path in folder(kind).glob(f"*{suffix}")))
    raise InputError(f"{name!r} is no file, and no shipped {suffix} of {kind}/ has that name; shipped: {known}")


def own_file(name: object) -> str | None:
    """The path in an entry of a card that means a file of the user's own: a family (.qasm), a model (.npz), a device
    record (.json), or the module of an estimator (`file.py:Class`); None for any other entry."""
    path = str(name).partition(".py:")[0] + ".py" if ".py:" in str(name) else str(name)
    # a longer text is no name of a file
    return path if isinstance(name, str) and len(path) < 256 and Path(path).suffix in _OWN else None


def beside(folder_of_card: Path, name: Any) -> Any:
    """An entry of a card with the path of its file beside the card, where there is one; any other as it is."""
    path = own_file(name)
    if path is None or not (folder_of_card / path).is_file():
        return name
    return f"{folder_of_card / path}{name.removeprefix(path)}"


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The content of a TOML file; raises `InputError`, calling it `what`, if it cannot be read or is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{what} {path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{what} {path}: not valid TOML: {error}") from None


def lay_out(target: str | Path) -> Path:
    """Copy the bench into a new folder and return its path; raises `InputError` if that exists or cannot be written."""
    place = Path(target)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise InputError(f"folder {str(place)!r}: exists and is not an empty folder; name a new one")
    try:
        for name in FOLDERS:
            shutil.copytree(folder(name), place / name, ignore=shutil.ignore_patterns("__pycache__"))
    except OSError as error:
        raise InputError(f"folder {str(place)!r}: cannot be written: {error.strerror or error}") from None
    return place
