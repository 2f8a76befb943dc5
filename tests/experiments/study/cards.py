"""Cards of studies for tests."""

from __future__ import annotations

QUICK = """
title = "a quick study"
shots = [100, 400]
estimators = ["bell4", "bell8"]
reference = "bell8"
map = ["theta", "p"]
[stop]
states = 60
batch = 20
[[cases]]
family = "special_four_basis"
[[cases]]
name = "manila"
family = "special_four_basis"
injection = "idle"
device = { backend = "fake_manila" }
"""

# a second or so a task: time to be killed in
SLOW = """
title = "a slow study"
shots = [400]
estimators = ["bayes"]
[stop]
states = 400
batch = 40
[[cases]]
family = "special_four_basis"
"""
