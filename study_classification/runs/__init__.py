"""What a run leaves on disk.

directory.py    the files of a run directory, and whether a run may be resumed
checkpoints.py  Orbax: the latest and the best
history.py      the epochs so far: which was the best, whether to stop
environment.py  versions, devices, command
"""
