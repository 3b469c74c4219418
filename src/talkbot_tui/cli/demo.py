"""Placeholder for the command `demo`; replaced in this same first version."""

import argparse

HELP = "demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None yet."""


def run(args: argparse.Namespace) -> int:
    """Not there yet."""
    raise NotImplementedError
