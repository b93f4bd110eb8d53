"""``tare monitor``."""

from __future__ import annotations

import typer

from tare.cli.fields import command
from tare.cli.options import Json, print_json
from tare.monitoring.inputs import MonitorRequest


@command(MonitorRequest)
def monitor(request: MonitorRequest, as_json: Json = False) -> None:
    """Show what the monitor of a service says: the verdict, a page, or a live page with metrics on this machine.

    The files are only read, while the service goes on. Exit code 0 if no change was shown, 1 if one was, 2 if a file is damaged
    or the files belong to different references.
    """
    from tare.errors import DataError
    from tare.identifying.served import with_recovered
    from tare.monitoring.monitor import merged
    from tare.monitoring.reference import Reference
    from tare.reporting import drift
    from tare.reporting.monitor import write_monitor_page

    whole = merged(request.states)
    if request.html is not None:
        write_monitor_page(whole, request.html)
    if request.serve:
        _serve(request)
    verdict = whole.verdict(request.run, request.factory)
    if not verdict.batches:
        remedy = "ask again when the service has written some: it does after every 100 (every=) and when it closes the monitor"
        raise DataError("a monitor that has counted batches", "none in its file", remedy)
    if request.run is not None and request.images is not None:
        verdict = with_recovered(verdict, Reference.load(request.run), request.images, request.factory)
    if as_json:
        print_json(verdict.to_json())
    else:
        drift.print_drift(verdict)
    raise typer.Exit(0 if verdict.clean else 1)


def _serve(request: MonitorRequest) -> None:
    from tare.monitoring.monitor import merged
    from tare.reporting import console
    from tare.serving.page_server import PageServer

    server = PageServer(lambda: merged(request.states), request.port, refresh=request.refresh)
    console.err.print(f"{server.url} (interrupt to end)", soft_wrap=True, markup=False)
    try:
        server.serve()
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
