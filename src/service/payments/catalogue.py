"""Everything that answers about payments are made of, replaced as a whole on reload."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from pyarrow import types
from pydantic import TypeAdapter, ValidationError

from src.errors import InputError
from src.manifest import Hashes
from src.payments import manifest, paths
from src.payments.operations.models import OperationModels
from src.payments.operations.population import Population
from src.service.payments.days import refused
from src.service.payments.drift import Reference
from src.service.payments.examples import Lists
from src.service.payments.ledger import Ledger
from src.service.payments.reasons import Explainer
from src.service.payments.scoring import Asking, Scorer
from src.service.readable import readable
from src.service.settings import Settings, git_revision
from src.service.web.fields import TextId, WholeId

NOT_RUN = (
    f"the payments pipeline has not run: {manifest.MEND}, then POST /payments/load or start again"
)

_WHOLE: TypeAdapter[int | str] = TypeAdapter(WholeId)
_TEXT: TypeAdapter[int | str] = TypeAdapter(TextId)


@dataclass(frozen=True)
class Catalogue:
    """Models, what is known of everybody, and the payments of one run of the pipeline.

    Attributes
    ----------
    revision : str
        Git revision of the run.
    digest : str
        Short hash of the model files.
    names : dict of provider -> str
        As far as the bank gives them.
    lists : Lists
        Of new providers.
    reference : Reference
        What drift is measured against.
    """

    revision: str
    digest: str
    ledger: Ledger
    scorer: Scorer
    explainer: Explainer
    names: dict[str, str]
    lists: Lists
    reference: Reference

    @classmethod
    def load(cls, settings: Settings) -> "Catalogue":
        """Read what the pipeline wrote.

        Raises
        ------
        InputError
            It has not run, or a file is missing or damaged.
        """
        if not Path(manifest.PATH).exists():
            raise InputError(NOT_RUN)
        hashes = manifest.read()
        with (
            manifest.checked(hashes, manifest.files()),
            readable("what recommend wrote about payments", manifest.MEND),
        ):
            return cls._load(settings, hashes)

    @classmethod
    def _load(cls, settings: Settings, hashes: Hashes) -> "Catalogue":
        folder = Path(paths.SERVED_OPERATIONS)
        asking = Asking.model_validate(json.loads((folder / "serving.json").read_bytes()))
        models = OperationModels.load(folder)
        population = Population.load(folder / "population.npz")
        ledger = Ledger.open(paths.CLEAN)
        written = pq.read_table(paths.OPERATIONS, columns=["place", "chance"])
        best = written["chance"].to_numpy()[written["place"].to_numpy() == 1]
        return cls(
            revision=settings.revision or git_revision("pipelines/payments/dvc.lock"),
            digest=_digest(hashes),
            ledger=ledger,
            scorer=Scorer(models, population, asking),
            explainer=Explainer(models, asking.model),
            names=ledger.names(),
            lists=Lists.read(),
            reference=Reference.of(best),
        )

    @property
    def asking(self) -> Asking:
        """What recommend asked its models about."""
        return self.scorer.asking

    def identity(self, client: int | str) -> int | str:
        """An id as the bank has it.

        Raises
        ------
        RequestValidationError
            It cannot be an id of this bank.
        """
        whole = types.is_integer(self.ledger.file.schema_arrow.field("client").type)
        try:
            found = (_WHOLE if whole else _TEXT).validate_python(client)
        except ValidationError as error:
            raise refused(("client",), error.errors()[0]["msg"]) from None
        return found


def _digest(hashes: Hashes) -> str:
    together = "".join(hashes[path] for path in manifest.models())
    return hashlib.sha256(together.encode()).hexdigest()[:12]
