"""The alias of the run that is served by decision."""

from types import SimpleNamespace
from typing import Any

from src.log_mlflow.runs import point_at_promoted
from src.products.promoted import Promoted

CHOSEN = Promoted("abc", "d1", "2016-06", "2016-06-03", "the first run")


class Client:
    """A registry of two runs and of another bank's models."""

    def __init__(self) -> None:
        self.aliases: dict[tuple[str, str], str] = {}
        self.versions = [
            ("bank-blend", "1", "old"),
            ("bank-blend", "2", "abc"),
            ("bank-als", "2", "abc"),
            ("other-als", "7", "abc"),
        ]

    def search_model_versions(self, query: str) -> list[Any]:
        revision = query.removeprefix("tags.git_revision = '").removesuffix("'")
        return [
            SimpleNamespace(name=name, version=version)
            for name, version, of in self.versions
            if of == revision
        ]

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        self.aliases[name, alias] = version


def test_versions_of_the_promoted_run_get_its_alias() -> None:
    client: Any = Client()
    pointed = point_at_promoted(client, "bank", CHOSEN)
    assert pointed == ["bank-als version 2", "bank-blend version 2"]
    assert client.aliases == {("bank-als", "promoted"): "2", ("bank-blend", "promoted"): "2"}


def test_a_run_that_was_never_logged_has_none() -> None:
    client: Any = Client()
    unknown = Promoted("fff", "d1", "2016-06", "2016-06-03", "the first run")
    assert point_at_promoted(client, "bank", unknown) == []
    assert client.aliases == {}
