"""Nothing that a person reads stands outside of the catalogues, and no catalogue has a hole."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from babel.messages.jslexer import tokenize
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from house import housing
from jinja2 import Environment

import server
from server import language, locales, words
from server.language import LANGUAGES, speaking

SERVER = Path(server.__file__).parent
TEMPLATES = sorted((SERVER / "templates").rglob("*.html"))
SCRIPTS = sorted((SERVER / "static").glob("*.js"))  # errors of bands/ are English, as those of sensor/; words.js says them to people
SCRIPTS.append(SERVER / "static" / "bands" / "words.js")
SAID = {"aria-label", "title", "alt", "placeholder", "data-label", "aria-description"}  # attributes that people are told
NAMES = {"hiprep"}  # the same in every language
HOLES = re.compile(r"%\(\w+\)s|<[^>]+>")


def test_the_catalogues_hold_what_the_code_says() -> None:
    for name in LANGUAGES.keys() - {"en"}:
        assert (SERVER / "locales" / f"{name}.po").read_bytes() == locales.updated(name), "run `make words`"


@pytest.mark.parametrize("name", sorted(LANGUAGES.keys() - {"en"}))
def test_every_text_is_translated_with_its_placeholders(name: str) -> None:
    with open(SERVER / "locales" / f"{name}.po", "rb") as file:
        catalogue = read_po(file, locale=name)
    for message in catalogue:
        if not message.id:
            continue
        ids, texts = ([one] if isinstance(one, str) else list(one) for one in (message.id, message.string))
        assert len(texts) == len(ids) and all(texts) and not message.fuzzy, message.id
        for text in texts:
            wanted = set(HOLES.findall(ids[-1]))
            assert set(HOLES.findall(text)) == wanted or (len(ids) > 1 and set(HOLES.findall(text)) <= wanted), message.id
            assert set(re.findall(r"\{\w+\}", text)) <= set(re.findall(r"\{\w+\}", ids[0])), message.id
            assert text.strip() == text or ids[0].strip() != ids[0], message.id


class Said(HTMLParser):
    """Words of a template that do not come from an expression; commands are the same in every language."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code = tag == "code"
        self.words += [value for name, value in attrs if name in SAID and value]

    def handle_endtag(self, tag: str) -> None:
        self._code = False

    def handle_data(self, data: str) -> None:
        self.words += [] if self._code else data.split()


def spoken(template: str) -> list[str]:
    """What Jinja passes on as it stands, outside of {% trans %}."""
    template = re.sub(r"{% block page %}[a-z ]*{% endblock %}", "", template)  # a class
    plain, inside, block = [], False, ""
    for _line, kind, value in Environment(extensions=["jinja2.ext.i18n"]).lexer.tokeniter(template, None):
        if kind == "data":
            plain.append("" if inside else value)
        elif kind == "block_begin":
            block = ""
        elif kind == "name" and not block:
            block = value
            inside = value == "trans" or (inside and value != "endtrans")
        elif kind == "variable_begin":
            plain.append("§")  # something stands there
    said = Said()
    said.feed("".join(plain))
    said.close()
    return [word for word in said.words if re.search(r"[^\W\d_]{2}", word) and word.strip("§.,:;") not in NAMES]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_anything_by_itself(path: Path) -> None:
    assert spoken(path.read_text()) == []


def test_the_search_for_words_finds_them() -> None:
    assert spoken("<p>Some {{ x }} words</p>") == ["Some", "words"]
    assert spoken('<p aria-label="Tell me">{% trans a=1 %}Some {{ a }}{% endtrans %}</p>') == ["Tell me"]
    assert loose('text("count", "Not begun")') == ["Not begun"] and loose('f(_("Not begun"), "a-class")') == []
    assert loose("f(`For ${n} seconds`)") == ["For ${n} seconds"] and loose('throw new Error("not a packet")') == []


def loose(script: str) -> list[str]:
    """Texts of a script that look like a sentence, or begin like one, and are given to neither `_` nor an Error."""
    found, before = [], ["", ""]
    for token in tokenize(script, template_string=True):
        if token.type in ("string", "template_string"):
            text = token.value[1:-1]
            sentence = re.search(r"[A-Za-z]{2,} (\$\{\w+\} )?[a-z]{2,}", text) or re.fullmatch(r"[A-Z][a-z]+", text)
            code = re.search(r"[#.=\[\]:>;{]{1}\S|/\S+/|\dpx", text.replace("${", "")) and "." not in text.rstrip(".")[-1:]
            told = before[-1] == "(" and before[-2] in ("_", "Error", "TypeError", "RangeError")
            told = told or "ngettext" in before[-6:]
            if sentence and not code and not told:
                found.append(text)
        if token.type not in ("linecomment", "multilinecomment", "whitespace"):
            before = [*before, token.value][-8:]
    return found


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_says_anything_by_itself(path: Path) -> None:
    assert loose(path.read_text()) == []


def test_a_page_speaks_what_the_browser_asks_for_or_was_told(client) -> None:
    def heard(**headers: str) -> str:
        return re.search('<html lang="(..)">', client.get("/intended-use", headers=headers).text)[1]

    for asked, got in (
        ("de", "de"), ("de-AT,en;q=0.5", "de"), ("fr, en;q=0.3, de;q=0.8", "de"), ("en-US,de;q=0.9", "en"), ("fr", "en"),
        ("de;q=0", "en"), ("de;q=x", "en"), ("", "en"), ("x" * 4000, "en"),
    ):  # fmt: skip
        assert heard(**{"accept-language": asked}) == got, asked
    told = client.post("/language", data={"language": "de", "next": "/intended-use"})
    assert (told.status_code, told.headers["location"]) == (303, "/intended-use")
    assert heard(**{"accept-language": "en"}) == "de" and "Trainingshilfe" in client.get("/intended-use").text
    assert 'name="next" value="/live?a=1&amp;b=%22"' in client.get("/live?a=1&b=%22").text  # to the same page, with all that was asked of it
    assert client.post("/language", data={"language": "de", "next": "//evil.example"}).headers["location"] == "/"
    assert client.post("/language", data={"language": "xx"}).status_code == 422


def test_an_account_keeps_its_language(tmp_path: Path) -> None:
    with housing(tmp_path) as house:
        admin = house.found("Hillside", "Ada Admin")
        pat = admin.add("Pat Patient", "patient")
        assert pat.post("/language", data={"language": "de"}).status_code == 303
        assert "Abmelden" in pat.again().get("/").text and "Personen" not in admin.get("/people").text
        wrong = httpx.post(f"{house.url}/login", data={"email": "a@b.c", "password": "x"}, headers={"accept-language": "de", "accept": "text/html"}, verify=False)
        assert "E-Mail-Adresse oder Passwort stimmt nicht." in wrong.text
        missing = pat.get("/nothing")
        assert missing.status_code == 404 and "Nicht gefunden" in missing.text and "Unter /nothing gibt es nichts" in missing.text


def test_numbers_and_dates_are_written_as_the_language_does() -> None:
    with speaking("de"):
        assert (words.number(1234.56, 1), words.number(-0.04, 1), words.number(None)) == ("1.234,6", "0,0", "–")
        assert words.when("2026-03-05T08:04:00+00:00", "Europe/Berlin") == "5. März 2026, 09:04"
        assert words.exercises({"exercise": None, "sets": [{"exercise": "hip_abduction"}, {"exercise": "straight_leg_raise"}]}) == (
            "Hüftabduktion in Seitlage, Beinheben gestreckt"
        )
        assert words.together(["straight_leg_raise", "hip_abduction"]) == "Hüftabduktion in Seitlage, Beinheben gestreckt"  # in either order
    assert (words.number(1234.56, 1), words.number(-3)) == ("1,234.6", "−3")
    for name in LANGUAGES:  # as babel writes them, which takes far longer
        with speaking(name):
            for value, digits in ((0, 0), (-0.5, 0), (999.95, 1), (-1234567.891, 2), (1e9, 0)):
                told = format_decimal(float(f"{value:.{digits}f}") + 0.0, "#,##0" + "." * bool(digits) + "0" * digits, language.locale())
                assert words.number(value, digits) == told.replace("-", "−")
    assert words.when("2026-03-05T08:04:00+00:00", "Europe/Berlin") == "5 March 2026, 09:04"
    assert language.present() == "en"
