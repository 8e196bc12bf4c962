"""Reports for people outside Jupyter: self-contained HTML pages, light and dark, fit to print."""

from nbmlops.surfaces.reports.audit import write_audit_csv, write_audit_html

__all__ = ["write_audit_csv", "write_audit_html"]
