"""What the exit code of a command means; the README's table is checked against this."""

from __future__ import annotations

OK = 0
FAILURE = 1
"""Something else went wrong; one line on stderr says what."""
USAGE = 2
"""The command line or the configuration file is wrong."""
UNREACHABLE = 3
"""No server answers there, or it is no Socket.IO server of ours."""
REFUSED = 4
"""The server refused the sign-in, or there is none."""
NOT_FOUND = 5
"""No such room or person, or no member of it."""
UNANSWERED = 6
"""The message was saved but no ack came in time; it is sent again at the next start."""
STORE = 7
"""A file of ours cannot be read or written, or comes from a newer version."""
PORT_TAKEN = 8
"""Another program listens at that address."""
NO_TERMINAL = 9
"""The app needs a terminal that it can draw on."""

MEANINGS = {
    OK: "done",
    FAILURE: "failed for another reason",
    USAGE: "wrong command line or configuration",
    UNREACHABLE: "no server answers there",
    REFUSED: "not signed in, or refused",
    NOT_FOUND: "no such room or person",
    UNANSWERED: "saved, not yet acknowledged",
    STORE: "a file cannot be used",
    PORT_TAKEN: "the port is taken",
    NO_TERMINAL: "no usable terminal",
}
