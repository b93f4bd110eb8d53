"""``tare transfer``."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace

from tare.cli.fields import command
from tare.cli.options import Json, show
from tare.datasets.options import DATA, VARY
from tare.networks.inputs import NET
from tare.normalisation.inputs import NORM
from tare.system.trackers.inputs import RUN
from tare.training.options import HOW, WHAT
from tare.transferring.inputs import TransferRequest


@command(TransferRequest, panels=(NET, RUN, NORM, DATA, WHAT, HOW, VARY), loads="tare.transferring.protocols")
def transfer(request: TransferRequest, as_json: Json = False) -> None:
    """Fine-tune a network on labelled images, signals or rows and ship the normalisation inside the model directory."""
    from tare.reporting import console
    from tare.reporting.transfer.report import print_run, write_run
    from tare.training.run_dir import is_main_process
    from tare.transferring.protocols import transferred

    with console.working("transferring"):
        run = transferred(replace(request, reporter=console))
    if not is_main_process():
        return
    page = run.out / "report.html"
    # A run that was resumed ends as one that was left alone, its page included.
    write_run(run, page, shlex.join(["tare", *(word for word in sys.argv[1:] if word != "--resume")]))
    show(run, as_json, print_run, page)
