"""How a run runs: decided by a pure machine, written down by one writer, done by executors."""
