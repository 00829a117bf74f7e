"""Frozen dataclasses to JSON and back, strictly: a misspelt setting is an error, not a default."""

import dataclasses
import enum
import hashlib
import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from mace.errors import ConfigError

# Settings that say where or how fast something runs leave its numbers alone; a field marked with
# this metadata stays out of the hash, so that a run finds its own results on another machine.
UNHASHED: Mapping[str, bool] = types.MappingProxyType({"unhashed": True})


def number(default: float, *, off: float | None = None) -> Any:
    """Return a dataclass field for a setting that is a number and nothing else.

    It is an argument of the compiled program of a training and no part of it
    (`mace.training.hyper`): trainings that differ in it share a program.

    Args:
        default: the setting's.
        off: where 0 leaves a part of the program out, what means the same within that part.
    """
    return dataclasses.field(default=default, metadata={"number": off})


def to_dict(config: Any) -> dict[str, Any]:
    """Return the dataclass instance `config` as nested dictionaries that JSON can hold."""
    return {
        field.name: _encode(getattr(config, field.name)) for field in dataclasses.fields(config)
    }


def switched_on(value: Any) -> bool:
    """Return whether a setting that 0 switches off is on.

    A setting may be an argument of a compiled program (`number`), whose value nobody knows while
    the program is made: that one is on.
    """
    return not isinstance(value, int | float) or value != 0


def flattened(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by dotted path: `{"model": {"dropout": 0.1}}` has `model.dropout`."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def setting_rows(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as rows of a dotted name and a value, for people to read."""
    return [
        (name, json.dumps(value, ensure_ascii=False).strip('"'))
        for name, value in flattened(settings, prefix).items()
    ]


def from_dict[T](cls: type[T], values: Mapping[str, Any], *, where: str = "") -> T:
    """Rebuild an instance of the dataclass `cls` from what `to_dict` returned.

    Args:
        cls: the dataclass type.
        values: nested mappings; a missing field takes its default, an unknown one is an error.
        where: prefix of the field names in error messages, such as `model.`.

    Raises:
        ConfigError: for an unknown field, or a value of the wrong type.
    """
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cast(Any, cls)) if field.init}
    for name in values:
        if name not in fields:
            known = ", ".join(fields)
            raise ConfigError(f"unknown setting {where}{name}; {cls.__name__} has: {known}")
    arguments = {
        name: _decode(hints[name], value, where=f"{where}{name}") for name, value in values.items()
    }
    return cls(**arguments)


def config_hash(config: Any) -> str:
    """Return 12 hexadecimal digits that name the configuration, whatever its field order."""
    text = json.dumps(hashed_settings(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def hashed_settings(config: Any) -> dict[str, Any]:
    """Return what `to_dict` does without the fields marked as `UNHASHED`, however deep.

    A configuration may have `hashed_besides()`, further settings that follow from its own.
    """
    return _hashable(config)


def _hashable(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        settings = {
            field.name: _hashable(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not field.metadata.get("unhashed")
        }
        return settings | getattr(value, "hashed_besides", dict)()
    return _encode(value)


def _encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [_encode(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _encode(item) for key, item in value.items()}
    return value


def _decode(hint: Any, value: Any, *, where: str) -> Any:
    origin = get_origin(hint)
    if origin is typing.Annotated:
        return _decode(get_args(hint)[0], value, where=where)
    if origin in (Union, types.UnionType):
        return _decode_union(hint, value, where=where)
    if origin is Literal:
        if value not in get_args(hint):
            choices = ", ".join(map(str, get_args(hint)))
            raise ConfigError(f"setting {where} is {value!r}, expected one of: {choices}")
        return value
    if origin is tuple:
        return _decode_tuple(hint, value, where=where)
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise ConfigError(f"setting {where} is {value!r}, expected a group of settings")
        member = get_args(hint)[1]
        return {name: _decode(member, v, where=f"{where}.{name}") for name, v in value.items()}
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise ConfigError(f"setting {where} is {value!r}, expected a group of settings")
        return from_dict(cast(type, hint), value, where=f"{where}.")
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        choices = [member.value for member in hint]
        if value not in choices:
            listed = ", ".join(map(str, choices))
            raise ConfigError(f"setting {where} is {value!r}, expected one of: {listed}")
        return hint(value)
    if hint is Path:
        if not isinstance(value, (str, Path)):
            raise ConfigError(f"setting {where} is {value!r}, expected a path")
        return Path(value)
    if hint is float and type(value) is int:
        return float(value)
    # bool is a subclass of int, so types are compared exactly: `true` is no number of epochs.
    if hint is not Any and isinstance(hint, type) and type(value) is not hint:
        raise ConfigError(f"setting {where} is {value!r}, expected {hint.__name__}")
    return value


def _decode_union(hint: Any, value: Any, *, where: str) -> Any:
    if value is None and type(None) in get_args(hint):
        return None
    errors = []
    for member in get_args(hint):
        if member is type(None):
            continue
        try:
            return _decode(member, value, where=where)
        except ConfigError as error:
            errors.append(str(error))
    raise ConfigError("; or ".join(errors))


def _decode_tuple(hint: Any, value: Any, *, where: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f"setting {where} is {value!r}, expected a list")
    members = get_args(hint)
    if len(members) == 2 and members[1] is Ellipsis:
        members = (members[0],) * len(value)
    if len(members) != len(value):
        raise ConfigError(f"setting {where} has {len(value)} entries, expected {len(members)}")
    return tuple(
        _decode(member, item, where=f"{where}[{i}]")
        for i, (member, item) in enumerate(zip(members, value, strict=True))
    )
