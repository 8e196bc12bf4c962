"""IS it fit for production? Gather, parameters, clean run, environment lock, bundle."""

from nbmlops.promotion.bundle import NOTEBOOK_FILE, stage_bundle
from nbmlops.promotion.clean_run import check_clean_run, pick_clean_run
from nbmlops.promotion.gather import gather_notebook
from nbmlops.promotion.notebook import changed_cell, read_notebook, write_notebook
from nbmlops.promotion.parameters import check_parameters, notebook_parameters

__all__ = [
    "NOTEBOOK_FILE",
    "changed_cell",
    "check_clean_run",
    "check_parameters",
    "gather_notebook",
    "notebook_parameters",
    "pick_clean_run",
    "read_notebook",
    "stage_bundle",
    "write_notebook",
]
