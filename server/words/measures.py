"""Numbers, lengths of time and dates, as the language writes them. babel is imported where it is used: a server that
only takes packets needs none of it."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

from server.language import _, locale, ngettext, present

ELEVEN = [("", "–"), *((str(number), str(number)) for number in range(11))]  # 0 to 10, or not said


def number(value: float | None, digits: int = 0) -> str:
    if value is None:
        return "–"
    exact = float(f"{value:.{digits}f}") + 0.0  # halves as everywhere else; no minus before a zero
    return f"{exact:,.{digits}f}".translate(_signs(present()))


@cache
def _signs(language: str) -> dict[int, str]:
    """Of Python's numbers, a language's own: formatting a page's hundreds as babel does took half of what a page takes."""
    from babel.numbers import get_decimal_symbol, get_group_symbol

    return str.maketrans({",": get_group_symbol(locale()), ".": get_decimal_symbol(locale()), "-": "−"})


def degrees(value: float | None) -> str:
    return "–" if value is None else f"{number(value)}°"


def seconds(value: float | None) -> str:
    return "–" if value is None else f"{number(value, 1)} s"


def speed(degrees_per_s: float | None) -> str:
    return "–" if degrees_per_s is None else f"{number(degrees_per_s)} °/s"


def share(value: float | None) -> str:
    return "–" if value is None else f"{number(100 * value)} %"


def length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def when(iso: str, zone: str | None = None) -> str:
    """zone: the clinic's; None: this computer's, which is that of the one person at it."""
    from babel.dates import format_date, format_time

    local = datetime.fromisoformat(iso).astimezone(zone and ZoneInfo(zone))
    return f"{format_date(local, 'long', locale())}, {format_time(local, 'HH:mm', locale=locale())}"


def date_of(iso: str) -> str:
    from babel.dates import format_date

    return format_date(date.fromisoformat(iso), "long", locale())


def short_date(iso: str) -> str:
    """Within the year: 5 Mar."""
    from babel.dates import format_skeleton

    return format_skeleton("MMMd", date.fromisoformat(iso), locale=locale())


def day(iso: str | None, today: date) -> str:
    if iso is None:
        return _("none yet")
    days = (today - date.fromisoformat(iso)).days
    if not 0 <= days < 14:
        return date_of(iso)
    return {0: _("today"), 1: _("yesterday")}.get(days) or ngettext("%(num)s day ago", "%(num)s days ago", days)
