"""Experiments on a backend that takes jobs: a folder that knows all about them, sending, collecting, and finishing."""
