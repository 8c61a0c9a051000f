from server.language import LANGUAGES
from server.locales import HERE, updated

for language in LANGUAGES.keys() - {"en"}:
    (HERE / f"{language}.po").write_bytes(updated(language))
