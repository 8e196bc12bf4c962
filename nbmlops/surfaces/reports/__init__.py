"""Reports for people outside Jupyter: self-contained HTML pages, light and dark, and PDFs."""

from nbmlops.surfaces.reports.audit import write_audit_csv, write_audit_html
from nbmlops.surfaces.reports.dossier import (
    write_dossier_html,
    write_dossier_json,
    write_dossier_pdf,
)

__all__ = [
    "write_audit_csv",
    "write_audit_html",
    "write_dossier_html",
    "write_dossier_json",
    "write_dossier_pdf",
]
