"""Backends and the execution of PUBs on them."""

from __future__ import annotations

from qent_hw.hardware.backends import local_backends, resolve_backend

__all__ = ["local_backends", "resolve_backend"]
