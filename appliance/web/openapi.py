"""The OpenAPI 3.1 document of the dashboard's endpoints, made from what each of them states (`asking.speaks`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from flask import Blueprint, current_app

from appliance import __version__
from appliance.web.access import EVERYONE, allow, roles_of
from appliance.web.asking import Speech, speaks, speech_of

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.routing import Rule

BLUEPRINT = Blueprint("openapi", __name__)
PROBLEM_TYPE: Final = "application/problem+json"
_EVERY_REFUSAL: Final = (400, 401, 403, 404, 405, 413, 422, 423, 429, 503)
_REF: Final = "#/components/schemas/{name}"


class Problem(msgspec.Struct, kw_only=True):
    """Why a request was refused (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str
    field: str = ""


@BLUEPRINT.get("/api/openapi.json")
@allow(*EVERYONE)
@speaks(answer=dict[str, Any])
def document() -> dict[str, Any]:
    """Describe every endpoint."""
    return build(current_app)


def build(app: Flask) -> dict[str, Any]:
    """Return the document of every endpoint of the application that states what it speaks."""
    offered = [rule for rule in app.url_map.iter_rules() if rule.endpoint in app.view_functions]
    views = [(rule, app.view_functions[rule.endpoint]) for rule in offered]
    spoken = [(rule, speech) for rule, view in views if (speech := speech_of(view))]
    schemas = _Schemas([speech for _, speech in spoken])
    paths: dict[str, Any] = {}
    for rule, speech in spoken:
        path = re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(path, {})[method.lower()] = _operation(app, rule, method, speech, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "exambox dashboard", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "exambox_session"}},
        },
    }


class _Schemas:
    """JSON Schemas of every type that is spoken, shared ones under ``components``."""

    def __init__(self, speeches: list[Speech]) -> None:
        kinds = [Problem, *(kind for speech in speeches for kind in _kinds(speech))]
        found, self.components = msgspec.json.schema_components(kinds, ref_template=_REF)
        self._by_kind = dict(zip(map(id, kinds), found, strict=True))

    def of(self, kind: Any) -> dict[str, Any]:
        return self._by_kind[id(kind)]

    def properties(self, kind: Any) -> tuple[dict[str, Any], set[str]]:
        """Return a Struct's fields and which of them must be there."""
        schema = self.of(kind)
        whole = self.components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        return whole.get("properties", {}), set(whole.get("required", ()))


def _kinds(speech: Speech) -> list[Any]:
    return [kind for kind in (speech.query, speech.form, _json(speech), *(kind for _, kind in speech.also)) if kind]


def _json(speech: Speech) -> Any:
    return None if speech.answer is None or isinstance(speech.answer, str) else speech.answer


def _operation(app: Flask, rule: Rule, method: str, speech: Speech, schemas: _Schemas) -> dict[str, Any]:
    view = app.view_functions[rule.endpoint]
    roles = roles_of(app, rule.endpoint)
    operation: dict[str, Any] = {
        "operationId": f"{rule.endpoint}.{method.lower()}",
        "summary": (view.__doc__ or "").strip().split("\n")[0],
        "x-exambox-roles": sorted(roles) if roles is not None else ["anybody"],
        "security": [{"session": []}] if roles is not None else [],
        "parameters": [_path_parameter(rule, name) for name in sorted(rule.arguments)],
        "responses": {str(speech.status): _answer(speech, schemas)},
    }
    if speech.query:
        fields, required = schemas.properties(speech.query)
        operation["parameters"] += [
            {"name": name, "in": "query", "required": name in required, "schema": kind} for name, kind in fields.items()
        ]
    if method != "GET":
        token = {"name": "X-CSRFToken", "in": "header", "required": True, "schema": {"type": "string"}}
        operation["parameters"].append(token)
    if speech.form:
        content = {"application/x-www-form-urlencoded": {"schema": schemas.of(speech.form)}}
        operation["requestBody"] = {"required": True, "content": content}
    problem = {"content": {PROBLEM_TYPE: {"schema": schemas.of(Problem)}}}
    for status in sorted({*_EVERY_REFUSAL, *speech.errors}):
        operation["responses"][str(status)] = {"description": "Refused.", **problem}
    for status, kind in speech.also:
        content = {"application/json": {"schema": schemas.of(kind)}}
        operation["responses"][str(status)] = {"description": "Answered.", "content": content}
    return operation


def _answer(speech: Speech, schemas: _Schemas) -> dict[str, Any]:
    if isinstance(speech.answer, str):
        return {"description": "Done.", "content": {speech.answer: {}}}
    if speech.answer is None:
        return {"description": "Done."}
    return {"description": "Done.", "content": {"application/json": {"schema": schemas.of(speech.answer)}}}


def _path_parameter(rule: Rule, name: str) -> dict[str, Any]:
    number = re.search(rf"<int:{re.escape(name)}>", rule.rule)
    schema: dict[str, Any] = {"type": "integer", "minimum": 0} if number else {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}
