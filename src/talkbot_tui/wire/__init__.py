"""The event contract, version 1: names, payloads, errors and limits.

Client, server and bots share these types; `docs/protocol.md`,
`docs/asyncapi.yaml` and the OpenAPI document are generated from them.
"""
