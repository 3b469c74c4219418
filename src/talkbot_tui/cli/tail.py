"""Placeholder for the command `tail`; replaced in this same first version."""

import argparse

HELP = "tail"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None yet."""


def run(args: argparse.Namespace) -> int:
    """Not there yet."""
    raise NotImplementedError
