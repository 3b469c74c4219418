"""The client of one user: link, store, credentials, and the engine that joins them to the core.

Nothing here knows a screen; the app, the bots and the commands use it alike.
"""
