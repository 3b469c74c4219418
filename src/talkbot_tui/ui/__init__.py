"""The Textual front end: it renders the session's values and dispatches the user's events."""
