"""A search of its own process, for tests that kill it: folder, sampler, seconds a setting takes."""

import sys
import time
from pathlib import Path

from search_cases import Pretended, make_plan, make_set, pretend

from mace.search.run import run_search


def main(out: str, sampler: str, seconds: str, *options: str) -> None:
    """Run the search that the test runs, but slowly."""
    pretend()
    advance = Pretended.advance

    def slowly(self, position, epoch):
        time.sleep(float(seconds))
        return advance(self, position, epoch)

    Pretended.advance = slowly
    changes = {"trials": 20, "sampler": sampler}
    for option in options:
        if option.startswith("storage="):
            changes |= {"storage": option.removeprefix("storage="), "name": "shared"}
    plan = make_plan(Path(out), join="join" in options, **changes)
    run_search(make_set(), plan, baselines=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
