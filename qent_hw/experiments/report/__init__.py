"""The report of a run: figures, tables and words on one page."""
