"""``python -m nbmlops`` is ``nbmlops``."""

from nbmlops.surfaces.cli import main

main(prog_name="nbmlops")
