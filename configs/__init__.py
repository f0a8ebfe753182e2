"""Configs: each file's docstring says the command, the hardware, the time and the result to expect."""
