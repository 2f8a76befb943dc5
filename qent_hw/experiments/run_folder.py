"""The folder of a run, written completely or not at all."""

from __future__ import annotations

import datetime
import itertools
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from qent_hw.bench import own_file
from qent_hw.errors import InputError
from qent_hw.experiments.runcard import Runcard, named_files

if TYPE_CHECKING:
    from qent_hw.experiments.run import Run


class RunFolder:
    """A context in which a run is made, so that a folder that cannot be written is found out before anything is
    measured.

    Files go into a hidden folder beside the final one, which takes their place at the end; an error leaves nothing
    behind.

    Raises
    ------
    InputError
        if the folder exists and is not empty, or its parent cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._partial: Path | None = None

    def __enter__(self) -> RunFolder:
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise InputError(f"out = {str(self.path)!r}: exists and is not an empty folder; name a new one")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._partial = Path(tempfile.mkdtemp(prefix=f".{self.path.name}.", dir=self.path.parent))
        except OSError as error:
            raise InputError(f"out = {str(self.path)!r}: cannot be written: {error.strerror}") from None
        return self

    def write(self, run: Run) -> None:
        """Write all files of `run` and put the folder in its place."""
        self.fill(lambda partial: write_files(partial, run))

    def fill(self, write: Callable[[Path], None]) -> None:
        """Let `write` fill the hidden folder, and put it in its place."""
        assert self._partial is not None
        try:
            write(self._partial)
            self._partial.chmod(0o755)
            if self.path.exists():
                self.path.rmdir()
            self._partial.rename(self.path)
        except OSError as error:
            raise InputError(f"out = {str(self.path)!r}: cannot be written: {error.strerror or error}") from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._partial is not None and self._partial.exists():
            shutil.rmtree(self._partial, ignore_errors=True)


def write_files(folder: Path, run: Run) -> None:
    """Write all files of `run` into a folder, the report last."""
    write_description(folder, run.runcard, run.provenance)
    (folder / "comparison.json").write_text(_json(run.comparison), encoding="utf-8")
    run.counts.to_parquet(folder / "counts.parquet", index=False)
    run.estimates.to_parquet(folder / "estimates.parquet", index=False)
    (folder / "figures").mkdir()
    for name, picture in run.figures.items():
        (folder / "figures" / f"{name}.png").write_bytes(picture.png)
        (folder / "figures" / f"{name}.svg").write_text(picture.svg, encoding="utf-8")
    (folder / "report.html").write_text(run.report, encoding="utf-8")


def write_description(folder: Path, runcard: Runcard, provenance: dict[str, Any]) -> None:
    """Write what a run is: its runcard with the user's own files beside it, and its provenance.

    A family, model or record that the runcard names by path is copied and named by its file, so that the folder can be
    run again anywhere.
    """
    import tomli_w

    for name in named_files(runcard):
        path = own_file(name)
        if path is not None:
            shutil.copyfile(path, folder / Path(path).name)
    (folder / "runcard.toml").write_text(tomli_w.dumps(described(runcard)), encoding="utf-8")
    (folder / "provenance.json").write_text(_json(provenance), encoding="utf-8")


def described(runcard: Runcard) -> dict[str, Any]:
    """The content of a run folder's `runcard.toml`: the user's own files are named as they are in that folder."""
    content = runcard.model_dump(mode="json", by_alias=True, exclude_none=True)
    content["family"] = _in_folder(runcard.family)
    content["estimators"] = [_in_folder(name) for name in runcard.estimators]
    if runcard.record is not None:
        content["record"]["file"] = _in_folder(runcard.record.file)
    return content


def _in_folder(name: str) -> str:
    path = own_file(name)
    return name if path is None else f"{Path(path).name}{name.removeprefix(path)}"


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def default_folder(runcard: str) -> Path:
    """A new folder `runs/NAME-DATE-TIME` for a run of `runcard` that names none."""
    stem = Path("runs") / f"{Path(runcard).stem}-{datetime.datetime.now().astimezone():%Y%m%d-%H%M%S}"
    later = (stem.with_name(f"{stem.name}-{number}") for number in itertools.count(2))
    return next(path for path in itertools.chain([stem], later) if not path.exists())
