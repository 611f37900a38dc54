"""Writers that SIGKILL ends at a random moment, and what they said they had finished."""

import os
import random
import signal
import time

ROUNDS = int(os.environ.get("SPOONBILL_TORTURE", "10"))


def killed(work, seed):
    """Run ``work(done)`` in a child until SIGKILL ends it; return what it called `done` with, in order.

    `done` takes a number: the child's word that this much is finished.
    """
    said, says = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(said)
        try:
            work(lambda number: os.write(says, number.to_bytes(4, "big")))
        except BaseException as error:
            print("the writer failed:", repr(error), flush=True)
        finally:
            os._exit(1)
    os.close(says)
    with os.fdopen(said, "rb") as answers:
        first = answers.read(4)  # it is at work
        time.sleep(random.Random(seed).random() * 0.03)
        os.kill(child, signal.SIGKILL)
        data = first + answers.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == -signal.SIGKILL, "the writer ended before it was killed"
    return [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data) // 4 * 4, 4)]
