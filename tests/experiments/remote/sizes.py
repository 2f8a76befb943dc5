"""What verdicts rest on is simulated at a tenth of its size in these tests, which are about jobs."""

SIMULATED = {"_QUICK": 2000, "_SLOW": 150, "_NULL": 100, "_LOOKED_AT": 40}
"""Numbers of simulated states, by their names in `qent_hw.experiments.judging`."""
