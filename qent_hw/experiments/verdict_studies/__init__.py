"""Studies of verdicts: how often they are wrong, when the alarm fires, what is certified, how many shots it takes."""
