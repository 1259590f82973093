"""The command line: its names and its last line of defence; every command's work is imported when it is called."""

from __future__ import annotations

import io
import sys
import warnings

import typer

from flows.command import deploy, look, migrate, run, start
from flows.command.output import print_json

app = typer.Typer(
    name="rollcall",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,  # a traceback with local variables shows customers and secrets
    help="Move customers from one business system to another, and account for every single one.\n\n"
    "Start with [bold]rollcall demo[/bold].",
    epilog="Exit codes: 0 all accounted for and no rejects, 3 completed with rejects, 1 a system failed,"
    " 2 the job or the command is wrong, 4 stopped by a guard, 5 another run of this job is under way.",
)


app.command(epilog="Example: rollcall run crm.yaml --since 2026-11-20T08:00+01:00 --json")(run.run)
app.command(epilog="Example: rollcall replay crm.yaml --code not_found")(run.replay)
app.command(epilog="Example: rollcall check crm.yaml")(run.check)
app.command(epilog="Example: rollcall rejects crm.yaml --csv rejects.csv")(look.rejects)
app.command(epilog="Example: rollcall runs crm.yaml --limit 5")(look.runs)
app.command(epilog="Example: rollcall why crm.yaml C-10443")(look.why)
app.command(epilog="Example: rollcall migrate crm.yaml --partitions 16 --workers 8 --csv differences.csv")(
    migrate.migrate
)
app.command(epilog="Example: rollcall deploy crm.yaml --pool rollcall")(deploy.deploy)
app.command(epilog="Example: rollcall init crm.yaml --write")(start.init)
app.command(epilog="Example: rollcall demo --folder demo")(start.demo)
app.command(epilog="Example: rollcall sandbox valomnia --latency 50 --faults '{\"rate_limit\": 20}'")(start.sandbox)


def main() -> None:
    """Run the command line; every failure ends in one clear message and the exit code of its kind."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without a tick gets a question mark, not a failure
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # a warning from a converter may carry a customer's value
    try:
        app()
    except SystemExit as end:
        if end.code and "--json" in sys.argv and not isinstance(end.__context__, typer.Exit):  # a wrong command line
            print_json({"status": "failed", "message": str(end.__context__), "exit_code": end.code})
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last line: nothing may print a value
        from flows.failure import explain_failure

        code, text = explain_failure(error)
        if "--json" in sys.argv:
            print_json({"status": "failed", "message": text, "exit_code": int(code)})
        from rich.console import Console

        Console(stderr=True, highlight=False, soft_wrap=True).print(text, style="red", markup=False)
        sys.exit(int(code))
