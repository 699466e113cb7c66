"""Models some of whose fields are worked out when someone looks at them."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import GetJsonSchemaHandler, SerializerFunctionWrapHandler, model_serializer
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from oncogate.base.made import made
from oncogate.model.values import Model

L = TypeVar("L", bound="Later")


class Later(Model):
    """A model that is made before its fields are: each is worked out when someone looks at it, from what doesn't change.

    It is `made` of what `work_out` needs, under names that are no fields, and of the fields that are known already.
    Whatever looks at the whole (writing, comparing, copying) has all of them worked out first, so that nobody can tell.
    """

    def work_out(self, name: str) -> Any:
        """The value of a field that isn't there yet."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name not in type(self).__pydantic_fields__:
            raise AttributeError(f"a {type(self).__name__.lower()} has no `{name}`")
        found = self.__dict__[name] = self.work_out(name)
        return found

    def whole(self: L) -> L:
        """The same with nothing left to work out, its fields in their order: so they are written."""
        values, fields = self.__dict__, type(self).__pydantic_fields__
        if [*values][: len(fields)] != [*fields]:
            told = {name: values[name] if name in values else self.work_out(name) for name in fields}
            behind = {name: value for name, value in values.items() if name not in fields}
            object.__setattr__(self, "__dict__", {**told, **behind})
        return self

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> Any:
        return write(self.whole())

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(without_serializer(schema))

    def __iter__(self) -> Any:
        return iter([(name, getattr(self, name)) for name in type(self).__pydantic_fields__])

    def __repr_args__(self) -> Any:
        return iter(self)

    def __copy__(self: L) -> L:
        return made(type(self), dict(self), set(self.__pydantic_fields_set__))

    def __deepcopy__(self: L, memo: dict[int, Any] | None = None) -> L:
        return self.__copy__()  # what it holds is frozen

    def __getstate__(self) -> dict[Any, Any]:
        return {**super().__getstate__(), "__dict__": dict(self)}

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and dict(self) == dict(other)

    def __hash__(self) -> int:
        return hash(tuple(dict(self).values()))


def without_serializer(schema: Any) -> Any:
    """The schema of a model as that of its fields, without the look into whether everything is worked out."""
    if schema["type"] == "definitions":
        return {**schema, "schema": without_serializer(schema["schema"])}
    return {key: value for key, value in schema.items() if key != "serialization"}
