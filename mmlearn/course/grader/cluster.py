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


def mark_on(address: str, todo: list[Submission], known: Setting, facts: dict[str, str]) -> Iterator[Record]:
    """Mark submissions on a cluster, in the order in which they end. A lost worker's tasks go to another one.

    Args:
        address: of the scheduler, such as `tcp://10.0.0.1:8786`.
        facts: is given what the run report says of the cluster.

    Raises:
        ValueError: Dask is not installed, or a worker has other checks than this machine.
        OSError: no scheduler answers there.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise ValueError('a cluster needs Dask: pip install -c constraints.txt -e ".[cluster]"') from None
    with Client(address) as client:
        facts["cluster"] = f"Dask, {len(client.scheduler_info()['workers'])} workers at the start"
        lesson, secret = known.lesson.number, known.secret
        # The bytes go along: a worker does not see this machine's files.
        futures = [
            client.submit(mark_one, submission, *read(submission), lesson, secret, pure=False, retries=RETRIES)
            for submission in todo
        ]
        for future in as_completed(futures):
            record = loads(future.result())
            if record.version != known.version:
                raise ValueError(f"a worker has the checks {record.version}, this machine {known.version}: update one")
            yield record


def mark_one(submission: Submission, content: bytes | None, problem: str, lesson: str, secret: str) -> bytes:
    """Mark one submission on a worker; the record's bytes."""
    with _one_at_a_time:
        return _marker(lesson, secret).mark(submission, content, problem).dumps()


@cache
def _marker(lesson: str, secret: str) -> Marker:
    box, _ = strongest()
    atexit.register(box.close)
    return Marker(setting(lesson, secret), box)
