"""Many processes on one lake at once: what fails, what is lost, who waits."""
