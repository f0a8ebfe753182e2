"""What a run leaves on disk.

directory.py    the files of a run directory, and whether a run may be resumed
own_data.py     what it keeps of its data, and whether other data are the same
results.py      what evaluations and reports leave
json_files.py   its JSON files, and the config as one
checkpoint.py   one checkpoint on disk: trees through Orbax, digests of all files
checkpoints.py  those of a run: written in a thread, the last two and the best; the next good one where one is damaged
lock.py         one training at a time in a run directory
history.py      the epochs so far: which was the best, whether to stop
environment.py  versions, devices, command
"""
