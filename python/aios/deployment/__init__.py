"""Which version answers, and how it is watched."""
