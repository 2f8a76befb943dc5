"""The same study on a real Dask scheduler with real workers on loopback, one of which dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from distributed import Client, LocalCluster

from qent_hw.experiments.study.card import load_study
from qent_hw.experiments.study.engines import local_engine
from qent_hw.experiments.study.study import run_study
from qent_hw.experiments.study.table import NAME, read_rows
from tests.experiments.study.cards import QUICK, SLOW


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as started:
        yield started


def test_rows_are_the_same_bits_as_on_this_machine(call, cluster, tmp_path):
    card = tmp_path / "quick.toml"
    card.write_text(QUICK)
    status, _, err = call("study", card, "--dask", cluster.scheduler_address, "--out", tmp_path / "dask")
    assert (status, err) == (0, "")
    run_study(load_study(card), tmp_path / "local", local_engine(1))
    there, here = (read_rows(tmp_path / name / NAME) for name in ("dask", "local"))
    assert len(here) == 24
    for part in ("tally", "reliability", "map", "settings"):
        assert {key: row[part] for key, row in there.items()} == {key: row[part] for key, row in here.items()}


def test_a_worker_that_dies_costs_a_retry_and_not_the_study(cluster, tmp_path):
    card, folder = tmp_path / "slow.toml", tmp_path / "made"
    card.write_text(SLOW)
    command = [sys.executable, "-m", "qent_hw.cli", "study", str(card), "--out", str(folder), "--quiet"]
    process = subprocess.Popen([*command, "--dask", cluster.scheduler_address], stderr=subprocess.PIPE, text=True)
    with Client(cluster.scheduler_address) as client:
        deadline = time.monotonic() + 120
        while len(read_rows(folder / NAME)) < 2:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        pids = client.run(os.getpid)
        os.kill(next(iter(pids.values())), signal.SIGKILL)
        _, said = process.communicate(timeout=300)
        assert (process.returncode, said) == (0, "")
        assert set(client.run(os.getpid).values()) != set(pids.values())
    rows = read_rows(folder / NAME)
    assert len(rows) == 10
    run_study(load_study(card), tmp_path / "local", local_engine(2))
    local = read_rows(tmp_path / "local" / NAME)
    assert {key: row["tally"] for key, row in rows.items()} == {key: row["tally"] for key, row in local.items()}


def test_a_scheduler_that_does_not_answer_is_one_line(call, tmp_path):
    card = tmp_path / "quick.toml"
    card.write_text(QUICK)
    for address in ("tcp://127.0.0.1:1", "nonsense://here"):
        status, _, err = call("study", card, "--dask", address, "--out", tmp_path / "made")
        assert status == 2
        assert f"dask = {address!r}: no scheduler answers there" in err
