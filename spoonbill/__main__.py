"""``python -m spoonbill`` is the command line."""

from spoonbill.cli import main

main()
