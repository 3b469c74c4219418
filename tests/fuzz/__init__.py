"""Fuzzing, guided by coverage: what comes from strangers, given to each part that reads it.

`python -m tests.fuzz` runs the targets, `python -m tests.fuzz.http` asks a running server all
that docs/openapi.yaml allows, and more. What was found stands in tests/corpus/fuzz.jsonl.
"""
