"""What is said when something goes wrong below the commands: code to words, translated."""

from __future__ import annotations

from talkbot_tui import i18n
from talkbot_tui.cli import exit_codes
from talkbot_tui.cli.problems import Problem
from talkbot_tui.client.addresses import shown

_ = i18n.Domain("cli")


def unreachable(code: str, url: str) -> Problem:
    """No connection to `url`, and why."""
    return Problem(reason(code).format(url=shown(url)), _exit_code(code))


def reason(code: str) -> str:
    """Words for a key of `transport.REASONS`; `{url}` stands for the server's address."""
    words = {
        "bad_url": _("“{url}” is not a server's address; write https://HOST or http://HOST:PORT"),
        "insecure_url": _(
            "{url} would carry everything unprotected; use https://, or --allow-insecure"
            " on a network you trust"
        ),
        "odd_url": _(
            "“{url}” has letters that can be taken for others; if you mean it, write the name"
            " as xn--…"
        ),
        "unknown_host": _("no such host: {url}; check the address and your network"),
        "refused": _("no server answers at {url}; check the address, or start the server"),
        "tls": _("the certificate of {url} cannot be trusted; nothing was sent"),
        "no_tls": _(
            "{url} does not speak TLS; on this machine use http://, else ask its administrator"
        ),
        "proxy": _(
            "the proxy that HTTPS_PROXY or HTTP_PROXY names does not lead to {url};"
            " check it, or name the host in NO_PROXY"
        ),
        "not_socketio": _("there is no talkbot server at {url}; check the address"),
        "timeout": _("{url} does not answer; try again later"),
        "silent": _("{url} does not answer; try again later"),
        "network": _("the network does not lead to {url}; check your connection"),
        "http_error": _("the server at {url} answers with an error; try again later"),
        "limited": _("{url} takes no more connections from this address for now; try again later"),
        "keyring": _("the saved session cannot be read; unlock the keyring, or use TALKBOT_TOKEN"),
    }
    return words.get(code, _("the connection to {url} was lost; try again"))


def _exit_code(code: str) -> int:
    if code in ("bad_url", "insecure_url", "odd_url"):
        return exit_codes.USAGE
    return exit_codes.REFUSED if code == "keyring" else exit_codes.UNREACHABLE


def refused(code: str, message: str, url: str) -> Problem:
    """The server answered no."""
    words = {
        "bad_credentials": _("wrong name or password at {url}"),
        "auth_required": _("{url} wants you to sign in: talkbot-tui login {url} --user NAME"),
        "signed_out": _("you are not signed in: talkbot-tui login {url} --user NAME"),
        "token_expired": _("the token has expired; sign in again, or make a new one"),
        "token_invalid": _("the server does not take this token; sign in again, or make a new one"),
        "secret_unreadable": _(
            "the saved session cannot be read ({message}); sign in again:"
            " talkbot-tui login {url} --user NAME"
        ),
        "session_revoked": _(
            "the session at {url} was ended; sign in again: talkbot-tui login {url} --user NAME"
        ),
        "protocol_unsupported": _("{url} speaks another version; update talkbot-tui"),
        "rate_limited": _("too many attempts at {url}; wait a minute and try again"),
        "registration_closed": _("{url} takes no new accounts; ask its administrator for one"),
        "invite_invalid": _("the invitation is not valid at {url}; ask for another"),
        "name_taken": _("that name is taken at {url}; choose another"),
        "name_invalid": _(
            "that name cannot be used; take 1 to 32 letters, digits, _ . or -, a letter or digit"
            " first, and no word that is kept for the server"
        ),
        "password_weak": _("the password is too weak or too long; use 8 to 1,000 characters"),
    }
    text = words.get(code, _("{url} refused: {message}"))
    return Problem(text.format(url=url, message=message or code), exit_codes.REFUSED)


def store(code: str, path: str) -> Problem:
    """A file of ours cannot be used."""
    words = {
        "busy": _("{path} is in use by another talkbot-tui; wait until it ends"),
        "newer": _("{path} was written by a newer version; update talkbot-tui"),
        "unsafe": _("{path} is not a file of ours; move it away"),
        "disk_full": _("the disk is full; nothing could be saved in {path}"),
        "read_only": _("{path} cannot be written; check its owner and its rights"),
    }
    text = words.get(code, _("{path} cannot be used ({code})"))
    return Problem(text.format(path=path, code=code), exit_codes.STORE)


def secret(code: str, detail: str) -> Problem:
    """The session's secret cannot be kept or read."""
    words = {
        "no_keyring": _(
            "there is no system keyring here; use --insecure-storage (a file that only you can"
            " read), or a personal token in TALKBOT_TOKEN"
        ),
        "keyring_silent": _(
            "the system keyring does not answer; unlock it, or use --insecure-storage"
        ),
        "keyring_failed": _(
            "the system keyring refused ({detail}); unlock it, or use --insecure-storage"
        ),
        "file_failed": _("the session's file cannot be used: {detail}"),
    }
    text = words.get(code, _("the session's secret cannot be kept ({detail})"))
    return Problem(text.format(detail=detail or code), exit_codes.STORE)
