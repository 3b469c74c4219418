"""The message catalogues: `update` from the sources, `compile` for use, `check` for completeness.

Each domain is one part of the program, so that its translators see one thing at a time.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "talkbot_tui"
DOMAINS = {"app": ("ui", "linear"), "cli": ("cli", "config.py"), "bots": ("bots",)}
LOCALES = ("pt_BR",)
# Headers that only say who ran what when, which the history of the repository knows better.
LEFT_OUT = (
    '"POT-Creation',
    '"PO-Revision',
    '"Generated-By',
    '"Report-Msgid-Bugs-To',
    '"Last-Translator',
    '"Language-Team',
)
KEYWORDS = {
    "_": None,
    "N_": None,
    "plural": (1, 2),
    "translate": (2,),
    "translate_plural": (2, 3),
}


def path_of(locale: str, domain: str) -> Path:
    """The `.po` file of a domain."""
    return PACKAGE / "locale" / locale / "LC_MESSAGES" / f"{domain}.po"


def template(domain: str) -> Catalog:
    """Every marked text of the domain's sources."""
    found = Catalog(domain=domain, project="talkbot-tui", charset="utf-8")
    for folder in DOMAINS[domain]:
        if folder.endswith(".py"):
            for _line, message, _comments, context in extract_from_file(
                "python", PACKAGE / folder, keywords=KEYWORDS
            ):
                found.add(message, locations=[(folder, 0)], context=context)
            continue
        if not (PACKAGE / folder).is_dir():
            continue
        for name, _line, message, _comments, context in extract_from_dir(
            PACKAGE / folder, method_map=[("**.py", "python")], keywords=KEYWORDS
        ):
            found.add(message, locations=[(f"{folder}/{name}", 0)], context=context)
    return found


def read(locale: str, domain: str) -> Catalog:
    """The catalogue as it stands; empty when there is none."""
    path = path_of(locale, domain)
    if not path.exists():
        return Catalog(locale=locale, domain=domain, project="talkbot-tui", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=locale, domain=domain)


def update() -> int:
    """Bring every `.po` in line with the sources, keeping what is translated."""
    for locale in LOCALES:
        for domain in DOMAINS:
            catalogue = read(locale, domain)
            catalogue.update(template(domain), no_fuzzy_matching=True)
            catalogue.obsolete.clear()
            catalogue.header_comment = f"# {locale} texts of talkbot-tui, part {domain}."
            catalogue.fuzzy = False
            out = BytesIO()
            write_po(
                out, catalogue, sort_output=True, include_lineno=False, omit_header=False, width=100
            )
            lines = [
                line
                for line in out.getvalue().decode().splitlines()
                if not line.startswith(LEFT_OUT)
            ]
            path = path_of(locale, domain)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return check()


def compile_all() -> int:
    """Write the `.mo` file beside every `.po`."""
    for locale in LOCALES:
        for domain in DOMAINS:
            if path_of(locale, domain).exists():
                with path_of(locale, domain).with_suffix(".mo").open("wb") as file:
                    write_mo(file, read(locale, domain))
    return 0


def check() -> int:
    """Name every text that has no translation, and every translation without a text."""
    wrong = 0
    for locale in LOCALES:
        for domain in DOMAINS:
            have = read(locale, domain)
            for message in template(domain):
                if not message.id:
                    continue
                mine = have.get(message.id if isinstance(message.id, str) else message.id[0])
                texts = mine.string if mine else ""
                done = all(texts) if isinstance(texts, (tuple, list)) else bool(texts)
                if mine is None or not done or mine.fuzzy:
                    print(f"{locale}/{domain}: not translated: {message.id!r}")
                    wrong += 1
                elif errors := list(mine.check()):
                    print(f"{locale}/{domain}: {message.id!r}: {errors[0]}")
                    wrong += 1
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit({"update": update, "compile": compile_all, "check": check}[sys.argv[1]]())
