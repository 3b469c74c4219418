"""Placeholder for the command `login`; replaced in this same first version."""

import argparse

HELP = "login"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None yet."""


def run(args: argparse.Namespace) -> int:
    """Not there yet."""
    raise NotImplementedError
