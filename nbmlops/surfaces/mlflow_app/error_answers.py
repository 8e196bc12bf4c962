"""What went wrong, as MLflow's clients read it."""

from __future__ import annotations

from starlette.responses import JSONResponse

__all__ = ["error_answer"]


def error_answer(code: str, message: str, status: int) -> JSONResponse:
    """An answer with one of MLflow's error codes, which its clients raise as an exception."""
    return JSONResponse({"error_code": code, "message": message}, status_code=status)
