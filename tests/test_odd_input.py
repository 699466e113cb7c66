"""Odd input to the clinical packs: what can't be right is unknown and speaks; tables and layers that can't be are refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from cases import FULLY_SHOWN, pack, request, written
from conftest import ROOT
from loaded import shipped_library
from typer.testing import CliRunner

from oncogate.authoring.examples import judge_alone, request_of
from oncogate.cli.app import app

LIBRARY = shipped_library()
RULES = {loaded.rule.id: loaded.rule for loaded in LIBRARY.rules}
WARM = {"fact": "vital.temperature", "value": "37.9 Cel"}
DOCETAXEL = {"drugs": [{"name": "多西他赛"}], "cycle": 2}
FIVE_DAYS_AGO = [{"drugs": [{"name": "多西他赛"}], "age": "5 d", "cycle": 1}]


def verdict(rule: str, **given: Any) -> str:
    return judge_alone(RULES[rule], request_of({"tumour": "breast", **given}, LIBRARY), LIBRARY).verdict


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("腋下", "unmet"), ("AXILLARY", "unmet"), (" axilla ", "unmet"), ("口腔", "not_applicable"), ("Oral", "not_applicable"),
        ("nonsense", "unknown"), ("", "unknown"), (None, "unknown"),
    ],
)  # fmt: skip
def test_a_temperature_is_held_against_the_limit_of_its_site(site: str | None, expected: str) -> None:
    entry = {**WARM, **({"site": site} if site is not None else {})}
    assert verdict("start-of-cycle/fever-on-day-1", order=["顺铂"], vitals=[entry]) == expected


@pytest.mark.parametrize("dose", [-3, 0])
def test_a_dose_of_nothing_is_not_one_that_was_meant(dose: int) -> None:
    order = {"drugs": [{"name": "长春新碱", "dose": dose, "unit": "mg"}]}
    assert verdict("safety/dose-above-maximum", order=order) == "unknown"


@pytest.mark.parametrize("days", [0, -21, None])
def test_an_interval_of_nothing_is_none(days: int | None) -> None:
    order = {**DOCETAXEL, **({"interval_days": days} if days is not None else {})}
    assert (
        verdict("start-of-cycle/too-early-since-last-cycle", order=order, treatments=FIVE_DAYS_AGO)
        == "unknown"
    )


@pytest.mark.parametrize("born", ["1800-01-01", "2030-01-01"])
def test_a_date_of_birth_that_can_not_be_right_is_no_age(born: str) -> None:
    patient = {"id": "p", "sex": "female", "birth_date": born}
    assert verdict("safety/pregnancy-not-excluded", order=["多西他赛"], patient=patient) == "unknown"


@pytest.mark.parametrize(
    ("ward", "expected"),
    [("", "unknown"), ("  ", "unknown"), (" 肿瘤内科 ", "not_applicable"), ("胸外科", "unmet")],
)
def test_a_blank_ward_is_none_and_blanks_around_one_do_not_count(ward: str, expected: str) -> None:
    given = {"patient": {"id": "p", "ward": ward, "birth_date": "1960-05-01"}, "lab.platelets": "25 10*9/L"}
    assert verdict("critical-values/platelets-critically-low", **given) == expected


def test_an_allergy_to_something_unnamed_is_unknown() -> None:
    assert verdict("safety/allergy-to-drug", order=["卡铂"], allergies=[{"kind": "allergy"}]) == "unknown"


def refused(*args: Any) -> str:
    result = CliRunner().invoke(app, [str(a) for a in args])
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert "internal" not in result.stderr
    return result.stderr


@pytest.mark.parametrize(
    ("table", "line", "said"),
    [
        ("maximum-doses.csv", "vincristine,NaN,mg,house,general_knowledge,", "`NaN` isn't a number from 0 on [table-number]"),
        ("maximum-doses.csv", "vincristine,1e999999999,mg,house,general_knowledge,", "isn't a number from 0 on [table-number]"),
        ("start-limits.csv", "docetaxel,-1,,,,-1,house,general_knowledge", "`-1` isn't a number from 0 on [table-number]"),
        ("laboratory-codes.csv", "lab.anc,http://loinc.org,,x,x,house,general_knowledge,", "a code needs its system and the code itself [table-value]"),
        ("drugs.csv", "newdrug,,new drug,新药甲乙,,magic,no,house,general_knowledge", "`magic` is no `class` [table-value]"),
        ("drugs.csv", "newdrug,,new drug,新药甲乙,,cytotoxic,maybe,house,general_knowledge", "`maybe` is no `myelosuppressive` [table-value]"),
        ("regimens.csv", "XX,XX,,lung,hihg,docetaxel,,house,general_knowledge,", "`hihg` is no `fn_category` [table-value]"),
        ("regimens.csv", "XX,XX,,lung,high,docetaxel,three,house,general_knowledge,", "`three` isn't a number of days [table-number]"),
        ("laboratory-codes.csv", "lab.ancc,http://loinc.org,99999-9,x,x,house,general_knowledge,", "the table of codes speaks of `lab.ancc`, which isn't declared [fact-unknown]\n  help: did you mean `lab.anc`?"),
        ("laboratory-codes.csv", "patient.age,http://loinc.org,30525-0,x,x,house,general_knowledge,", "`patient.age` is derived; it has no codes [fact-derived]"),
    ],
)  # fmt: skip
def test_a_table_that_can_not_be_is_refused_with_its_place(
    tmp_path: Path, table: str, line: str, said: str
) -> None:
    rules = pack(tmp_path, FULLY_SHOWN)
    (rules / "tables").mkdir()
    text = (ROOT / "rules" / "tables" / table).read_text("utf-8")
    (rules / "tables" / table).write_text(text + line + "\n", "utf-8")
    message = refused("lint", rules)
    assert said in message
    assert f"{table}:{len(text.splitlines()) + 1}:1: " in message


def test_a_table_without_its_columns_is_refused_once_a_column_and_nothing_that_follows_is_said(
    tmp_path: Path,
) -> None:
    rules = pack(tmp_path, FULLY_SHOWN)
    (rules / "tables").mkdir()
    head, _, rest = (ROOT / "rules" / "tables" / "drugs.csv").read_text("utf-8").partition("\n")
    head = head.replace("myelosuppressive", "myelosupressive").replace("aliases", "names")
    (rules / "tables" / "drugs.csv").write_text(f"{head}\n{rest}", "utf-8")
    place = f"{rules}/tables/drugs.csv:1:1"
    assert refused("lint", rules).splitlines() == [
        f"{place}: the column `aliases` is missing [table-column]",
        f"{place}: the column `myelosuppressive` is missing [table-column]",
        "  help: did you mean `myelosupressive`?",
    ]


def test_a_table_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = tmp_path / "shipped"
    shutil.copytree(ROOT / "rules", shipped)
    (shipped / "tables" / "laboratory-codes.csv").unlink()
    for module in ("load", "rule_files"):
        monkeypatch.setattr(f"oncogate.packs.{module}.shipped_rules", lambda: shipped)
    assert refused("lint") == f"{shipped}/tables: there is no table `laboratory-codes.csv` [table-absent]\n"


def test_a_fact_that_is_declared_twice_is_all_that_is_said(tmp_path: Path) -> None:
    rules = pack(tmp_path, FULLY_SHOWN.replace("lab.anc, within", "lab.ancc, within"))
    fact = "facts:\n  lab.mine: {label: {zh: 甲, en: mine}, sections: [labs]}\n"
    (rules / "facts.yaml").write_text(fact, "utf-8")
    (rules / "mine" / "facts.yaml").write_text(fact, "utf-8")
    assert refused("lint", rules) == (
        f"{rules}/mine/facts.yaml:2:3: `lab.mine` is declared in {rules}/facts.yaml [fact-duplicate]\n"
    )


@pytest.mark.parametrize(
    ("table", "content", "said"),
    [
        ("drug-groups.yaml", b"- anti_cd20\n", "[table-form]"), ("tumours.yaml", b"- lung\n", "[table-form]"),
        ("maximum-doses.csv", "drug,dose,unit\n长春新碱,2,mg\n".encode("gbk"), "can't be read"),
    ],
)  # fmt: skip
def test_a_table_of_another_form_or_encoding_is_refused(
    tmp_path: Path, table: str, content: bytes, said: str
) -> None:
    rules = pack(tmp_path, FULLY_SHOWN)
    (rules / "tables").mkdir()
    (rules / "tables" / table).write_bytes(content)
    assert said in refused("lint", rules)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("within: window}", "within: window}\n  - {latest: lab.anc, within: window, in: window}", "`window` isn't a list [parameter-not-list]"),
        ("value: 7, unit: d, range: [1, 14]", "value: -7, unit: d, range: [-14, 14]", "`window` isn't a window [window-unit]"),
    ],
)  # fmt: skip
def test_a_rule_that_could_not_be_judged_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert FULLY_SHOWN.count(old) == 1
    assert said in refused("lint", pack(tmp_path, FULLY_SHOWN.replace(old, new)))


def test_a_blank_justification_is_none(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(
        'id: h\nrules:\n  core/consent-missing: {effect: warn, reason: "  ", approved_by: x, until: 2030-01-01}\n',
        "utf-8",
    )
    assert f"{site}:3:48: " in refused("check", written(tmp_path, request()), "--site", site)
