from pathlib import Path

import pandas as pd

from src.simulation import raw_text


def test_first_lines_are_raw_text(folder: Path) -> None:
    with (folder / "train_ver2.csv").open(encoding="utf-8") as lines:
        header, first = next(lines), next(lines)
    assert header.startswith("fecha_dato,ncodpers,ind_empleado,")
    assert '"' not in header
    assert first.startswith("2015-01-28,")


def test_only_names_with_commas_are_quoted(folder: Path) -> None:
    text = (folder / "train_ver2.csv").read_text(encoding="utf-8")
    assert ',15,"CORUÑA, A",' in text
    assert ",28,MADRID," in text
    assert '""' not in text
    assert text.count('"') == 2 * sum(
        text.count(f'"{name}"')
        for name in ("CORUÑA, A", "BALEARS, ILLES", "PALMAS, LAS", "RIOJA, LA")
    )


def test_widths(raw: pd.DataFrame) -> None:
    widths = {"age": 3, "ind_nuevo": 2, "antiguedad": 7, "indrel": 2, "tipodom": 2, "cod_prov": 2}
    widths |= {"ind_actividad_cliente": 2, "ind_nomina_ult1": 2, "ind_nom_pens_ult1": 2}
    for column, width in widths.items():
        wrong = raw[column].str.len() != width
        long = (column == "antiguedad") & (raw[column] == "-999999")
        assert not (wrong & ~long).any(), column
    assert set(raw["ind_recibo_ult1"]) == {"0", "1"}
    assert set(raw["ind_nomina_ult1"]) == {" 0", " 1", "NA"}


def test_a_missing_profile_is_missing_altogether(raw: pd.DataFrame) -> None:
    hidden = raw[raw["age"] == " NA"]
    assert 10 <= hidden["ncodpers"].nunique() <= 20  # 7,340 of 956,645 are 15 of 2,000
    assert hidden["fecha_dato"].max() <= "2015-06-28"
    written = {"ind_nuevo": "NA", "antiguedad": "     NA", "indrel": "NA", "tipodom": "NA"}
    written |= {"age": " NA", "cod_prov": "NA", "ind_actividad_cliente": "NA"}
    for column in raw_text.PROFILE_COLUMNS[2:]:
        assert set(hidden[column]) == {written.get(column, "")}, column
    assert set(hidden["ind_nomina_ult1"]) <= {"NA", " 0", " 1"}
    assert (raw["ind_nomina_ult1"] == "NA").equals(raw["ind_nom_pens_ult1"] == "NA")
    assert set(raw.loc[raw["ind_nomina_ult1"] == "NA", "age"]) == {" NA"}


def test_tenure_agrees_with_the_day_of_joining(raw: pd.DataFrame) -> None:
    known = raw[(raw["age"] != " NA") & (raw["antiguedad"] != "-999999")]
    months = known["fecha_dato"].str[:4].astype(int) * 12 + known["fecha_dato"].str[5:7].astype(int)
    joined = known["fecha_alta"].str[:4].astype(int) * 12 + known["fecha_alta"].str[5:7].astype(int)
    tenure = known["antiguedad"].astype(int)
    assert (months - joined == tenure).all()
    assert (known["fecha_alta"] <= known["fecha_dato"]).all()
    assert ((tenure < 6) == (known["ind_nuevo"] == " 1")).all()


def test_the_sentinel_tenure_is_rare(raw: pd.DataFrame) -> None:
    assert len(set(raw.loc[raw["antiguedad"] == "-999999", "ncodpers"])) == 1


def test_last_day_as_a_primary_customer_only_with_99(raw: pd.DataFrame) -> None:
    assert ((raw["indrel"] == "99") == (raw["ult_fec_cli_1t"] != "")).all()
    assert (raw["indrel"] == "99").any()


def test_income_never_changes(raw: pd.DataFrame) -> None:
    shown = raw[raw["renta"] != ""]
    assert not shown[["ncodpers", "renta"]].drop_duplicates()["ncodpers"].duplicated().any()
    assert 0.17 < (raw["renta"] == "").mean() < 0.24
    assert shown["renta"].str.fullmatch(r"\d+\.\d{1,2}").all()


def test_mixed_spellings(raw: pd.DataFrame) -> None:
    assert {"1", "1.0", ""} <= set(raw["indrel_1mes"])
    assert {"A", "I", ""} <= set(raw["tiprel_1mes"])
    assert set(raw["segmento"]) == {"", *raw_text.SEGMENT_TEXT}


def test_age_grows_by_at_most_one_year_at_a_time(raw: pd.DataFrame) -> None:
    known = raw[raw["age"] != " NA"]
    steps = known["age"].astype(int).groupby(known["ncodpers"]).diff().dropna()
    assert set(steps) == {0.0, 1.0}
