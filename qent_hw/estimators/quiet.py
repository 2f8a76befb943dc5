"""TensorFlow without its remarks about GPUs that are not there."""

from __future__ import annotations

import os
import sys


def load_tensorflow_quietly() -> None:
    """Import TensorFlow and wake it, with standard error shut meanwhile.

    It writes its remarks from C++ before any setting of its own can stop them; errors still come as exceptions.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
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
