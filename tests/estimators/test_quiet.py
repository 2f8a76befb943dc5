"""What XLA is asked for before a training, and that the user's own XLA_FLAGS stand."""

from __future__ import annotations

import os

import pytest

from qent_hw.estimators.quiet import set_xla_options

_OURS = "--xla_backend_extra_options=xla_cpu_disable_loop_unrolling"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, _OURS),
        ("--xla_dump_to=/tmp/x", f"--xla_dump_to=/tmp/x {_OURS}"),
        ("--xla_backend_extra_options=other", "--xla_backend_extra_options=other"),
    ],
)
def test_options_join_those_of_the_user_and_never_replace_them(monkeypatch, given, expected) -> None:
    if given is None:
        monkeypatch.delenv("XLA_FLAGS", raising=False)
    else:
        monkeypatch.setenv("XLA_FLAGS", given)
    set_xla_options()
    set_xla_options()
    assert os.environ["XLA_FLAGS"] == expected
