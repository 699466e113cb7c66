"""What pytest loads of oncogate wherever it is installed: two options, and nothing more unless one of them or a rules folder is named.

It imports nothing else of the package, so that other people's test runs don't load the engine, and coverage that is
measured of oncogate itself sees its imports.
"""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; each may also be set in the ini file."""
    group = parser.getgroup("oncogate", "rules for oncology orders")
    group.addoption(
        "--oncogate",
        action="store_true",
        help="collect rule files (*.yaml in a folder with a pack.yaml): each of their examples is a test",
    )
    group.addoption(
        "--oncogate-checks",
        action="store_true",
        help="collect rule files, and run the named checks on each rule as well",
    )
    parser.addini("oncogate", "as --oncogate", type="bool", default=False)
    parser.addini("oncogate_checks", "as --oncogate-checks", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Register the collector if it is asked for."""
    checks = bool(config.getoption("oncogate_checks") or config.getini("oncogate_checks"))
    asked = checks or config.getoption("oncogate") or config.getini("oncogate")
    if not (asked or any(names_rules(argument) for argument in config.invocation_params.args)):
        return
    try:
        from oncogate.testing.plugin import RuleFiles  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(RuleFiles(config.invocation_params.dir, checks=checks), "oncogate-rules")


def names_rules(argument: str) -> bool:
    """Whether an argument of pytest is a pack, a folder of packs or a rule file: `pytest rules/` asks for its rules."""
    path = Path(argument.partition("::")[0])
    if path.is_dir():
        return (path / "pack.yaml").is_file() or any(path.glob("*/pack.yaml"))
    return path.suffix in (".yaml", ".yml") and path.is_file() and (path.parent / "pack.yaml").is_file()
