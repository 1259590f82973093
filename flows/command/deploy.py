"""The command that hands a job over to Prefect."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from flows.command.option import AsJson, JobFile, State
from flows.command.output import print_json

if TYPE_CHECKING:
    from flows.block import BlockName
    from flows.deployment.order import Order
    from flows.deployment.register import Registration


def deploy(  # noqa: PLR0917 - typer's options are parameters
    job_file: JobFile,
    pool: Annotated[
        str, typer.Option("--pool", metavar="NAME", help="The work pool; made, if there is none of this name.")
    ] = "rollcall",
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="One more tag; may come often.")] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What the deployments are called, if not as the job.")
    ] = None,
    paused: Annotated[
        bool | None,
        typer.Option("--paused/--not-paused", help="Let the schedule rest, or go on.", show_default="as it is"),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Run what comes due from this process, without a worker, until Ctrl-C.")
    ] = False,
    no_block: Annotated[
        bool,
        typer.Option("--no-block", help="Keep the ledger's address and key in no block: each worker has them itself."),
    ] = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Register the job with Prefect: its flows as deployments, its schedule, and the ledger that its runs have."""
    import asyncio

    from flows.deployment.api import demand_api
    from flows.deployment.order import Wish, place_order
    from flows.deployment.register import make_types_known, register

    demand_api(os.environ)
    asyncio.run(make_types_known())  # before the job is read: the form for a block that it refers to is there then
    wish = Wish(
        pool=pool,
        tags=tuple(tag or ()),
        name=name,
        paused=paused,
        state=state,
        keeps_block=not no_block and not serve,
    )
    order = place_order(job_file, wish, os.environ)
    registration = asyncio.run(register(order, served=serve))
    if as_json:
        print_json(_as_json(order, registration, served=serve))
    else:
        _show(order, registration, served=serve)
    if serve:
        from flows.deployment.serve import serve as serve_order

        serve_order(order)


def _worker_command(order: Order) -> str:
    return f"prefect worker start --pool {order.wish.pool}"


def _removal(block: BlockName) -> str:
    return f"prefect block delete {block}"


def _as_json(order: Order, registration: Registration, *, served: bool) -> dict[str, object]:
    return {
        "job": order.job.job,
        "deployments": [
            {
                "name": each.name,
                "id": str(each.id),
                "schedule": str(order.job.schedule) if each.scheduled else None,
                "paused": each.paused,
                "url": each.url,
            }
            for each in registration.deployments
        ],
        "tags": list(order.tags),
        "pool": None if served else order.wish.pool,
        "pool_made": registration.made_pool,
        "ledger_block": str(registration.block) if registration.block else None,
        "left_ledger_block": str(registration.left_block) if registration.left_block else None,
        "removal": _removal(registration.left_block) if registration.left_block else None,
        "blocks": [str(block) for block in order.blocks],
        "variables": [] if served else list(order.missing),
        "worker": None if served else _worker_command(order),
    }


def _show(order: Order, registration: Registration, *, served: bool) -> None:
    from flows import report

    console = report.console()
    for each in registration.deployments:
        when = f"[cyan]{order.job.schedule}[/cyan]" if each.scheduled else "when it is asked for"
        rests = " [yellow](paused: --not-paused lets it go on)[/yellow]" if each.paused else ""
        console.print(f"[green]✓[/green] [bold]{each.name}[/bold]: {when}{rests}\n  {each.url}", soft_wrap=True)
    if registration.made_pool:
        console.print(f"[green]✓[/green] the work pool [bold]{order.wish.pool}[/bold] was made, of type process")
    if registration.block:
        console.print(
            f"[green]✓[/green] the ledger's address and key are kept in the block [bold]{registration.block}[/bold],"
            " where a worker looks them up",
            soft_wrap=True,
        )
    if registration.left_block:
        console.print(
            f"[yellow]![/yellow] the block [bold]{registration.left_block}[/bold] still keeps a ledger's address and"
            " key from an earlier deployment, and this one does not use it. To remove it:\n"
            f"  [bold]{_removal(registration.left_block)}[/bold]",
            soft_wrap=True,
        )
    if served:
        console.print("Serving until Ctrl-C; then the schedule rests until it is served or deployed again.")
        return
    if order.missing:
        console.print(f"A worker needs these variables: [bold]{', '.join(order.missing)}[/bold]", soft_wrap=True)
    console.print(f"Start a worker where the job file is:\n  [bold]{_worker_command(order)}[/bold]", soft_wrap=True)
