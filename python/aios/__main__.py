"""`python -m aios` is the command line."""

from aios.cli.main import main

main()
