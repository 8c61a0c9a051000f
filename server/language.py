"""In which language a page speaks. English is in the code; another language is one catalogue, `locales/NAME.po`.

`_` and `ngettext` speak the language of the request that is being answered. Placeholders are `%(name)s`, in Python, in
templates and in JavaScript (static/words.js) alike; a percent sign is `%%`. `make words` brings the catalogues up to
what the code says.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Set
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection

if TYPE_CHECKING:
    from babel import Locale  # here and below: babel comes with the first page

LOCALES = Path(__file__).parent / "locales"
LANGUAGES = {"en": "English", "de": "Deutsch"}  # by their own names
COOKIE = "language"

_present: ContextVar[str] = ContextVar("language", default="en")


def present() -> str:
    return _present.get()


def locale() -> Locale:
    return _locale(present())


@cache
def _locale(language: str) -> Locale:
    from babel import Locale

    return Locale.parse("en_GB" if language == "en" else language)


def use(language: str) -> None:
    """From here on, for this request."""
    _present.set(language)


@contextlib.contextmanager
def speaking(language: str) -> Iterator[None]:
    token = _present.set(language)
    try:
        yield
    finally:
        _present.reset(token)


def chosen(connection: HTTPConnection, account: str | None) -> str:
    """The account's, or what the browser was told here, or what it asks for."""
    asked = [account, connection.cookies.get(COOKIE), *_accepted(connection.headers.get("accept-language", ""))]
    return next((language for language in asked if language in LANGUAGES), "en")


def _accepted(header: str) -> list[str]:
    """RFC 9110, 12.5.4: languages, the dearest first."""
    wanted: list[tuple[float, str]] = []
    for part in header[:200].split(","):
        name, _, weight = part.partition(";q=")
        with contextlib.suppress(ValueError):
            wanted.append((float(weight or 1), name.strip().lower().partition("-")[0]))
    return [name for weight, name in sorted(wanted, key=lambda one: -one[0]) if weight > 0]


def form_of(text: str) -> str:
    """With its placeholders still in it; so is what `forms_of` gives."""
    return _catalogue(present()).gettext(text)


def forms_of(one: str, many: str, n: int) -> str:
    return _catalogue(present()).ngettext(one, many, n)


def _(text: str, /, **values: Any) -> str:
    return form_of(text) % values


def ngettext(one: str, many: str, n: int, /, **values: Any) -> str:
    """The form that fits n; num is one of the values."""
    return forms_of(one, many, n) % ({"num": n} | values)


def N_(text: str) -> str:  # noqa: N802, the name that gettext knows
    """Marks what is translated where it is shown."""
    return text


class Vocabulary(Mapping[str, str]):
    """Words by name, each in the language that is spoken when it is asked for."""

    def __init__(self, **english: str) -> None:
        self._english = english

    def __getitem__(self, name: str) -> str:
        return _(self._english[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._english)

    def __len__(self) -> int:
        return len(self._english)


def for_scripts(those: Set[str]) -> dict[str, list[str]]:
    """What scripts of server/static say, translated: English -> the forms."""
    return {english: forms for english, forms, where in _scripts(present()) if where & those}


@cache
def _catalogue(language: str) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    from babel.messages.mofile import write_mo

    compiled = BytesIO()
    write_mo(compiled, _read(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def _scripts(language: str) -> list[tuple[str, list[str], set[str]]]:
    """(English, its forms, where it stands in server/static)."""
    if language == "en":
        return []
    found = []
    for message in _read(language):
        where = {path.removeprefix("server/static/") for path, _line in message.locations if path.endswith(".js")}
        if message.id and where:
            ids, forms = ([one] if isinstance(one, str) else list(one) for one in (message.id, message.string))
            found.append((ids[0], forms, where))
    return found


def _read(language: str) -> Any:
    from babel.messages.pofile import read_po

    with open(LOCALES / f"{language}.po", "rb") as file:
        return read_po(file, locale=language)
