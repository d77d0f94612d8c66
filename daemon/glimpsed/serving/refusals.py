"""What becomes of errors: each one a problem, told to the client and to the log."""

from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from glimpsed.errors import ChildError, EncoderError, GlimpsedError, QueryError, TableError, UsageError
from glimpsed.serving import models, problems
from glimpsed.serving.door import Door

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": {"model": models.Problem, "description": "It cannot be answered as it was asked"},
    "5XX": {"model": models.Problem, "description": "It cannot be answered just now, or glimpsed made a mistake"},
}
"""The answers that any route may give instead of its own."""


def add(app: FastAPI, door: Door) -> None:
    """Have every error of the application told as a problem, in its answers and in its OpenAPI document."""

    @app.exception_handler(GlimpsedError)
    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, GlimpsedError)
        status = _status_of(error)
        door.refused(request.scope["path"][:200], status, str(error))
        if isinstance(error, QueryError):
            return _unclear(status, error)
        return _problem(status, f"{error.where}: {error.what}" if error.where else error.what, hint=error.hint)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        status = 422
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'][1:] or fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        if error.body and "json" not in request.headers.get("content-type", ""):
            status, faults = 415, "a body has to come as content-type: application/json"
        door.refused(request.scope["path"][:200], status, faults)
        return _problem(status, faults)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = _problem(error.status_code, error.detail)
        response.headers.update(error.headers or {})
        return response

    _tell_problems(app)


def _problem(status: int, detail: str, *, hint: str | None = None) -> Response:
    return Response(problems.problem(status, detail, hint=hint), status, media_type=problems.MEDIA_TYPE)


def _unclear(status: int, error: QueryError) -> Response:
    """What is wrong with a question, and where: in a column of it, or in a field."""
    detail = error.what if error.field is None else f"{error.field}: {error.what}"
    where = {"column": error.column} if error.field is None else {"field": error.field}
    body = problems.problem(status, detail, hint=error.hint, suggestion=error.suggestion, **where)
    return Response(body, status, media_type=problems.MEDIA_TYPE)


def _status_of(error: GlimpsedError) -> int:
    match error:
        case QueryError() | UsageError():
            return 400
        case TableError() | EncoderError() | ChildError():
            return 503
        case _:
            return 500


def _tell_problems(app: FastAPI) -> None:
    """Problems have a media type of their own in the OpenAPI document too."""
    routes = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            for path in routes()["paths"].values():
                for operation in path.values():
                    for status in PROBLEMS:
                        content = operation["responses"][str(status)]["content"]
                        content[problems.MEDIA_TYPE] = content.pop("application/json")
        return routes()

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's manual has it
