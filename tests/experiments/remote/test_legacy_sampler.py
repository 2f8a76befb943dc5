"""A client without the executor's sampler: the older SamplerV2 sends the same jobs; its results are checked alike."""

from __future__ import annotations

import sys

import pytest
from qiskit_ibm_runtime import SamplerV2

from qent_hw.errors import BackendError
from qent_hw.hardware.ibm.sampler import sampler_class
from tests.experiments.remote.conftest import RemoteRun


@pytest.fixture
def without_executor_sampler(monkeypatch):
    monkeypatch.setitem(sys.modules, "qiskit_ibm_runtime.executor_sampler", None)


def test_the_installed_sampler_is_used(without_executor_sampler):
    assert sampler_class() is SamplerV2


def test_a_run_through_it(without_executor_sampler, ibm, tmp_path):
    run = RemoteRun(tmp_path / "run", jobs=1)
    run.send()
    assert run.fetch()
    assert [one["program"] for one in run.at_service(ibm)] == ["sampler"]
    assert (run.counts().sum(axis=-1) == 64).all()


@pytest.mark.parametrize("result", ["text", "null", "fewer_pubs", "fewer_shots", "foreign"])
def test_its_spoilt_results_are_refused(without_executor_sampler, ibm, tmp_path, result):
    run = RemoteRun(tmp_path / "run", jobs=1)
    ibm.fate(result=result)
    run.send()
    with pytest.raises(BackendError):
        run.fetch(0)
    assert run.states == ["sent"]
