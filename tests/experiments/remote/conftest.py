"""A small run on the stand-in, sent and collected with little patience."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from qent_hw.experiments import judging
from qent_hw.experiments.remote import folder as folders
from qent_hw.experiments.remote import sending
from qent_hw.experiments.remote.collecting import fetch
from qent_hw.experiments.runcard import parse_runcard
from qent_hw.hardware.ibm.service import Patience, connect
from tests.experiments.remote.sizes import SIMULATED

CARD = {
    "title": "a small remote run",
    "family": "special_four_basis",
    "seed": 3,
    "shots": 64,
    "states": {"kind": "random", "n": 3},
    "channel": {"p": [0.2, 0.7]},
    "injection": {"kind": "twirl"},
    "backend": {"name": "ibm_loopback"},
}

PATIENCE = Patience(call_s=20, transfer_s=20, tries=3, backoff_s=0.05)


@pytest.fixture(autouse=True)
def _few_simulations(monkeypatch):
    """In this process; for those of `processes`, see `warm`."""
    for name, size in SIMULATED.items():
        monkeypatch.setattr(judging, name, size)


@functools.cache
def planned(jobs):
    """A submission of `CARD`; the folder does not matter to it, so one serves many tests."""
    return sending.prepare(Path("nowhere"), parse_runcard(CARD, "test"), connect(PATIENCE), jobs)


class RemoteRun:
    """The steps of a run, one call each, as the commands take them."""

    def __init__(self, path, jobs=2, patience=PATIENCE):
        self.path = path
        self.submission = planned(jobs)
        self.service = connect(patience)
        sending.keep(path, self.submission)

    def send(self):
        with folders.lock(self.path), folders.open_ledger(self.path) as ledger:
            sending.approve(ledger, "job", None)
            sending.send(self.path, self.submission, ledger, self.service, lambda sent, total: None)

    def fetch(self, wait_s=60.0, **options):
        with folders.lock(self.path):
            return fetch(self.path, self.service, wait_s=wait_s, **options)

    def counts(self):
        return self.submission.counts(folders.load_bits(self.path, self.submission)).values

    @property
    def states(self):
        return [job.state for job in self.jobs]

    @property
    def jobs(self):
        with folders.open_ledger(self.path) as ledger:
            return ledger.jobs()

    @property
    def history(self):
        with folders.open_ledger(self.path) as ledger:
            return ledger.history()

    def at_service(self, ibm):
        """The jobs of this run that the stand-in has stored."""
        with folders.open_ledger(self.path) as ledger:
            return ibm.jobs(ledger.run)


@pytest.fixture
def remote_run(ibm, tmp_path):
    return RemoteRun(tmp_path / "run")
