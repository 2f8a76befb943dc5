"""`python -m qent_hw.experiments.devices`: what docs/device-models.md tells, and that page; a stopped call goes on."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qent_hw.experiments.devices.page import devices_page
from qent_hw.files import write_whole

FOLDER = Path("runs") / "devices"


def main(arguments: list[str] | None = None) -> int:
    """Do what is not done yet in `runs/devices`, one task after the other, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m qent_hw.experiments.devices", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs") / "device-models.md", help="the page")
    parser.add_argument("--states", type=int, default=None, help="states for each device, in place of the runcard's")
    parser.add_argument("--only", default="", help="tasks whose name begins so; the page is then not written")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, task in _tasks(options.states).items():
        if not name.startswith(options.only):
            continue
        path = FOLDER / f"result-{name}.json"
        if not path.is_file():
            print(name, file=sys.stderr, flush=True)
            _keep(path, task())
        found[name] = json.loads(path.read_text(encoding="utf-8"))
    if not options.only:
        options.out.write_text(devices_page(found), encoding="utf-8")
    return 0


def _keep(path: Path, result: dict[str, Any]) -> None:
    write_whole(path, lambda file: file.write(json.dumps(result, indent=1).encode()))


def _tasks(states: int | None) -> dict[str, Callable[[], dict[str, Any]]]:
    # what they import takes seconds
    from qent_hw.experiments.devices import runs, studies

    tasks: dict[str, Callable[[], dict[str, Any]]] = {}
    for device in runs.DEVICES:
        for which in runs.SETTINGS:
            tasks[f"run-{device}-{which}"] = partial(runs.device_row, device, which, FOLDER, n=states)
    for drift in studies.TRAINED_DRIFTS:
        tasks[f"drift-{drift:g}"] = partial(studies.drift_study, drift)
    for name, pair in (("usual", None), ("bad", studies.BAD_PAIR)):
        tasks[f"readout-{name}"] = partial(studies.readout_study, pair)
    return tasks


if __name__ == "__main__":
    raise SystemExit(main())
