"""Placeholder for the command `logout`; replaced in this same first version."""

import argparse

HELP = "logout"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None yet."""


def run(args: argparse.Namespace) -> int:
    """Not there yet."""
    raise NotImplementedError
