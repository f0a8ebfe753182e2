"""The files that a run leaves on disk.

directory.py    the files of a run directory, and whether a run may be resumed
own_data.py     what a run keeps about its data, and whether other data are the same
results.py      the results of evaluations and reports
calibration.py  the temperature of probabilities
json_files.py   reads JSON files of a run; the config as JSON
checkpoint.py   one checkpoint on disk: trees through Orbax, digests of all files
checkpoints.py  the checkpoints of a run: a thread writes them; the last two and the best are kept
lock.py         one training at a time in a run directory
history.py      the epochs so far: which is the best, and whether to stop
environment.py  versions, devices, command
"""
