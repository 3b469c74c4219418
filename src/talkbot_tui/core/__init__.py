"""The conversation: pure state and rules, standard library only.

No I/O, no clock, no randomness and no asyncio: every function here takes what
it needs as arguments, `now` included, and the shell in `client.engine`
performs what the core asks for.
"""
