"""The session as it ran, as a notebook: every executed cell in order, with what it showed."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

__all__ = ["executed_notebook"]


def executed_notebook(session: bytes) -> str:
    """The notebook (nbformat 4.5) of a session file, as JSON text.

    Written as plain JSON: the library for notebooks takes a second to import its validator.
    """
    cells: list[dict[str, Any]] = []
    ids: set[str] = set()
    for number, ran in enumerate(msgspec.json.decode(session), 1):
        # A cell that ran twice stands there twice: its second id says so.
        cell_id = _valid(ran["id"]) or f"cell-{number}"
        if cell_id in ids:
            cell_id = f"{cell_id[:50]}-run-{number}"
        ids.add(cell_id)
        outputs = [_whole(output, ran["execution_count"]) for output in ran["outputs"]]
        if ran["error"]:
            outputs.append(_error(ran["error"]))
        cells.append(
            {
                "cell_type": "code",
                "execution_count": ran["execution_count"],
                "id": cell_id,
                "metadata": {},
                "outputs": outputs,
                "source": ran["source"],
            }
        )
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _whole(output: dict[str, Any], count: int) -> dict[str, Any]:
    if output["output_type"] == "execute_result":
        return {**output, "execution_count": count}
    return output


def _error(text: str) -> dict[str, Any]:
    name, _, value = text.partition(": ")
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": [text]}


def _valid(cell_id: str | None) -> str | None:
    return cell_id if cell_id and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell_id) else None
