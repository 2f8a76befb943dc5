"""Worker processes: a run killed at any moment goes on and gives the same numbers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from qent_hw.errors import InputError
from qent_hw.experiments.paper.results import Results
from qent_hw.experiments.paper.tasks import key, perform
from qent_hw.experiments.paper.workers import perform_all

SPECIAL = {"family": "special_four_basis", "channel": "dephasing"}

PROGRAM = """
import json, sys
from pathlib import Path
from qent_hw.experiments.paper.results import Results
from qent_hw.experiments.paper.workers import perform_all
if __name__ == "__main__":
    results = Results(Path(sys.argv[1]) / "results")
    results.prepare()
    perform_all(json.loads(Path(sys.argv[2]).read_text()), results, 2, lambda *_: None)
"""


def tasks():
    common = {"revision": 1, "states": SPECIAL, "n": 2000}
    trained = {
        "kind": "training", "target": "entangled", "train_share": 0.8, "hidden": [8], "learning_rate": 0.05,
        "batch_size": 32, "epochs": 300, "models": [["bell4", ["xa", "xb", "ya", "yb"]]], "tested_on": [],
    }  # fmt: skip
    asked = [{**common, "kind": "sample", "seed": 1}]
    asked += [{**common, **trained, "seed": seed} for seed in (1, 2, 3, 4)]
    return {key(task): task for task in asked}


def numbers(results: Results, keys):
    """Everything that was measured, without how long it took and when."""
    summaries = {one: results.get(one) for one in keys}
    kept = {one: {k: v for k, v in found.items() if k not in ("cost", "made")} for one, found in summaries.items()}
    return kept, {one: results.arrays(one) for one in keys}


def children_of(pid: int) -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.add(int(path.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for its processes in /proc")
def test_a_killed_run_goes_on_and_gives_the_same_numbers(tmp_path) -> None:
    asked = tasks()
    program, definitions = tmp_path / "program.py", tmp_path / "tasks.json"
    program.write_text(PROGRAM)
    definitions.write_text(json.dumps(asked))
    killed, whole = (Results(tmp_path / name / "results") for name in ("killed", "whole"))

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(
        [sys.executable, str(program), str(tmp_path / "killed"), str(definitions)], env=environment
    )
    deadline = time.monotonic() + 120
    while not list(killed.folder.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = children_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert workers
    while any(alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in workers)

    done = {one for one in asked if killed.get(one) is not None}
    assert 0 < len(done) < len(asked)
    stamps = {one: (killed.folder / f"{one}.json").stat().st_mtime_ns for one in done}
    seen: list[tuple[float, float, int, int]] = []
    rest = {one: task for one, task in asked.items() if one not in done}
    perform_all(rest, killed, 1, lambda *progress: seen.append(progress))
    assert stamps == {one: (killed.folder / f"{one}.json").stat().st_mtime_ns for one in done}

    whole.prepare()
    for one, task in asked.items():
        whole.put(one, {"task": task, **(outcome := perform(task, lambda _share: None))[0]}, outcome[1])
    (resumed, resumed_arrays), (reference, reference_arrays) = (numbers(one, asked) for one in (killed, whole))
    assert resumed == reference
    for one in asked:
        assert resumed_arrays[one].keys() == reference_arrays[one].keys()
        for name, array in reference_arrays[one].items():
            np.testing.assert_array_equal(resumed_arrays[one][name], array)
    assert all(0 <= a[0] <= b[0] <= b[1] for a, b in pairwise(seen))
    assert (seen[0][2], seen[0][3]) == (0, len(asked) - len(done))


def test_a_task_that_cannot_be_done_ends_the_run_with_its_error(tmp_path) -> None:
    results = Results(tmp_path / "results")
    results.prepare()
    task = {"revision": 1, "kind": "sample", "states": {**SPECIAL, "channel": "damping"}, "n": 100, "seed": 1}
    with pytest.raises(InputError, match="'damping'"):
        perform_all({key(task): task}, results, 1, lambda *_: None)
    assert results.get(key(task)) is None
