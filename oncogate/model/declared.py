"""What a file of rules, facts or a layer is made of."""

from __future__ import annotations

from pydantic import ConfigDict

from oncogate.model.values import Model


class Declared(Model):
    """A part of such a file. Its validator is built when a file is read (`packs.load`): a library from the cache needs none."""

    model_config = ConfigDict(defer_build=True)
