"""talkbot-tui: a chat for the terminal, with its Socket.IO server and its bot."""

__version__ = "0.1.0"
