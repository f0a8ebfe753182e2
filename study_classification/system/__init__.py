"""The machine.

console.py      what is said, to the terminal and to the log file; data on stdout
ending.py       a user's mistake and Ctrl-C end the program with a sentence and an exit code
files.py        files that are written whole or not at all
locks.py        locks between processes
entries.py      entries of a cache: whole and sealed with digests, or not there
array_cache.py  arrays that took long to compute, as memory-mapped files
threads.py      work for several threads
signals.py      Ctrl-C and SIGTERM as a question
devices.py      devices, mesh, precision, memory
hosts.py        all of multi-host: which host speaks, what they agree on
"""
