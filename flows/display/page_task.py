"""Shows each page as a task run that is handed numbers alone; what it works on stays in this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed

from flows.display.name import span_name
from flows.display.progress import Progress
from flows.failure import StopAskedError, explain_failure
from flows.ledger.record import Counts
from flows.phrase import tally
from flows.watch import Hand

Work = Callable[[], Awaitable[Counts]]

# The page that the task about to be called is for; its calls follow one another in one context.
_work: ContextVar[Callable[[], Awaitable[State[Any]]]] = ContextVar("_work")


class PageFailedError(Exception):
    """A page's task failed; the text is safe to keep, and there is no cause, because Prefect stores both."""


@task(
    name="sync-page",
    task_run_name="page {page}: {span}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=0,  # said, because a setting of the server would turn them on: retries live in the send path alone
    log_prints=False,
)
async def sync_page(job: str, run: int, page: int, span: str) -> State[Any]:  # noqa: ARG001 - they show in the UI
    """Process one page of a run that is under way in this process."""
    return await _work.get()()


class PageTasks:
    """Runs the pages of one run as tasks, and goes on without them where Prefect fails."""

    def __init__(self, job: str, progress: Progress, warn: Callable[[str], None]) -> None:
        self._job = job
        self._progress = progress
        self._warn = warn
        self._warned = False
        self._before = 0

    async def each_page(self, hand: Hand, work: Work) -> Counts:
        """Take a page in hand through its task; raises what the work raises, and nothing of Prefect's."""
        span = span_name(hand.page, self._before, hand.counted)
        self._before += hand.counted if hand.page > 0 else 0
        self._progress.take(hand)
        done: list[Counts] = []
        failed: list[Exception] = []
        token = _work.set(lambda: _guarded(work, done, failed))
        try:
            await sync_page(job=self._job, run=hand.run, page=hand.page, span=span)
        except PageFailedError:
            pass
        except Exception as error:  # noqa: BLE001 - Prefect's own: it shows the work, and does not hold it up
            self._say_once(f"Prefect does not record every page ({type(error).__name__}); the ledger does")
            if not done and not failed:
                return await work()
        finally:
            _work.reset(token)
        if failed:
            raise failed[0] from None
        return done[0]

    def _say_once(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(text)


async def _guarded(work: Work, done: list[Counts], failed: list[Exception]) -> State[Any]:
    """Do the work, and keep what it raises from Prefect."""
    try:
        counts = await work()
    except StopAskedError as error:
        failed.append(error)
        return Cancelled(message="stopped on request; the next run reads this page again")
    except Exception as error:  # noqa: BLE001 - raised again outside the task, where Prefect does not keep it
        failed.append(error)
        raise PageFailedError(explain_failure(error)[1]) from None
    done.append(counts)
    return Completed(message=tally(counts))
