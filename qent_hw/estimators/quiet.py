"""TensorFlow as the trainings want it: compiling for speed, and without remarks about GPUs that are not there."""

from __future__ import annotations

import os
import sys

# A short loop that is unrolled in full is no longer seen by LLVM's loop vectorizer: the sweeps along a batch of 32
# would run one number at a time.
_XLA_OPTIONS = {"xla_backend_extra_options": "xla_cpu_disable_loop_unrolling"}


def set_xla_options() -> None:
    """Ask XLA for code that suits small batches; without effect after its first use in this process.

    What the user's XLA_FLAGS say of the same options stands.
    """
    given = os.environ.get("XLA_FLAGS", "")
    wanted = [f"--{name}={value}" for name, value in _XLA_OPTIONS.items() if name not in given]
    os.environ["XLA_FLAGS"] = " ".join([given, *wanted]).strip()


def load_tensorflow_quietly() -> None:
    """Import TensorFlow and wake it, with standard error shut meanwhile.

    It writes its remarks from C++ before any setting of its own can stop them; errors still come as exceptions.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    set_xla_options()
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import tensorflow as tf

        tf.constant(0)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
