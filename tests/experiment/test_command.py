import sys
from pathlib import Path

import pytest
import yaml

from src.errors import InputError
from src.experiment import __main__ as command
from src.experiment.assignment import Experiment
from tests.feedback.logs import line, said, write

ARMS = {"name": "offers", "salt": "s", "arms": {"control": 0.5, "treatment": 0.5}}


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["src.experiment", *arguments])
    command.main()


def test_an_experiment_is_read_from_log_and_feedback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "service.yaml").write_text(yaml.safe_dump({"experiment": ARMS}))
    experiment = Experiment.model_validate(ARMS)
    lines, told = [], []
    for customer in range(600):
        arm = experiment.arm_of(customer)
        one = line(f"ab12-{customer}", customer, share=0, experiment="offers", arm=arm)
        lines.append(one)
        if customer % 10 == 0 or (arm == "treatment" and customer % 3 == 0):
            told.append(said(one["answer"], "card", "accepted", customer))
    arguments = [
        *("--log", str(write(tmp_path / "rec.log", lines))),
        *("--feedback", str(write(tmp_path / "feedback.jsonl", told))),
        *("--rules", str(tmp_path / "service.yaml")),
    ]
    run(monkeypatch, "read", *arguments)
    text = capsys.readouterr().out
    assert "**In treatment, more customers accept** than in control" in text
    (tmp_path / "service.yaml").write_text("eligibility: {}")
    with pytest.raises(InputError, match="has no section 'experiment'"):
        run(monkeypatch, "read", *arguments)


def test_an_experiment_is_planned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = ["plan", "--rate", "0.1", "--lift", "0.2", "--per-month", "3000"]
    run(monkeypatch, *plan)
    assert "At 3,000 new customers a month: 3 months." in capsys.readouterr().out
    with pytest.raises(InputError, match="--power is 1: give a share of 1"):
        run(monkeypatch, *plan, "--power", "1")
    with pytest.raises(InputError, match="--per-month is 0: give a number"):
        run(monkeypatch, *plan[:-1], "0")
