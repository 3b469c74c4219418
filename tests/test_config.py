from __future__ import annotations

from pathlib import Path

import pytest

from talkbot_tui import i18n
from talkbot_tui.config import THEMES, ConfigError, Settings, load, parse, place


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path / "config.toml") == Settings()


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('user = "ana"\ntyping = false\n\n[keys]\nswitcher = "ctrl+o"\n')
    settings = load(file)
    assert settings == Settings(user="ana", typing=False, keys={"switcher": "ctrl+o"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('user = "ana"\ncolour = 1\n', "c.toml:2: colour: there is no such setting"),
        ("\n\ntyping = 'no'\n", "c.toml:3: typing: must be true or false"),
        ("[keys]\nswitcher = 5\n", "c.toml:2: keys.switcher: must be a text"),
        ("\ntheme = 'pink'\n", "c.toml:2: theme: there is no 'pink'; choose night, day, ansi"),
        ("language = 'xx'\n", "c.toml:1: language: there is no 'xx'; choose en, pt-BR"),
        ("keys = 3\n", "c.toml:1: keys: must be a table"),
        ("user = \n", "c.toml: not valid TOML: Invalid value (at line 1, column 8)"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_key(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "c.toml")
    assert str(caught.value) == told


def test_a_setting_that_is_nearly_right_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("langage = 'pt'\n", "c.toml")
    assert str(caught.value).endswith("there is no such setting; did you mean language?")


def test_mistakes_are_told_in_the_users_language() -> None:
    before = i18n.language()
    i18n.set_language("pt-BR")
    try:
        with pytest.raises(ConfigError) as caught:
            parse("typing = 'no'\n", "c.toml")
    finally:
        i18n.set_language(before)
    assert str(caught.value) == "c.toml:1: typing: deve ser true ou false"


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="it is not UTF-8"):
        load(file)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    assert load(tmp_path / "config.toml") == Settings()
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "config.toml", named=True)


def test_the_themes_are_those_of_the_screens() -> None:
    from talkbot_tui.ui import themes

    assert themes.NAMES == THEMES


@pytest.mark.parametrize("name", ["en", "pt", "pt-BR", "pt_BR.UTF-8", ""])
def test_languages_have_several_names(name: str) -> None:
    assert parse(f"language = '{name}'", "c.toml").language == name


def test_a_place_in_the_file_is_found_again(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('user = "ana"\n[keys]\nswitcher = "ctrl+p"\n')
    assert place(file, "switcher") == f"{file}:3"
    assert place(tmp_path / "gone", "switcher") == str(tmp_path / "gone")
