"""Placeholder for the command `serve`; replaced in this same first version."""

import argparse

HELP = "serve"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None yet."""


def run(args: argparse.Namespace) -> int:
    """Not there yet."""
    raise NotImplementedError
