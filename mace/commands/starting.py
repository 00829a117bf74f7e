"""The pre-trained network that a command line names, and what goes with it and what does not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mace.annotation.class_sets import ClassSet
from mace.errors import ConfigError
from mace.pretrained.bundle_files import BundleFile, bundle_file, describe_bundle
from mace.protocols.benchmarks import Benchmark
from mace.protocols.labels import knows

READABLE: frozenset[ClassSet] = frozenset({"3", "5", "7"})
"""Sets whose classes are read from action units; CASME's four have `tense`, which is no emotion."""

POLARITIES: frozenset[str] = frozenset({"negative", "positive", "surprise"})


@dataclass(frozen=True, kw_only=True)
class Start:
    """A network to begin with.

    Attributes:
        use: `zero-shot` evaluates it as it is, `init` fine-tunes it.
        name: what the command line calls it.
        bundle: the network.
        classes: names of those it knows.
        names_units: whether it names action units, from which it reads other classes.
    """

    use: Literal["zero-shot", "init"]
    name: str
    bundle: BundleFile
    classes: tuple[str, ...]
    names_units: bool

    @property
    def class_set(self) -> ClassSet | None:
        """The set of classes that the network knows, if it is one of the field's."""
        return "3" if set(self.classes) == POLARITIES else None

    def check_set(self, classes: ClassSet | None, benchmark: Benchmark | None) -> None:
        """Refuse a set of classes that the network does not know, before any data is read.

        Raises:
            ConfigError: if it is known by now that some class of the data is none of its own.
        """
        if benchmark is not None:
            self.check_classes(benchmark.classes)
        elif (
            classes is not None
            and self.class_set not in (None, classes)
            and not (self.names_units and classes in READABLE)
        ):
            raise ConfigError(
                f"{self.name} knows the classes {', '.join(self.classes)} only, not those of "
                f"--classes {classes}; leave --classes out, or train it further with --init"
            )

    def check_classes(self, classes: Iterable[str]) -> None:
        """Refuse classes that the network neither knows nor reads from action units.

        Raises:
            ConfigError: if there is one.
        """
        from mace.emfacs import reads

        unknown = sorted(
            name
            for name in classes
            if not self.knows([name]) and not (self.names_units and reads([name]))
        )
        if unknown:
            raise ConfigError(
                f"{self.name} knows the classes {', '.join(self.classes)} only, not "
                f"{', '.join(unknown)}; choose a set of classes with --classes, or train it "
                "further with --init"
            )

    def knows(self, classes: Iterable[str]) -> bool:
        """Say whether all of some classes are outputs of the network."""
        return knows(self.classes, classes)

    @property
    def title(self) -> str:
        """What tables call the network besides its architecture."""
        name = "pretrained" if self.name == "pretrained" else "pre-trained"
        return f"{name}, zero-shot" if self.use == "zero-shot" else f"{name}, fine-tuned"

    @property
    def description(self) -> dict[str, str]:
        """What a report says about the network."""
        databases = ", ".join(self.bundle.trained_on) or "unknown data"
        return {"network": f"{self.name} ({self.bundle.checksum[:12]}), trained on {databases}"}


def starting_from(
    *,
    zero_shot: str | None = None,
    init: str | None = None,
    needs_network: Sequence[str] = (),
    without_zero_shot: Sequence[str] = (),
) -> Start | None:
    """Return the network that a command line names, None if it names none.

    Args:
        zero_shot: value of `--zero-shot`.
        init: value of `--init`.
        needs_network: options in use that mean something with either only.
        without_zero_shot: options in use that mean something without it only.

    Raises:
        CheckpointError: if there is no such network.
        ConfigError: for options that contradict each other.
    """
    if zero_shot is not None and init is not None:
        raise ConfigError(
            "--zero-shot evaluates a network as it is and --init trains it further; choose one"
        )
    if zero_shot is None and init is None and needs_network:
        raise ConfigError(
            f"{needs_network[0]} goes with --zero-shot RUN or --init RUN; add one, or leave it out"
        )
    if zero_shot is not None and without_zero_shot:
        raise ConfigError(
            f"{without_zero_shot[0]} is about training, and --zero-shot trains nothing; leave out "
            "one of them"
        )
    name = init if zero_shot is None else zero_shot
    if name is None:
        return None
    notes = describe_bundle(name)
    return Start(
        use="init" if zero_shot is None else "zero-shot",
        name=name,
        bundle=bundle_file(name),
        classes=tuple(notes["classes"]),
        names_units=bool(notes["model"].get("units")),
    )
