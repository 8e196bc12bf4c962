"""The Jupyter Server extension: a project's records over HTTP, and word of every change."""

from nbmlops.surfaces.jupyter_server.extension import NbmlopsExtension

__all__ = ["NbmlopsExtension"]
