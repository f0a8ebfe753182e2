"""Makes or compares many runs: searches for values of fields, sweeps, comparisons.

space.py     the result of search_space() in a config: Range, Choice
grid.py      the result of sweep() in a config: Sweep, grid
settings.py  values of fields, checked like typed ones
tune.py      tune(...), top to bottom
search.py    a search by Optuna, shared by processes through its journal
sweep.py     all runs of a sweep, shared by processes through their outcomes
trial.py     one run of a study, and its outcome
folder.py    the files of a study, and whether it may go on
results.py   trials -> tables, plots, best.py
compare.py   finished runs side by side, top to bottom
finished.py  a finished run, as a comparison needs it
comparable.py  which runs can be compared
comparison.py  comparable runs -> tables
"""
