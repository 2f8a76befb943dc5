"""A law for the spectrum of the general mixed states of arXiv:2410.21504v2, Sec. III.C, which does not state its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
