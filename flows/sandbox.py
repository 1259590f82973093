"""Serves the vendors' sandboxes from the command line."""

from __future__ import annotations

from dataclasses import replace

from connectors.protocol import ConfigurationError
from connectors.sandbox.catalogue import SYSTEMS, open_sandbox
from connectors.sandbox.fault import FaultsError, faults_from_json
from connectors.sandbox.server import serve
from flows.report import console


def serve_sandbox(system: str, port: int, latency_ms: float | None, faults: str) -> None:
    """Serve a vendor's customers in the foreground, with what shall go wrong as a JSON object.

    Raises ConfigurationError where the port is taken or the faults are none.
    """
    out = console()
    try:
        wanted = faults_from_json(faults)
    except FaultsError as error:
        raise ConfigurationError(f"--faults: {error}") from None
    if latency_ms is not None:
        wanted = replace(wanted, latency_ms=latency_ms)
    opened = open_sandbox(system, faults=wanted)

    def announce(base_url: str) -> None:
        out.print(f"{SYSTEMS[system]} sandbox on [bold]{base_url}[/bold]; in a job file:")
        for name, value in {"kind": system, "base_url": base_url, **opened.credentials}.items():
            out.print(f"  {name}: [bold]{value.format(base_url=base_url)}[/bold]")
        out.print(
            f"customers: {base_url}/sandbox/customers   journal: {base_url}/sandbox/journal   Ctrl-C ends it",
            style="dim",
        )

    try:
        serve(opened.app, port, announce=announce)
    except OSError as error:
        raise ConfigurationError(f"port {port} on 127.0.0.1 cannot be used ({error.strerror})") from None
