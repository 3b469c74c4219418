"""Placeholder for the command `send`; replaced in this same first version."""

import argparse

HELP = "send"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None yet."""


def run(args: argparse.Namespace) -> int:
    """Not there yet."""
    raise NotImplementedError
