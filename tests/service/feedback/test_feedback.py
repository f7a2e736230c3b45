# ruff: noqa: S106 -- the tokens of feedback are no secrets
import datetime
import logging
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import sqlalchemy as sa
from alembic import command as alembic
from alembic.config import Config
from pydantic import ValidationError

from src.errors import InputError
from src.service.feedback import store as module
from src.service.feedback.store import Feedback, FeedbackSettings, migrate
from src.service.web import keys
from tests.servers import free_port
from tests.service.bank import Service, Start

SETTINGS = FeedbackSettings(cooldown_days={"dismissed": 90, "accepted": 30})


def row(**change: Any) -> dict[str, Any]:
    given = {"customer": 1, "product": "card", "action": "dismissed", "answer": None, "key": "page"}
    return {**given, **change}


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """URL of a PostgreSQL of its own, as people write it."""
    folders = sorted(path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not folders:
        pytest.skip("no PostgreSQL is installed (Debian: apt-get install postgresql)")
    port = free_port()
    home = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    user = []
    if os.geteuid() == 0:  # as whom it refuses to run
        shutil.chown(home, "postgres")
        user = ["runuser", "--user", "postgres", "--"]
    data = f"--pgdata={home / 'data'}"
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1"
    for command in (
        ["initdb", data, "--no-sync", "--auth=trust", "--username=bank", "--encoding=UTF8"],
        ["pg_ctl", data, "start", "--wait", f"--log={home / 'log'}", f"--options={options}"],
    ):
        program = [*user, str(folders[-1] / command[0]), *command[1:]]
        subprocess.run(program, check=True, cwd=home, stdout=subprocess.DEVNULL)
    yield f"postgresql://bank@127.0.0.1:{port}/"
    stop = [*user, str(folders[-1] / "pg_ctl"), data, "stop", "--mode=immediate"]
    subprocess.run(stop, check=True, cwd=home, stdout=subprocess.DEVNULL)
    shutil.rmtree(home)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database, of either kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/feedback.db"
        return
    server = request.getfixturevalue("postgresql")
    engine = sa.create_engine(
        f"{server}postgres".replace(":", "+psycopg2:", 1), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE feedback"))
        yield f"{server}feedback"
        connection.execute(sa.text("DROP DATABASE feedback WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def store(url: str) -> Feedback:
    return Feedback(url, SETTINGS, integer_ids=True)


def test_products_rest_as_long_as_the_action_says(store: Feedback) -> None:
    now = datetime.datetime.now(datetime.UTC).timestamp()
    store.add(row())
    store.add(row(product="loan", action="accepted"))
    store.add(row(product="fund", action="shown"))
    store.add(row(customer=2, product="account"))
    assert store.in_cooldown(1, now) == ["card", "loan"]
    assert store.in_cooldown(1, now + 31 * 86_400) == ["card"]
    assert store.in_cooldown(1, now + 91 * 86_400) == []
    assert store.in_cooldown(2, now) == ["account"]
    assert store.in_cooldown(3, now) == []
    assert store.in_cooldown(None, now) == []


def test_the_last_action_decides_and_can_be_withdrawn(store: Feedback, url: str) -> None:
    now = datetime.datetime.now(datetime.UTC).timestamp()
    for action in ("dismissed", "accepted", "shown"):
        store.add(row(action=action))
    store.add(row(product="loan"))
    store.add(row(product="loan", action="withdrawn"))
    again = Feedback(url, SETTINGS, integer_ids=True)
    again.refresh()
    for known in (store, again):
        assert known.in_cooldown(1, now + 29 * 86_400) == ["card"]
        assert known.in_cooldown(1, now + 31 * 86_400) == []
    store.add(row(action="withdrawn"))
    assert store.in_cooldown(1, now + 1) == []
    assert again.in_cooldown(1, now) == ["card"]
    again.refresh()
    assert again.in_cooldown(1, now + 1) == []


def test_what_was_stored_before_is_known_after_a_start(store: Feedback, url: str) -> None:
    now = datetime.datetime.now(datetime.UTC).timestamp()
    store.add(row())
    other = Feedback(url, SETTINGS, integer_ids=True)
    assert other.in_cooldown(1, now) == ["card"]
    store.add(row(customer=5, product="loan"))
    assert other.in_cooldown(5, now) == []
    other.refresh()
    assert other.in_cooldown(5, now) == ["loan"]


def test_ids_of_text(url: str) -> None:
    Feedback(url, SETTINGS, integer_ids=False).add(row(customer="007"))
    again = Feedback(url, SETTINGS, integer_ids=False)
    assert again.in_cooldown("007", 0) == ["card"]
    assert again.in_cooldown("7", 0) == []


def test_commits_wait_for_the_disk(tmp_path: Path) -> None:
    store = Feedback(f"sqlite:///{tmp_path}/feedback.db", SETTINGS, integer_ids=True)
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_export_goes_on_where_it_ended(store: Feedback) -> None:
    for product in ("card", "loan", "fund"):
        store.add(row(product=product, answer="ab-1"))
    first = list(store.export(0, 2))
    assert [line["product"] for line in first] == ["card", "loan"]
    received = datetime.datetime.fromisoformat(first[0].pop("received_at"))
    assert received.utcoffset() == datetime.timedelta(0)
    assert first[0] == {
        "id": 1,
        "customer": "1",
        "product": "card",
        "action": "dismissed",
        "answer": "ab-1",
        "key": "page",
    }
    assert [line["product"] for line in store.export(first[-1]["id"], 2)] == ["fund"]


def test_migrations_make_the_table_that_the_code_knows(url: str) -> None:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg2:"))
    with engine.begin() as connection:
        migrate(connection)
        migrate(connection)  # once is enough
    with engine.connect() as connection:
        columns = sa.inspect(connection).get_columns("feedback")
    engine.dispose()
    expected = module.feedback.columns
    assert [column["name"] for column in columns] == [column.name for column in expected]
    assert [column["nullable"] for column in columns] == [column.nullable for column in expected]


def test_a_database_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "feedback.db").write_text("this is no database, but a text of some length")
    with pytest.raises(InputError, match=r"feedback cannot be kept in sqlite:///.*not a database"):
        Feedback(f"sqlite:///{tmp_path}/feedback.db", SETTINGS, integer_ids=True)


def test_what_is_sent_twice_under_a_token_is_stored_once(store: Feedback, url: str) -> None:
    first = store.add(row(token="t-1"))
    store.add(row(action="withdrawn"))
    assert store.add(row(token="t-1")) == (first[0], False)
    assert Feedback(url, SETTINGS, integer_ids=True).add(row(token="t-1")) == (first[0], False)
    assert store.in_cooldown(1, 0) == []  # what was repeated undoes nothing
    assert store.add(row(token="t-2"))[1]
    assert store.add(row(token="t-1", key="other"))[1]  # tokens of one client are not another's
    assert store.add(row())[1]
    assert store.add(row())[1]
    with pytest.raises(InputError, match=f"^token 't-1' was sent .* has id {first[0]}: make"):
        store.add(row(token="t-1", product="loan"))


def test_feedback_that_was_stored_before_there_were_tokens_is_kept(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/feedback.db"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(module._MIGRATIONS))
        config.attributes["connection"] = connection
        alembic.upgrade(config, "0001")
        old = {name: value for name, value in row(customer="1").items() if name != "token"}
        old["received_at"] = datetime.datetime.now(datetime.UTC)
        connection.execute(sa.insert(module.feedback).values(old))
    engine.dispose()
    store = Feedback(url, SETTINGS, integer_ids=True)
    assert store.in_cooldown(1, 0) == ["card"]
    assert store.add(row(token="t-1")) == (2, True)
    with store._engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.downgrade(config, "0001")
        alembic.upgrade(config, "head")
    assert [line["id"] for line in store.export(0, 10)] == [1, 2]


def test_others_may_not_read(tmp_path: Path) -> None:
    path = tmp_path / "state" / "feedback.db"
    store = Feedback(f"sqlite:///{path}", SETTINGS, integer_ids=True)
    store.add(row())
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(["feedback.db", "feedback.db-wal", "feedback.db-shm"], 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def give(service: Service, **change: Any) -> Any:
    given = {"customer": "1", "product": "card", "action": "dismissed"} | change
    return service.client.post("/feedback", json=given, headers=service.as_("feedback"))


def test_a_repeated_call_returns_the_first_id(service: Service) -> None:
    first = give(service, token="0123456789abcdef")
    again = give(service, token="0123456789abcdef")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json() == {"id": 1, "cooldown_days": 90}
    other = give(service, token="0123456789abcdef", action="accepted")
    assert other.status_code == 409
    assert other.json()["detail"].startswith("token '0123456789abcdef' was sent before")
    counted = service.client.get("/get_statistics", headers=service.as_("read")).json()
    assert counted["feedback"] == {"dismissed": 1}
    for token in ("", "a" * 65, "a b", "a\n"):
        assert give(service, token=token).status_code == 422


def test_a_database_that_fails_is_503_and_one_line(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    database = Path("data/service/feedback.db")
    locked = sqlite3.connect(database, isolation_level=None)
    locked.execute("BEGIN IMMEDIATE")  # as a full disk: nothing can be written
    first, second = give(service), give(service)  # the second at once, without waiting again
    locked.execute("ROLLBACK")
    locked.close()
    for refused in (first, second):
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["detail"].startswith("the database of feedback does not answer")
    lines = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [(line.getMessage(), line.exc_info) for line in lines] == [
        ("the database of feedback failed: database is locked", None)
    ]
    ready = service.client.get("/ready", headers=service.as_("read"))
    assert (ready.status_code, ready.json()["feedback"]) == (200, False)
    assert service.ask({"customer": 1}).status_code == 200
    time.sleep(1.1)
    assert give(service).status_code == 201
    assert service.client.get("/ready", headers=service.as_("read")).json()["feedback"]


def test_a_postgresql_that_goes_away_and_comes_back(
    start: Start, postgresql: str, caplog: pytest.LogCaptureFixture
) -> None:
    service = start(database=f"{postgresql}postgres")
    assert give(service, token="before").status_code == 201
    store = service.app.state.process.feedback
    url = store._engine.url
    with store._engine.connect() as connection:
        assert connection.execute(sa.text("SHOW statement_timeout")).scalar() == "2s"
    gone = Feedback.__new__(Feedback)
    gone.__dict__ |= store.__dict__
    down = sa.create_engine(url.set(port=1), connect_args={"connect_timeout": 1})
    store._engine = down
    assert give(service).status_code == 503
    exported = service.client.get("/feedback/export", headers=service.as_("admin"))
    assert exported.status_code == 503
    assert "Traceback" not in caplog.text
    store._engine = gone._engine
    down.dispose()
    time.sleep(1.1)
    assert give(service, token="after").status_code == 201
    with gone._engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE feedback, alembic_version"))


def test_a_postgresql_that_hangs_keeps_nobody_waiting(start: Start, postgresql: str) -> None:
    service = start(database=f"{postgresql}postgres")
    store = service.app.state.process.feedback
    with store._engine.begin() as locking:
        locking.execute(sa.text("LOCK TABLE feedback"))
        began = time.monotonic()
        assert give(service).status_code == 503
        assert 1 < time.monotonic() - began < 5
    with store._engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE feedback, alembic_version"))


def test_exports_are_streamed_and_hold_up_nobody(service: Service) -> None:
    store = service.app.state.process.feedback
    received = datetime.datetime.now(datetime.UTC)
    values = [row(customer=str(one), received_at=received) for one in range(2_500)]
    with store._engine.begin() as connection:
        connection.execute(sa.insert(module.feedback), values)
    answer = service.client.get("/feedback/export?limit=2300", headers=service.as_("admin"))
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert "content-length" not in answer.headers
    assert [orjson.loads(line)["id"] for line in answer.iter_lines()] == list(range(1, 2_301))
    waiting = threading.Event()
    service.app.state.process._exports.submit(waiting.wait, 30)  # an export that takes long
    assert give(service).status_code == 201
    waiting.set()


HANGS = """
import sys, time
from src.service.__main__ import main
from src.service.feedback.store import Feedback
def hang(*_):
    print("hangs", flush=True)
    time.sleep(1000)
Feedback.add = hang
main()
"""


@pytest.mark.usefixtures("bank")
def test_the_service_ends_in_time_whatever_the_database_does() -> None:
    key = keys.create(Path("data/service/keys.json"), "page", ["feedback"])
    port = free_port()
    settings = {"NEXTBEST_PORT": str(port), "NEXTBEST_METRICS_PORT": "0", "NEXTBEST_REVISION": "a"}
    process = subprocess.Popen(
        [sys.executable, "-c", HANGS],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            for _ in range(600):
                try:
                    client.get("/health")
                    break
                except httpx.ConnectError:
                    time.sleep(0.1)
            given = {"customer": 1, "product": "card", "action": "shown"}
            asking = threading.Thread(
                target=lambda: httpx.post(
                    f"http://127.0.0.1:{port}/feedback",
                    json=given,
                    headers={"Authorization": f"Bearer {key}"},
                    trust_env=False,
                    timeout=30,
                )
            )
            asking.start()
            assert process.stdout
            assert process.stdout.readline() == b"hangs\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            asking.join()
    finally:
        process.kill()
        process.communicate()


def test_dismissed_products_rest_in_the_answers(service: Service) -> None:
    before = [row["product"] for row in service.ask({"customer": 1}).json()["recommendations"]]
    given = {"customer": 1, "product": before[0], "action": "dismissed", "answer": "ab-1"}
    stored = service.client.post("/feedback", json=given, headers=service.as_("feedback"))
    assert (stored.status_code, stored.json()) == (201, {"id": 1, "cooldown_days": 90})
    answer = service.ask({"customer": 1}).json()
    assert before[0] not in [row["product"] for row in answer["recommendations"]]
    assert answer["removed"]["cooldown"] == 1
    exported = service.client.get("/feedback/export", headers=service.as_("admin"))
    (line,) = map(orjson.loads, exported.content.splitlines())
    assert {key: line[key] for key in given} == {**given, "customer": "1"}
    assert line["key"] == "feedback"


def test_a_postgresql_that_is_not_there() -> None:
    url = "postgresql://bank:secret@127.0.0.1:1/feedback"
    message = r"feedback cannot be kept in postgresql\+psycopg2://bank:\*\*\*@127.*refused"
    with pytest.raises(InputError, match=message):
        Feedback(url, SETTINGS, integer_ids=True)


@pytest.mark.parametrize("url", ["nonsense", "mysql://bank:secret@localhost/feedback"])
def test_no_url_of_a_database(url: str) -> None:
    with pytest.raises(InputError, match=r"^NEXTBEST_DATABASE is no URL of a database: it looks"):
        Feedback(url, SETTINGS, integer_ids=True)


def test_the_last_action_may_have_no_days(tmp_path: Path) -> None:
    settings = FeedbackSettings(cooldown_days={"dismissed": 90, "accepted": 0})
    store = Feedback(f"sqlite:///{tmp_path}/feedback.db", settings, integer_ids=True)
    store.add(row())
    store.add(row(action="accepted"))
    assert store.in_cooldown(1, 1) == []


def test_nothing_rests_after_it_was_withdrawn() -> None:
    with pytest.raises(ValidationError, match="'shown', 'accepted' or 'dismissed'"):
        FeedbackSettings.model_validate({"cooldown_days": {"withdrawn": 10}})


def test_feedback_on_what_is_not_sold(service: Service) -> None:
    given = {"customer": 1, "product": "yacht", "action": "shown"}
    refused = service.client.post("/feedback", json=given, headers=service.as_("feedback"))
    assert refused.status_code == 422
    assert refused.json()["faults"][0]["field"] == "product"


KILLED = """
import os, sys
from src.service.feedback.store import Feedback, FeedbackSettings
store = Feedback(sys.argv[1], FeedbackSettings(cooldown_days={}), integer_ids=True)
row = {"product": "card", "action": "shown", "answer": None, "key": "page"}
for customer in range(100_000):
    print(store.add({**row, "customer": customer})[0], flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/feedback.db"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, url],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(50)]
    process.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in process.stdout.read().split(b"\n")[:-1]]
    process.wait()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL
    kept = {line["id"] for line in Feedback(url, SETTINGS, integer_ids=True).export(0, 200_000)}
    assert set(acknowledged) <= kept
    assert len(acknowledged) >= 50


def test_two_services_share_a_database(start: Start) -> None:
    first = start()
    given = {"customer": 1, "product": "card", "action": "dismissed"}
    first.client.post("/feedback", json=given, headers=first.as_("feedback"))
    other = Feedback("sqlite:///data/service/feedback.db", SETTINGS, integer_ids=True)
    assert other.in_cooldown(1, 0) == ["card"]
    other.close()
