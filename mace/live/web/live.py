"""The page of `mace live`: the server's source for everybody, a pipeline for each camera."""

from collections.abc import Callable

from mace.inference import Model
from mace.live.config import LiveConfig
from mace.live.pipeline import Pipeline
from mace.live.results import Sink
from mace.live.runner import Runner
from mace.live.sources.frame import Source
from mace.live.web.config import Facts, WebConfig
from mace.live.web.server import serve


def serve_live(
    source: Source | None,
    model: Model,
    *,
    live: LiveConfig,
    web: WebConfig,
    facts: Facts,
    say: Callable[[str], None],
) -> None:
    """Serve results on a page until Ctrl-C.

    Args:
        source: the server's own; None where only browsers' cameras are looked at.
        model: the network.
        live: settings of the stages.
        web: where the page is, and its bounds.
        facts: what the page says about the session.
        say: called with what happens to the server's source, in another thread.

    Raises:
        ConfigError: if the address cannot be listened on, or there is nothing to show.
    """

    def make_runner(publish: Sink) -> Runner:
        assert source is not None
        return Runner(
            source,
            model,
            config=live,
            sinks=[publish],
            on_incident=lambda incident: say(str(incident)),
        )

    serve(
        facts,
        config=web,
        make_runner=None if source is None else make_runner,
        make_pipeline=lambda: Pipeline(model, live, live=True),
    )
