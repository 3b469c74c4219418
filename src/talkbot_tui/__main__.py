"""`python -m talkbot_tui`."""

from talkbot_tui.start import main

main()
