"""The command line `aios`: stdout is data, stderr is talk."""
