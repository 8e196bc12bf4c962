"""The review in a notebook: evidence, changes, findings and verdict, as core ipywidgets."""

from nbmlops.surfaces.review.widget import ReviewWidget

__all__ = ["ReviewWidget"]
