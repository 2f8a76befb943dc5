"""What a command imports, and the first parsing: loaded by the process from which commands are forked."""

# ruff: noqa: F401

from __future__ import annotations

import matplotlib.backends.backend_agg
import matplotlib.backends.backend_svg
import matplotlib.font_manager
import pyarrow.parquet
import pytest
import qiskit_ibm_runtime.executor_sampler
import tomli_w

import qent_hw.cli
import qent_hw.experiments.remote.collecting
import qent_hw.experiments.remote.overview
import qent_hw.experiments.report.figures
import qent_hw.experiments.report.page
import qent_hw.experiments.summary
from qent_hw.circuits import load_family
from qent_hw.experiments import judging
from tests.experiments.remote.sizes import SIMULATED

for name, size in SIMULATED.items():
    setattr(judging, name, size)
load_family("special_four_basis").circuit  # noqa: B018
