"""Turns whatever ended a command into an exit code and one safe message."""

from __future__ import annotations

import traceback
from pathlib import Path

from connectors.protocol import ConfigurationError, ConnectorError
from flows.deployment.api import ApiError
from flows.document import JobError
from flows.ledger.knowledge import LedgerError
from flows.ledger.lease import LeaseHeldError, LeaseLostError
from flows.ledger.ledger import LawError
from flows.summary import ExitCode


class StopAskedError(Exception):
    """Somebody asked this run to stop; nothing new is sent."""


def explain_failure(error: BaseException) -> tuple[ExitCode, str]:
    """Give the exit code and a text without a value of any customer or secret."""
    match error:
        case JobError() | ConfigurationError():
            return ExitCode.JOB, str(error)
        case LeaseHeldError():
            return ExitCode.HELD, str(error)
        case ConnectorError() | LedgerError() | LawError() | LeaseLostError() | ApiError():
            return ExitCode.FAILED, str(error)
        case KeyboardInterrupt() | StopAskedError():
            return ExitCode.STOPPED, "stopped; the next run goes on from here"
        case _:
            return ExitCode.FAILED, f"an error of our own: {type(error).__name__} in {_place(error)}; please report it"


def _place(error: BaseException) -> str:
    """Name where an unforeseen error arose; its text is left out, since it may carry a customer's value."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
