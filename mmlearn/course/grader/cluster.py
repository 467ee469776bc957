"""Marking on a Dask cluster: one task a submission. The workers have the course installed, each its own sandbox."""

import atexit
import threading
from collections.abc import Iterator
from functools import cache

from mmlearn.course.grader.marking import Marker, Setting, read, setting
from mmlearn.course.grader.records import Record, loads
from mmlearn.course.grader.sandbox import strongest
from mmlearn.course.grader.submissions import Submission

RETRIES = 3  # of a task whose worker is lost

_one_at_a_time = threading.Lock()  # a worker of several threads shares one sandbox


def mark_on(
    address: str, todo: list[Submission], known: Setting, thorough: bool, facts: dict[str, str]
) -> Iterator[Record]:
    """Mark submissions on a cluster, in the order in which they end. A lost worker's tasks go to another one.

    Args:
        address: of the scheduler, such as `tcp://10.0.0.1:8786`.
        thorough: as of `Marker`.
        facts: is given what the run report says of the cluster.

    Raises:
        ValueError: Dask is not installed, or a worker has other checks than this machine.
        OSError: no scheduler answers there; or, once all others are marked, some could not be.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise ValueError('a cluster needs Dask: pip install -c constraints.txt -e ".[cluster]"') from None
    lost, walls = {}, set()
    with Client(address) as client:
        facts["cluster"] = f"Dask, {len(client.scheduler_info()['workers'])} workers at the start"
        given = (known.lesson.number, known.secret, thorough)
        # The bytes go along: a worker does not see this machine's files.
        futures = {
            client.submit(mark_one, submission, *read(submission), *given, pure=False, retries=RETRIES): submission
            for submission in todo
        }
        for future in as_completed(futures):
            try:
                content, wall = future.result()
            except Exception as error:  # of whatever broke a worker; the others go on
                lost[futures[future].student] = error
                continue
            record = loads(content)
            if record.version != known.version:
                raise ValueError(f"a worker has the checks {record.version}, this machine {known.version}: update one")
            if wall not in walls:
                print(f"Isolation on a worker: {wall}.")
            walls.add(wall)
            facts["isolation"] = "; ".join(sorted(walls))
            yield record
    for student, error in lost.items():
        count = f"{len(lost)} of {len(todo)} were not marked, and the same command tries them again"
        why = str(error).partition("\n")[0]
        raise OSError(f"{count}; the first is that of {student}: {type(error).__name__}: {why}")


def mark_one(
    submission: Submission, content: bytes | None, problem: str, lesson: str, secret: str, thorough: bool
) -> tuple[bytes, str]:
    """Mark one submission on a worker; the record's bytes, and what the worker's sandbox keeps away."""
    with _one_at_a_time:
        marker, walls = _marker(lesson, secret, thorough)
        return marker.mark(submission, content, problem).dumps(), walls


@cache
def _marker(lesson: str, secret: str, thorough: bool) -> tuple[Marker, str]:
    box, walls = strongest()
    atexit.register(box.close)
    return Marker(setting(lesson, secret), box, thorough), walls
