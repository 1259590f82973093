"""Serves the vendors' sandboxes from the command line."""

from __future__ import annotations

from connectors.protocol import ConfigurationError
from connectors.sandbox.fault import Faults
from connectors.sandbox.server import serve
from connectors.sandbox.valomnia import valomnia_app
from connectors.sandbox.valomnia_setting import ValomniaSettings
from flows.report import console


def serve_valomnia(port: int, latency_ms: float) -> None:
    """Serve Valomnia's customers in the foreground; raises ConfigurationError where the port is taken."""
    out = console()
    app = valomnia_app(ValomniaSettings(), faults=Faults(latency_ms=latency_ms))

    def announce(base_url: str) -> None:
        out.print(
            f"Valomnia sandbox on [bold]{base_url}[/bold], user [bold]sandbox[/bold], password [bold]sandbox[/bold]"
        )
        out.print(
            f"customers: {base_url}/sandbox/customers   journal: {base_url}/sandbox/journal   Ctrl-C ends it",
            style="dim",
        )

    try:
        serve(app, port, announce=announce)
    except OSError as error:
        raise ConfigurationError(f"port {port} on 127.0.0.1 cannot be used ({error.strerror})") from None
