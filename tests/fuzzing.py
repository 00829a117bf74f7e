"""How many mutated inputs the fuzzers try: few by default, `MACE_FUZZ` times as many when asked.

The default run mutates 2,500 sheets, frame folders, label files, folders of pictures, logs and
splits. For ten times as many, `MACE_FUZZ=10 uv run pytest -m hypothesis`; for one tenth of them,
`MACE_FUZZ=0.1`. Each must give a right account or one sentence, nothing else.
"""

import os

from hypothesis import HealthCheck, settings

FACTOR = float(os.environ.get("MACE_FUZZ", "1"))


def mutations(usual: int) -> settings:
    """Return settings for a fuzzer that tries `usual` inputs by default."""
    # A tree on disk takes its time, and each example writes its own file into a shared folder.
    return settings(
        max_examples=max(1, round(usual * FACTOR)),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
