"""A search of its own process, for tests that kill it: folder, sampler, seconds a setting takes."""

import sys
import time
from pathlib import Path

from search_cases import Pretended, make_plan, make_set, pretend

from mace.search.nested import nested_cross_validation


def main(out: str, sampler: str, seconds: str, *options: str) -> None:
    """Run the search that the test runs, but slowly."""
    pretend()
    advance = Pretended.advance

    def slowly(self, run, epoch):
        time.sleep(float(seconds))
        return advance(self, run, epoch)

    Pretended.advance = slowly
    changes = {"trials": 10, "sampler": sampler}
    for option in options:
        if option.startswith("database="):
            changes |= {"storage": option.removeprefix("database="), "name": "shared"}
    plan = make_plan(Path(out), join="join" in options, **changes)
    nested_cross_validation(make_set(), plan, baselines=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
