"""Has two workers at work for ten minutes, for somebody to interrupt."""

import sys

from executor_work import slow_double

from mace.search.executors.local import LocalExecutor

if __name__ == "__main__":
    shared = {"folder": sys.argv[1], "seconds": 600}
    try:
        with LocalExecutor(slow_double, shared, workers=2) as executor:
            for job in range(4):
                executor.submit(job)
            list(executor.results())
    except KeyboardInterrupt:
        sys.exit("interrupted")
