"""The live loop on the page: the server's source for everybody, an engine for each camera."""

import threading
from collections.abc import Callable, Sequence

from mace.inference import Model
from mace.live.config import LiveConfig
from mace.live.pipeline import Pipeline
from mace.live.results import Result, Sink
from mace.live.runner import Runner
from mace.live.sources.frame import Source
from mace.live.sources.incident import Incident
from mace.live.web.config import WebConfig
from mace.live.web.server import serve
from mace.live.web.watch import Facts

_LOOK_S = 0.2  # how often a loop is asked whether it has ended


class LoopWatch:
    """A `Watch` of the live loop, with its threads.

    Args:
        make_loop: makes the loop whose results go to what it is given.
    """

    def __init__(self, make_loop: Callable[[Sink], Runner]):
        self._make_loop = make_loop
        self._loop: Runner | None = None

    def run(self, publish: Callable[[Result], None], stop: threading.Event) -> None:
        """Hand over every result as it comes, until the source ends or `stop` is set."""
        with self._make_loop(publish) as self._loop:
            while not stop.is_set() and not self._loop.wait(_LOOK_S):
                pass

    def reset_reference(self) -> None:
        """Take the next frame with a face for the new neutral reference."""
        if self._loop is not None:
            self._loop.reset_reference()


def serve_live(
    source: Source | None,
    bundle: Model,
    *,
    live: LiveConfig,
    web: WebConfig,
    facts: Facts,
    sinks: Sequence[Sink] = (),
    say: Callable[[str], None] | None = None,
) -> None:
    """Serve the live loop on a page until Ctrl-C.

    Args:
        source: the server's own; None where only browsers' cameras are looked at.
        bundle: the network.
        live: settings of the loop, and of the cameras' engines.
        web: where the page is, and its bounds.
        facts: what the page says about the session.
        sinks: who else is handed the results of the server's source, such as a recorder.
        say: called with what happens to the server's source, in another thread.

    Raises:
        ConfigError: if the address cannot be listened on, or there is nothing to show.
    """

    def tell(incident: Incident) -> None:
        if say is not None:
            say(str(incident))

    def make_loop(publish: Sink) -> Runner:
        assert source is not None
        return Runner(
            source,
            bundle,
            config=live,
            sinks=(*sinks, publish),
            on_incident=tell,
        )

    serve(
        facts,
        config=web,
        watch=None if source is None else LoopWatch(make_loop),
        make_engine=lambda: Pipeline(bundle, live, live=True),
    )
