"""A fourth first-stage model is a record, and no other code: the service has it in full."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from src.models.contract import FirstStage, Phrase
from src.models.registry import FIRST_STAGE
from src.products import paths, recommend
from tests.service.bank import PARAMS, Start
from tests.toy import Toy, ToySettings

RECORD = FirstStage(
    name="yours",
    turn=4,
    model=Toy,
    settings=ToySettings,
    file="yours.npz",
    offline_lists="yours.parquet",
    fit=lambda _data, settings: Toy(settings.weight),
    looks_at=frozenset({"history"}),
    title=Phrase("long use", "долгое использование"),
    score_means=Phrase("months held", "месяцев"),
    fallback="what was held long",
    phrase=Phrase("{t} was held for {i} months", "«{t}» держали {i} мес."),
)


@pytest.fixture
def with_yours(bank: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small bank, its blend learnt from the scores of a fourth model as well."""
    monkeypatch.setitem(FIRST_STAGE, "yours", RECORD)
    blend = {**PARAMS["blend"], "models": ["kmeans", "mlc", "yours"]}
    content = {**PARAMS, "train_yours": {"weight": 1.0}, "blend": blend}
    Path("params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    recommend.main()
    return bank


@pytest.mark.usefixtures("with_yours")
def test_it_is_loaded_listed_and_named(start: Start) -> None:
    service = start()
    read = service.as_("read")
    ready = service.client.get("/ready", headers=read).json()
    assert ready["models"] == ["blend", "mlc", "kmeans", "als", "yours", "popularity"]
    words = service.client.get("/vocabulary", headers=read).json()
    assert words["sources"]["yours"] == {
        "title": {"en": "long use", "ru": "долгое использование"},
        "score": {"en": "months held", "ru": "месяцев"},
    }
    reload = service.client.post(
        "/load_recommendations", json={"kind": "yours"}, headers=service.as_("admin")
    )
    assert reload.status_code == 200
    assert Path(f"{paths.SERVING_LISTS}/yours.parquet").is_file()


@pytest.mark.usefixtures("with_yours")
def test_its_list_supports_offers_and_its_score_is_a_reason(start: Start) -> None:
    service = start()
    rows: list[dict[str, Any]] = []
    for customer in range(1, 121):
        answer = service.ask({"customer": customer}, k=3).json()
        rows += [row for row in answer["recommendations"] if row["source"] == "personal"]
    assert any("yours" in row["supported_by"] for row in rows)
    phrases = service.app.state.serving.catalogue.explainer._phrases
    names = list(service.app.state.serving.catalogue.models.ranker.booster.feature_names_)
    told = phrases.phrase(names.index("yours:card"), 3.0)
    assert told == {
        "feature": "yours:card",
        "en": "Card was held for 3 months",
        "ru": "«card (Ru)» держали 3 мес.",
    }
