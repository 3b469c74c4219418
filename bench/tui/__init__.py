"""talkbot-tui beside WeeChat and irssi on one pty rig: `python -m bench.tui --help`."""
