"""The published figures and figures of merit of arXiv:2410.21504v2, at the paper's own sizes: `qent-hw paper`.

A card (`card`) says what a figure needs; it becomes tasks (`tasks`), each a pure function of a plain definition, whose
results are kept by the definition's hash (`results`), so that a killed run goes on. Worker processes (`workers`)
perform them; what came out (`outcome`) is drawn (`figures`) and set beside the published numbers (`reproduction`).
"""
