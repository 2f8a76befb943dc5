"""What a person reads when a file of theirs is wrong: one line that names the key, the value and what is right."""

from __future__ import annotations

import difflib
import typing
from typing import Any

from pydantic import BaseModel, ValidationError


def first_problem(error: ValidationError, root: type[BaseModel]) -> str:
    """One line for what is wrong with the content of a `root` model: an unknown key before all else, as it explains the
    rest."""
    problem = min(error.errors(include_url=False), key=lambda one: _RANK.get(one["type"], 1))
    where = _path(problem["loc"])
    dotted = ".".join(where)
    if problem["type"] == "extra_forbidden":
        valid = _keys_at(root, where[:-1])
        near = difflib.get_close_matches(where[-1], valid, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"valid keys: {', '.join(valid)}"
        return f"unknown key {dotted!r}; {hint}"
    if problem["type"] == "missing":
        return f"{dotted} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    value = problem["input"]
    shown = f" = {value!r}" if isinstance(value, str | int | float) else ""
    return f"{dotted}{shown}: {message}" if dotted else message


# the branch of a union that the value was not meant for says only that the type is another
_RANK = {"extra_forbidden": 0, "list_type": 2, "model_type": 2, "model_attributes_type": 2}


def _path(location: tuple[int | str, ...]) -> list[str]:
    """The keys in a pydantic error location, which also holds the names of union branches."""
    parts = [str(part) for part in location]
    if parts[:1] == ["states"] and parts[1:2] and parts[1] in ("points", "random"):
        del parts[1]
    return [part for part in parts if "[" not in part and part not in ("StrengthGrid", "Grid")]


def _keys_at(root: type[BaseModel], where: list[str]) -> list[str]:
    """Valid keys of the section at that place, the union where it can be of several kinds."""
    models: list[Any] = [root]
    for part in where:
        if part.isdigit():
            continue
        models = [model for parent in models for model in _models_of(parent, part)]
    return sorted({field.alias or name for model in models for name, field in model.model_fields.items()})


def _models_of(parent: type[BaseModel], key: str) -> list[type[BaseModel]]:
    field = parent.model_fields.get(key)
    return [] if field is None else list(_models_in(field.annotation))


def _models_in(annotation: Any) -> typing.Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models_in(argument)
