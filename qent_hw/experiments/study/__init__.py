"""Studies: every estimator on the same states at equal cost, over families, devices and shots."""
