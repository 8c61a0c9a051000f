"""Fonts of this computer for letters that the report's own font has not: Noto's, found by what Unicode calls the script.
Debian: `fonts-noto-core`, and for Chinese, Japanese and Korean `fonts-noto-cjk` or the smaller `fonts-droid-fallback`."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

FOLDERS = (  # what is the user's own comes last and wins
    "/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "C:/Windows/Fonts",
    "~/Library/Fonts", "~/.fonts", "~/.local/share/fonts",
)  # fmt: skip
EASTERN = {"CJK", "HANGUL", "HIRAGANA", "KATAKANA", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH", "HALFWIDTH"}


def script_of(letter: str) -> str:
    """The first word of its name: ARABIC, HEBREW, DEVANAGARI, CJK; empty where it has none."""
    return unicodedata.name(letter, "").partition(" ")[0].partition("-")[0]


def installed() -> dict[str, Path]:
    """By name without its ending."""
    paths = (Path(at, file) for folder in FOLDERS for at, _folders, files in os.walk(Path(folder).expanduser()) for file in files)
    return {path.stem: path for path in paths if path.suffix.lower() in (".ttf", ".otf", ".ttc")}


def font_of(script: str, fonts: dict[str, Path]) -> Path | None:
    """The best of them; it may lack a letter all the same."""
    names = ("NotoSansCJK-Regular", "DroidSansFallbackFull", "DroidSansFallback") if script in EASTERN else (f"NotoSans{script.title()}-Regular",)
    return next((fonts[name] for name in names if name in fonts), None)
