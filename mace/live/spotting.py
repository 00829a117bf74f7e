"""The stage of spotting: a spotter for every person, fed with what the network sees anyway."""

import functools
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from mace.errors import ConfigError
from mace.export.loading import Export
from mace.face.config import CropConfig, FaceConfig
from mace.inference import Model, make_unit_network
from mace.live.config import LiveConfig
from mace.live.results import FaceResult, Moving
from mace.live.step import Query, Stepper
from mace.spotting.events import Event, Unit
from mace.spotting.moving import Movements, RegionMotion
from mace.spotting.recognise import Crop, CropRing, named
from mace.spotting.series import grid_number
from mace.spotting.signal import head_position, region_displacements
from mace.spotting.spotter import Sample, Spotter, Untold
from mace.unit_prediction import unit_thresholds

# People who are remembered: what is usual for a face holds on over a loss.
_PEOPLE = 16


def can_spot(model: Model) -> bool:
    """Say whether there is a signal in what a network is shown: it reads flow."""
    return model.motion.representation == "flow"


def check_model(model: Model) -> None:
    """See whether a network's input can be spotted in.

    Raises:
        ConfigError: if it reads no flow.
    """
    if not can_spot(model):
        raise ConfigError(
            f"spotting needs flow, and this model reads {model.motion.representation}; choose a "
            "model that reads flow"
        )


def sample_of(
    face: FaceResult,
    inputs: Float[np.ndarray, "h w c"],
    transform: Float[np.ndarray, "2 3"],
    *,
    model: Model,
    crop: CropConfig,
) -> Sample:
    """Return what a spotter is told about a face: what the network sees of it, boiled down."""
    regions = region_displacements(inputs[..., :2], framing=model.motion.framing, crop=crop)
    head = head_position(transform, crop=crop)
    misfit = None if face.quality is None else face.quality.misfit
    return Sample(face.time, face.index, regions, head, misfit=misfit)


class _Person:
    def __init__(self, identity: int, config: LiveConfig) -> None:
        self.spotter = Spotter(config.spotting, identity=identity)
        # What took place while the face was away from its neutral may be reported that much later.
        self.crops = CropRing(config.spotting.macro_s[1] + config.spotting.decide_s + 0.3)
        self.against: tuple[int, bool] | None = None
        self.movements = Movements(config.spotting)
        # As of the last point of the grid.
        self.moving: tuple[RegionMotion, ...] = ()
        self.read_units: Callable[[], dict[str, Unit]] | None = None

    def begin(self, against: tuple[int, bool]) -> None:
        """Begin anew where the motion is measured against something else than before."""
        if against != self.against:
            self.against = against
            self.spotter.reset()
            self.crops.clear()
            self.movements.clear()
            self.moving, self.read_units = (), None


@dataclass
class _Open:
    """An event that has no name yet."""

    event: Event
    pairs: list[tuple[Crop, Crop]] = field(default_factory=list)
    predictions: list[Float[np.ndarray, " k"]] = field(default_factory=list)
    units: list[Float[np.ndarray, "a 3"]] = field(default_factory=list)


class SpottingStage:
    """Spots the movements of everybody in the picture, and names the micro-expressions.

    Region signals come from the flow that the network was given; a name from the faces at the
    onset and about the apex, put to the same compiled step. It is asked for one pair a frame, so
    that no frame waits for three; an event is returned once it has its name.

    Args:
        model: the network.
        face: settings of the faces, as the trackers have them.
        config: settings.

    Attributes:
        remarks: what may have been missed, in sentences; complete after `finish`.
    """

    def __init__(self, model: Model, config: LiveConfig, *, face: FaceConfig) -> None:
        self.remarks: list[str] = []
        self._model, self._crop, self._config = model, face.crop, config
        self._people: OrderedDict[int, _Person] = OrderedDict()
        self._open: deque[_Open] = deque()
        self._last: int | None = None  # point of the grid that was looked at
        self._step = Stepper(
            model,
            motion=model.motion,
            faces=config.faces,
            crop=face.crop.size,
            rests=config.adapt_s > 0,
        )
        self._units = make_unit_network(model)

    def due(self, time: float) -> bool:
        """Say whether the signals need a frame at `time`: between two points of the grid none."""
        return grid_number(time, self._config.spotting.fps) != self._last

    def push(self, faces: Sequence[FaceResult]) -> tuple[Event, ...]:
        """Take what is known about everybody in the next frame; return what is certain now."""
        for face in faces:
            if face.inputs is not None and face.tracked:
                self._last = grid_number(face.time, self._config.spotting.fps)
                self._take(face, face.inputs)
        # Where the loop leaves the network out for want of time, names can wait as well.
        if not any(face.tracked and face.inputs is None for face in faces):
            self._name()
        return self._closed()

    def with_moving(self, faces: Sequence[FaceResult]) -> tuple[FaceResult, ...]:
        """Return faces that were pushed with what each of them does now."""
        return tuple(self._with_moving(face) for face in faces)

    def _with_moving(self, face: FaceResult) -> FaceResult:
        person = self._people.get(face.identity)
        if person is None or not face.tracked:
            return face
        motion = None if face.inputs is None else face.inputs[..., :2]
        framing = self._model.motion.framing
        return replace(face, moving=Moving(person.moving, motion, framing, person.read_units))

    def _reader(self, inputs: Float[np.ndarray, "h w c"]) -> Callable[[], dict[str, Unit]] | None:
        """Return what reads the action units of a point of the grid, once, if it is asked to."""
        network = self._units
        if network is None:
            return None
        return functools.cache(lambda: self._named_units([network(inputs)]))

    def finish(self) -> tuple[Event, ...]:
        """Return the events that were waiting, at the end of a stream."""
        for person in self._people.values():
            self._queue(person, person.spotter.finish())
            self.remarks += [_untold(stretch) for stretch in person.spotter.untold]
        self._people.clear()
        while any(event.pairs for event in self._open):
            self._name()
        return self._closed()

    def _take(self, face: FaceResult, inputs: Float[np.ndarray, "h w c"]) -> None:
        person = self._people.get(face.identity)
        if person is None:
            person = self._people[face.identity] = _Person(face.identity, self._config)
            if len(self._people) > _PEOPLE:
                self._people.popitem(last=False)
        # At the end of the neutral time its mean is taken out of the flow: another zero.
        person.begin((face.reference_id, face.state == "neutral"))
        if not person.spotter.due(face.time) or face.transform is None or face.face.crop is None:
            return
        self._people.move_to_end(face.identity)
        if person.spotter.broken(face.time):  # what was over before it needs nothing after it
            self._queue(person, person.spotter.finish())
        sample = sample_of(face, inputs, face.transform, model=self._model, crop=self._crop)
        person.crops.push(face.time, face.face.crop)
        person.moving = person.movements.push(face.time, sample.regions)
        person.read_units = self._reader(inputs)
        self._queue(person, person.spotter.push(sample))

    def _queue(self, person: _Person, events: Sequence[Event]) -> None:
        for event in events:
            # The network knows micro-expressions and nothing else.
            pairs = person.crops.pairs(event) if event.kind == "micro" else []
            self._open.append(_Open(replace(event, faces=person.crops.faces(event)), pairs))

    def _name(self) -> None:
        """Put one pair to the network."""
        first = next((event for event in self._open if event.pairs), None)
        if first is not None:
            output = self._step({0: Query(*first.pairs.pop(0))})
            first.predictions.append(np.asarray(output.probabilities)[0])
            if self._units is not None:
                first.units.append(self._units(np.asarray(output.images)[0]))

    def _closed(self) -> tuple[Event, ...]:
        done = []
        while self._open and not self._open[0].pairs:
            first = self._open.popleft()
            event = first.event
            if first.predictions:
                event = named(
                    event,
                    np.stack(first.predictions),
                    classes=self._model.classes,
                    temperature=self._model.temperature,
                    units=self._named_units(first.units),
                )
            done.append(event)
        return tuple(done)

    def _named_units(self, read: Sequence[Float[np.ndarray, "a 3"]]) -> dict[str, Unit]:
        if not read:
            return {}
        mean = np.mean(read, axis=0)
        if isinstance(self._model, Export):  # which names none
            return {}
        names, thresholds = self._model.model.units, unit_thresholds(self._model)
        return {
            name: Unit(float(presence), float(px), float(side), bool(presence > threshold))
            for name, (presence, px, side), threshold in zip(names, mean, thresholds, strict=True)
        }


def _untold(untold: Untold) -> str:
    apexes = ", ".join(f"{apex:.2f}" for apex in untold.apexes)
    return (
        f"from {untold.since:.2f} s to the end at {untold.until:.2f} s the face is not as it was "
        "before, and nothing says which of the two is its neutral; what may be a micro-expression "
        f"about {apexes} s is not among the events"
    )
