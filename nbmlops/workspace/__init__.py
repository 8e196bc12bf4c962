"""The verbs: what joins the rooms. Every door calls a verb of :class:`Workspace`."""

from nbmlops.workspace.workspace import Workspace

__all__ = ["Workspace"]
