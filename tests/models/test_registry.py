from src.models.registry import FIRST_STAGE


def test_models_stand_in_the_order_of_turns() -> None:
    turns = [(record.turn, name) for name, record in FIRST_STAGE.items()]
    assert turns == [(1, "mlc"), (2, "kmeans"), (3, "als")]


def test_records_go_by_their_names_and_have_files_of_their_own() -> None:
    assert [record.name for record in FIRST_STAGE.values()] == list(FIRST_STAGE)
    assert {name: record.file for name, record in FIRST_STAGE.items()} == {
        "mlc": "mlc.cbm",
        "kmeans": "kmeans.npz",
        "als": "als.npz",
    }


def test_what_the_models_look_at() -> None:
    assert {name: record.looks_at for name, record in FIRST_STAGE.items()} == {
        "mlc": {"profile"},
        "kmeans": {"profile"},
        "als": {"history"},
    }
