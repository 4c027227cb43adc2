"""Claims of speed and accuracy, each a command that prints it."""
