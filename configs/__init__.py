"""Configs. The docstring of each file says the command, the hardware, the time and the result to expect."""
