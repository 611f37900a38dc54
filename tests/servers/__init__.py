"""Real servers for the tests: each module starts one on a free port, in a process group of its own."""
