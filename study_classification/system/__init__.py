"""Everything about the machine.

console.py      messages to the terminal and the log file; data on stdout
ending.py       ends the program with a sentence and an exit code, after a user's mistake or Ctrl-C
files.py        files that are written whole or not at all
locks.py        locks between processes
entries.py      entries of a cache: whole and sealed with digests, or not there
array_cache.py  arrays that took long to compute, as memory-mapped files
threads.py      work by several threads
signals.py      Ctrl-C and SIGTERM as requests to stop
devices.py      devices, mesh, precision, memory
hosts.py        several hosts: how they join, which one speaks, what they agree on
lifeline.py     ends all processes when one of several ends, with the same sentence
"""
