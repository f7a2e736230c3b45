"""From answers with known chances to the value of another ranking, through the service itself."""

import sys
from pathlib import Path

import pytest
import yaml

from src.feedback import __main__ as command
from src.products import paths
from tests.service.bank import RULES, Start


def test_what_the_service_logs_and_exports_is_what_evaluation_reads(
    start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exposure = {"share": 1, "first": 2}
    Path("service.yaml").write_text(yaml.safe_dump(RULES | {"exposure": exposure}))
    service = start()
    shown = accepted = 0
    for customer in [*range(20, 121)] * 3:
        answer = service.ask({"customer": customer}, k=2).json()
        first = [row["product"] for row in answer["recommendations"]][:1]
        shown += len(first)
        if first == ["card"]:
            accepted += 1
            told = {"customer": customer, "product": "card", "action": "accepted"}
            told["answer"] = answer["answer"]
            service.client.post("/feedback", json=told, headers=service.as_("feedback"))
    assert 0 < accepted < shown
    exported = service.client.get("/feedback/export", headers=service.as_("admin"))
    Path("feedback.jsonl").write_bytes(exported.content)
    service.client.__exit__(None, None, None)
    arguments = ["--feedback", "feedback.jsonl", "--ranking", paths.RECOMMENDATIONS]
    monkeypatch.setattr(sys, "argv", ["src.feedback", *arguments])
    command.main()
    summary, own, other = capsys.readouterr().out.split("\n\nAs ")
    assert f"{shown:,} answers, which say as much as" in own
    assert f"of 1,000 first offers, {1000 * accepted / shown:.1f} were accepted." in summary
    assert "**No detectable difference** from as ranked" in other or "Do not believe" in other
    (row,) = [line for line in other.splitlines() if "| DR |" in line]
    assert row.endswith("| +0.0 | +0.0 … +0.0 |")  # the lists served are the other ranking
    service.client.__enter__()
