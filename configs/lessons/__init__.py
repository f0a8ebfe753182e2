"""The lessons of the course: each file's docstring says the question, the command, the time and the result."""
