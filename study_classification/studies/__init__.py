"""Many runs: values of fields are searched for, or compared.

space.py     what search_space() in a config gives: Range, Choice
grid.py      what sweep() in a config gives: Sweep, grid
settings.py  values of fields, checked like typed ones, in a config
tune.py      tune(...), top to bottom
search.py    a search by Optuna, shared by processes through its journal
sweep.py     all runs of a sweep, shared by processes through their outcomes
trial.py     one run of a study, and its outcome
folder.py    the files of a study, and whether it may be gone on with
results.py   the trials -> tables, plots, best.py
compare.py   finished runs side by side, top to bottom
finished.py  a finished run, as far as a comparison asks for it
comparable.py  which runs can be compared
comparison.py  runs that can -> tables
"""
