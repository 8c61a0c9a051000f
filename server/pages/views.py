"""What all pages share: templates that know who looks, forms, and the way to the login."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response
from starlette.templating import Jinja2Templates

from server import exports, language, words
from server.access import Who, chosen_language
from server.pages.scripts import script, words_for
from server.problems import Problem
from server.service import of



def _looker(request: Request) -> dict[str, Any]:
    """who: what the head of the page leads to; zone: None for this computer's."""
    who: Who | None = getattr(request.state, "who", None)
    language.use(chosen_language(request, who))  # once more for errors that came before anybody was looked for
    who = who if who and who.full else None
    demo = of(request).settings.demo is not None
    return {"who": who, "demo": demo, "zone": who.entrance.clinic.time_zone if who and who.entrance else None, "language": language.present()}


templates = Jinja2Templates(Path(__file__).parents[1] / "templates", context_processors=[_looker])
templates.env.globals |= {"words": words, "exports": exports.listed(), "script": script, "languages": language.LANGUAGES}
templates.env.globals |= {"words_for": words_for, "translated": language.form_of}
templates.env.add_extension("jinja2.ext.i18n")
templates.env.install_gettext_callables(language.form_of, language.forms_of, newstyle=True)
templates.env.policies["ext.i18n.trimmed"] = True
templates.env.trim_blocks = templates.env.lstrip_blocks = True
FIELDS = 400  # of a form; no source

Form = TypeVar("Form", bound=BaseModel)


def page(request: Request, name: str, problem: Problem | None = None, **what: Any) -> Response:
    """problem: with a form that was not taken, which is shown again."""
    status, headers = (problem.status_code, problem.headers) if problem else (200, None)
    return templates.TemplateResponse(request, name, {"problem": problem, **what}, status, headers)


def go(path: str) -> Response:
    return RedirectResponse(path, 303)


def local_path(text: str) -> str:
    """Where to go on after the login: a path of this server and nothing that a browser takes for another one's."""
    good = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text if good else "/"


async def fields(request: Request) -> dict[str, str]:
    """Of a form, each once."""
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=FIELDS)
    except (ValueError, ClientDisconnect) as error:  # the second: nobody is there to be told
        raise Problem(400, "not a form", "body") from error
    values = {name: value.replace("\r\n", "\n") for name, value in pairs}  # as browsers send the lines of a text
    if len(values) < len(pairs):
        raise Problem(422, "a field came twice", "body")
    return values


async def form(request: Request, kind: type[Form]) -> Form:
    """The fields that `kind` names and no others."""
    return checked(kind, await fields(request))


def checked(kind: type[Form], values: dict[str, Any]) -> Form:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Problem(422, "{what} at {field}", where, field=where, what=first["msg"].removeprefix("Value error, ")) from error
