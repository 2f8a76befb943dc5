"""A run's folder is all that is needed: carried to another machine, it is finished there with the same report."""

from __future__ import annotations

import html
import json
import re
import shutil

import pytest

from qent_hw import bench
from qent_hw.estimators.shipped import model_path
from qent_hw.experiments.remote import folder as folders
from tests.experiments.remote.accounts import check_books
from tests.experiments.remote.processes import Desk

CARD = """
title = "a run with files of one's own"
family = "mine.qasm"
seed = 8
shots = 64
estimators = ["bell8", "models/own.npz"]
[states]
kind = "points"
points = [{ theta = "pi/2", phi = "pi/3" }]
[channel]
p = [0.2, 0.6]
[injection]
kind = "idle"
[backend]
name = "ibm_loopback"
qubits = [0, 1]
"""


@pytest.fixture
def desk(ibm, tmp_path):
    folder = tmp_path / "here" / "desk"
    (folder / "models").mkdir(parents=True)
    (folder / "card.toml").write_text(CARD)
    shutil.copyfile(bench.find("circuits", "special_four_basis", ".qasm"), folder / "mine.qasm")
    shutil.copyfile(model_path("special_four_basis", "dephasing", "bell8"), folder / "models" / "own.npz")
    return Desk(ibm, folder, tmp_path / "here" / "home")


def dateless(folder):
    """What a finished run's folder holds; without the times at which results were fetched, and the ledger."""
    names = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith((".", "ledger."))]
    return {str(path.relative_to(folder)): _FETCHED.sub(b"", path.read_bytes()) for path in names}


_FETCHED = re.compile(rb"fetched\W+[\d:.T+-]+")


def test_a_run_with_files_of_ones_own_is_finished_on_another_machine(desk, tmp_path):
    """Half of it is collected here, then the folder is copied and finished here and there; here is gone by then."""
    desk.ibm.fate()
    desk.ibm.fate(queue_s=3600)
    assert desk.call("submit", "card.toml", "--out", "run", "--yes", "--jobs", 2).status == 0
    half = desk.call("collect", "run")
    assert half.status == 3, half
    assert "1 sent, 1 done" in half.err
    there = Desk(desk.ibm, tmp_path / "there" / "desk", tmp_path / "there" / "home")
    there.folder.mkdir(parents=True)
    carried = there.folder / "carried"
    shutil.copytree(desk.folder / "run", carried)
    desk.ibm.release()
    assert desk.call("collect", "run", "--wait").status == 0
    here = dateless(desk.folder / "run")
    shutil.rmtree(tmp_path / "here")
    finished = there.call("collect", "carried", "--wait")
    assert (finished.status, finished.err) == (0, "")
    assert check_books(desk.ibm, carried) == []
    assert {"report.html", "comparison.json", "mine.qasm", "own.npz", "figures/decay.png"} <= set(here)
    assert [name for name, content in dateless(carried).items() if here.get(name) != content] == []
    assert set(json.loads((carried / "comparison.json").read_text())["estimators"]) == {"bell8", "own"}
    # the page shows the runcard as it is in the folder
    assert (carried / "runcard.toml").read_text().strip() in html.unescape((carried / "report.html").read_text())


def test_a_carried_run_can_be_submitted_again_from_its_own_runcard(desk, tmp_path):
    """The folder's runcard names the files beside it; nothing of the place it came from is needed."""
    assert desk.call("submit", "card.toml", "--out", "run", "--dry-run").status == 0
    there = Desk(desk.ibm, tmp_path / "there" / "desk", tmp_path / "there" / "home")
    there.folder.mkdir(parents=True)
    shutil.move(desk.folder / "run", there.folder / "carried")
    shutil.rmtree(tmp_path / "here")
    sent = there.call("submit", "carried/runcard.toml", "--out", "carried", "--yes")
    assert sent.status == 0, sent
    with folders.open_ledger(there.folder / "carried") as ledger:
        assert ledger.counts() == {"sent": 1}
