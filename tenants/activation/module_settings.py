"""The settings of a module for one tenant: checked against the module's JSON Schema, with the defaults filled in."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from catalog.models import Module


class SettingsInvalid(ValueError):
    """Some settings are wrong; ``errors`` has the path and message of each."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(f"{error['path']}: {error['message']}" for error in errors))
        self.errors = errors


def filled(module: Module, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the module's defaults where none is given; raises SettingsInvalid with every fault."""
    schema = module.content["settings"]
    errors = [*_faults(schema, given), *_unstorable(given, ())]
    if errors:
        raise SettingsInvalid(errors)
    settings: dict[str, Any] = {name: field.get("default") for name, field in schema["properties"].items()}
    settings |= {name: _whole(schema["properties"][name], value) for name, value in given.items()}
    return _in_order(settings, given)


def _faults(schema: dict[str, Any], given: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for error in sorted(Draft202012Validator(schema).iter_errors(dict(given)), key=lambda error: error.json_path):
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            for name in sorted(set(given) - set(schema["properties"])):
                yield _error((name,), "there is no such setting")
        else:
            yield _error(path, error.message)


def _unstorable(value: Any, path: tuple[str | int, ...]) -> Iterator[dict[str, str]]:
    """Values that pass for JSON in Python and for nothing in PostgreSQL."""
    if isinstance(value, float) and not math.isfinite(value):
        yield _error(path, "must be a finite number")
    elif isinstance(value, str) and "\x00" in value:
        yield _error(path, "must not hold a null character")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unstorable(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unstorable(item, (*path, number))


def _error(path: tuple[str | int, ...], message: str) -> dict[str, str]:
    dotted = "settings" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    pointer = "/".join(["#", "settings", *(str(part).replace("~", "~0").replace("/", "~1") for part in path)])
    return {"path": dotted, "pointer": pointer, "message": message}


def _whole(schema: Mapping[str, Any], value: Any) -> Any:
    """6.0 is an integer to JSON Schema; it is kept as 6."""
    types = schema.get("type", [])
    if isinstance(value, float) and value.is_integer() and "integer" in ([types] if isinstance(types, str) else types):
        return int(value)
    return [_whole(schema.get("items", {}), item) for item in value] if isinstance(value, list) else value


def _in_order(settings: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Cohorts in ascending order, and an episode not given up before its last cohort."""
    cohorts = settings.get("dormant_cohorts_months")
    if not cohorts:
        return settings
    settings["dormant_cohorts_months"] = sorted(cohorts)
    give_up = settings.get("give_up_after_months")
    if give_up is not None and give_up < max(cohorts):
        if "give_up_after_months" in given:
            message = f"must not be before the last cohort, which is at {max(cohorts)} months"
            raise SettingsInvalid([_error(("give_up_after_months",), message)])
        settings["give_up_after_months"] = max(cohorts) + 12
    return settings
