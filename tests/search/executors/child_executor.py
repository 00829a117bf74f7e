"""Has two workers at work for ten minutes, for somebody to interrupt."""

import sys

from executor_work import slow_double

from mace.search.executors import local_pool

if __name__ == "__main__":
    shared = {"folder": sys.argv[1], "seconds": 600}
    try:
        with local_pool(slow_double, shared, workers=2) as executor:
            for future in [executor.submit(job) for job in range(4)]:
                future.result()
    except KeyboardInterrupt:
        sys.exit("interrupted")
