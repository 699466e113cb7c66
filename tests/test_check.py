"""What is wrong with a rule or a fact beyond its form is refused where it stands: a typo mustn't change a decision."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

import pytest
from cases import RULE
from loaded import shipped_library

from oncogate.engine.formulas import FORMULAS
from oncogate.model.facts import FactsFile
from oncogate.model.formulas import FORMS
from oncogate.model.rule import Rule
from oncogate.packs.check import check_fact, check_rule
from oncogate.packs.check_facts import DEEPEST
from oncogate.packs.document import Document, check_against, read_document

LIBRARY = shipped_library()


def told(document: Document) -> list[str]:
    """The problems of a file, each on one line that begins with the word (or bracket) of the file at which it points."""
    lines = document.path.read_text("utf-8").splitlines()
    found = []
    for problem in sorted(document.problems):
        word = re.match(r"[\w.%-]+|.", lines[problem.line - 1][problem.column - 1 :])
        said = f"{word[0] if word else ''} @ {problem.message} [{problem.code}]"
        found.append(f"{said} -- {problem.help}" if problem.help else said)
    return found


def rule(folder: Path, condition: str, **parameters: str) -> list[str]:
    """What is said of a rule with these parameters that requires the condition."""
    listed = "".join(f"  {name}: {{{value}, source: house}}\n" for name, value in parameters.items())
    text = RULE.replace("parameters:\n", f"parameters:\n{listed}")
    text = text.replace("{exists: lab.anc, within: window}", condition)
    path = folder / "mine" / "anc-seen.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    document = read_document(path)
    made = check_against(Rule, document)
    if isinstance(made, Rule):
        check_rule(made, document, LIBRARY.facts, LIBRARY.tables)
    return told(document)


def facts(folder: Path, text: str) -> list[str]:
    """What is said of a file of facts, read together with the shipped ones."""
    path = folder / "facts.yaml"
    path.write_text(text, "utf-8")
    document = read_document(path)
    file = check_against(FactsFile, document)
    if isinstance(file, FactsFile):
        for name in file.facts:
            check_fact(name, document, {**LIBRARY.facts, **file.facts}, LIBRARY.tables)
    return told(document)


def fact(folder: Path, *lines: str) -> list[str]:
    """What is said of one fact `my.fact`."""
    label = "label: {zh: 测试, en: test}"
    return facts(folder, "facts:\n  my.fact:\n" + "".join(f"    {line}\n" for line in (label, *lines)))


class TestOptions:
    WINDOW = "value: 7, unit: d"

    @pytest.mark.parametrize(
        ("condition", "parameters", "said"),
        [
            # what the fact doesn't take
            ("{value: order.fn_risk, in: levels, with: {windw: w}}", {"levels": "value: [high]", "w": WINDOW}, "windw @ `order.fn_risk` takes no option `windw` [option-unknown] -- did you mean `window`?"),
            ("{exists: stage.clinical, with: {from: forms}}", {"forms": "value: [group]"}, "from @ `stage.clinical` takes no option `from` [option-unknown] -- did you mean `forms`?"),
            ("{exists: lab.anc, with: {window: w}}", {"w": WINDOW}, "window @ `lab.anc` takes no option `window` [option-unknown]"),
            ("{supplied: labs, with: {window: w}}", {"w": WINDOW}, "window @ `supplied` takes no option `window` [option-unknown]"),
            ("{any_of: order.drugs, in: drugs/gcsf, with: {window: w}}", {"w": WINDOW}, "window @ `order.drugs` takes no option `window` [option-unknown]"),
            ("{latest: lab.anc, at_least: order.start_limit_anc, with: {defalt: d}}", {"d": "value: 1.5, unit: 10*9/L"}, "defalt @ `lab.anc`, `order.start_limit_anc` takes no option `defalt` [option-unknown] -- did you mean `default`?"),
            ("{latest: lab.bilirubin, at_most: order.start_limit_bilirubin, with: {uln: u, default: d}}", {"u": "value: 21, unit: umol/L", "d": 'value: 2, unit: "1"'}, "default @ `lab.bilirubin`, `order.start_limit_bilirubin` takes no option `default` [option-unknown] -- one of uln"),
            ("{holds: liver.alt_raised, with: {lmit: l}}", {"l": "value: 60, unit: U/L"}, "lmit @ `liver.alt_raised` takes no option `lmit` [option-unknown] -- did you mean `limit`?"),
            ("{value: dose.anthracycline_total, below: l, with: {factor_epirubcin: f}}", {"l": "value: 550, unit: mg/m2", "f": 'value: 0.5, unit: "1"'}, "factor_epirubcin @ `dose.anthracycline_total` takes no option `factor_epirubcin` [option-unknown] -- did you mean `factor_epirubicin`?"),
            # what it takes, but not so
            ("{value: patient.bsa, at_least: l, with: {formula: f}}", {"l": "value: 1, unit: m2", "f": "value: mostellar"}, "f @ `f` has `mostellar`, which isn't one of mosteller, dubois, stevenson [option-value]"),
            ("{holds: patient.creatinine_measured, with: {window: w}}", {"w": "value: 7, unit: U"}, "w @ `w` isn't a window [option-value]"),
            ("{holds: patient.creatinine_measured, with: {window: w}}", {"w": "value: [seven]"}, "w @ `w` isn't a number [option-value]"),
            ("{holds: order.repeats_drug, with: {days: w}}", {"w": "value: 1, unit: wk"}, "w @ `w` is in `wk`, not in `d` [option-value]"),
            ("{latest: lab.bilirubin, at_most: order.start_limit_bilirubin, with: {uln: u}}", {"u": "value: 1.2, unit: mg/dL"}, "u @ `u` is in `mg/dL`, not in `umol/L` [option-value]"),
            ("{holds: liver.alt_raised, with: {limit: l}}", {"l": "value: 60, unit: U/mL"}, "l @ `l` is in `U/mL`, not in `U/L` [option-value]"),
            ("{holds: stage.edition_in_force, with: {edition_required: e}}", {"e": "value: 'yes'"}, "e @ `e` isn't `true` or `false` [option-value]"),
            ("{exists: stage.clinical, with: {forms: forms}}", {"forms": "value: [categories, groups]"}, "forms @ `forms` has `groups`, which isn't one of categories, group [option-value]"),
            ("{holds: order.restricted, with: {restricted: r, marks: r}}", {"r": "value: 3"}, "r @ `r` isn't a list of words [option-value]"),
            ("{holds: order.drug_on_record, with: {drugs: g, window: w}}", {"g": "value: [vaccine_liv]", "w": WINDOW}, "g @ unknown class of drugs `vaccine_liv` [drug-class-unknown]"),
            ("{holds: order.companions, with: {classes: c, given: w}}", {"c": "value: [glucocorticod]", "w": WINDOW}, "c @ unknown class of drugs `glucocorticod` [drug-class-unknown] -- did you mean `glucocorticoid`?"),
            ("{holds: order.companions, with: {classes: c, given: w}}", {"c": "value: [platinum]", "w": WINDOW}, "c @ unknown fact `companion.platinum` [fact-unknown]"),
            # what it can't do without
            ("{holds: patient.creatinine_measured}", {}, "{ @ `patient.creatinine_measured` needs the option `window` [option-missing] -- hand it over: `with: {window: …}`"),
            ("{latest: lab.bilirubin, at_most: order.start_limit_bilirubin}", {}, "{ @ `order.start_limit_bilirubin` needs the option `uln` [option-missing] -- hand it over: `with: {uln: …}`"),
        ],
    )  # fmt: skip
    def test_that_do_not_fit(
        self, tmp_path: Path, condition: str, parameters: dict[str, str], said: str
    ) -> None:
        found = rule(tmp_path, condition, **parameters)
        assert any(problem.startswith(said) for problem in found), found

    def test_that_fit(self, tmp_path: Path) -> None:
        both = "{latest: lab.bilirubin, at_most: order.start_limit_bilirubin, with: {uln: u}}"
        assert rule(tmp_path, both, u="value: 21, unit: umol/L") == []
        own = "{value: patient.bsa, at_least: l, with: {formula: f, weight_window: w}}"
        assert rule(tmp_path, own, l="value: 1, unit: m2", f="value: dubois", w="value: 2, unit: wk") == []


class TestWords:
    @pytest.mark.parametrize(
        ("condition", "value", "said"),
        [
            ("{value: order.fn_risk, in: it}", "[high, intermedate]", "intermedate @ `intermedate` is none of the values of `order.fn_risk` [level-unknown] -- did you mean `intermediate`?"),
            ("{value: patient.sex, in: it}", "[woman]", "woman @ `woman` is none of the values of `patient.sex` [level-unknown] -- one of female, male"),
            ("{value: patient.sex, in: it}", "Female", "Female @ `Female` is none of the values of `patient.sex` [level-unknown] -- did you mean `female`?"),
            ("{value: order.surgery_level, in: it}", "[IIII]", "IIII @ `IIII` is none of the values of `order.surgery_level` [level-unknown]"),
            ("{value: tumour.kind, in: it}", "[lnug]", "lnug @ `lnug` is none of the values of `tumour.kind` [level-unknown] -- did you mean `lung`?"),
            ("{value: score.cisne_class, in: it}", "[hgih]", "hgih @ `hgih` is none of the values of `score.cisne_class` [level-unknown] -- did you mean `high`?"),
            ("{latest: lab.hbsag, in: it}", "[postive]", "postive @ `postive` is none of the values of `lab.hbsag` [level-unknown] -- did you mean `positive`?"),
            ("{latest: lab.hbsag, in: it}", "[阳性]", "阳性 @ `阳性` is none of the values of `lab.hbsag` [level-unknown] -- one of negative, positive"),
            ("{latest: assessment.neutropenia, in: it}", "[medium]", "medium @ `medium` is none of the values of `assessment.neutropenia` [level-unknown]"),
        ],
    )  # fmt: skip
    def test_that_a_fact_never_gives(self, tmp_path: Path, condition: str, value: str, said: str) -> None:
        found = rule(tmp_path, condition, it=f"value: {value}")
        assert len(found) == 1, found
        assert found[0].startswith(said), found

    @pytest.mark.parametrize(
        ("condition", "value"),
        [
            ("{value: order.fn_risk, in: it}", "[high, low]"),
            ("{value: tumour.kind, in: it}", "[lung, other]"),
            ("{value: patient.ward, in: it}", "[血液科]"),
        ],
    )
    def test_that_it_gives(self, tmp_path: Path, condition: str, value: str) -> None:
        assert rule(tmp_path, condition, it=f"value: {value}") == []


class TestAtLeastN:
    CONDITION = "{at_least_n: n, of: [{exists: lab.anc}, {exists: lab.platelets}, {exists: lab.wbc}]}"

    @pytest.mark.parametrize("n", ["0", "-1", "1.5", "4", "'2'", "true", "['2']"])
    def test_a_count_that_cannot_be(self, tmp_path: Path, n: str) -> None:
        assert rule(tmp_path, self.CONDITION, n=f"value: {n}") == [
            "n @ `n` can't be how many hold [parameter-count] -- `of` has 3 conditions: write a whole number from 1 to 3"
        ]

    @pytest.mark.parametrize("n", ["1", "3", "2.0"])
    def test_a_count_that_can(self, tmp_path: Path, n: str) -> None:
        assert rule(tmp_path, self.CONDITION, n=f"value: {n}") == []


class TestWhatAFactGives:
    CASES = "cases: [{then: high, when: [{exists: lab.anc}]}, {then: lwo}]"
    LEVELS = "levels: {high: {zh: 高, en: high}, low: {zh: 低, en: low}}"
    SEXES = "levels: {female: {zh: 女, en: female}, male: {zh: 男, en: male}}"

    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            (["derive: patient_sx", "gives: level"], "patient_sx @ there is no formula `patient_sx`; did you mean `patient_sex`? [rule-value-error]"),
            (["derive: order_is_marked", "gives: quantity", "unit: d"], "quantity @ `order_is_marked` gives `truth`, not `quantity` [formula-gives]"),
            (["derive: patient_age", "gives: truth"], "truth @ `patient_age` gives `quantity`, not `truth` [formula-gives]"),
            (["derive: patient_age", "gives: quantity", "unit: mo"], "mo @ `patient_age` gives it in `a` [unit-mismatch] -- write `unit: a`"),
            (["derive: order_is_marked", "gives: truth", "unit: a"], "a @ `order_is_marked` gives nothing that has a unit [unit-mismatch] -- leave `unit` out"),
            (["gives: quantity", "points: [{points: p, when: [{exists: lab.anc}]}]", 'parameters: {p: {value: 1, unit: "1", source: s}}', "sources: {s: {cite: x, verification: reviewed}}"], "my.fact @ a quantity needs its `unit` [fact-unit]"),
            (["gives: level", CASES], "high @ `high` isn't one of the `levels` [level-unknown] -- add it with its label"),
            (["gives: level", LEVELS, CASES], "lwo @ `lwo` isn't one of the `levels` [level-unknown] -- did you mean `low`?"),
            (["derive: patient_sex", "gives: level"], "my.fact @ `levels` has no label of `female`, `male` [level-missing]"),
            (["derive: patient_sex", "gives: level", SEXES.replace("female: {", "femal: {")], "femal @ `patient_sex` doesn't give the level `femal` [level-unknown] -- did you mean `female`?"),
            (["derive: patient_age", "gives: quantity", "unit: a", "parameters: {oldst: {value: 130, unit: a, source: s}}", "sources: {s: {cite: x, verification: reviewed}}"], "oldst @ `patient_age` takes no option `oldst` [option-unknown] -- did you mean `oldest`?"),
            (["derive: patient_age", "gives: quantity", "unit: a", "parameters: {oldest: {value: 1500, unit: mo, source: s}}", "sources: {s: {cite: x, verification: reviewed}}"], "{ @ `oldest` is in `mo`, not in `a` [option-value]"),
            (["derive: marker_fits_drug", "gives: truth", "parameters: {pdl1_tsp: {value: 1, unit: '%', source: s}}", "sources: {s: {cite: x, verification: reviewed}}"], "pdl1_tsp @ `marker_fits_drug` takes no option `pdl1_tsp` [option-unknown] -- did you mean `pdl1_tps`?"),
            (["derive: marker_fits_drug", "gives: truth"], "my.fact @ `parameters` lacks `cldn182`, `folr1`, "),
            (["derive: allergy_to_excipient", "gives: truth", "vocabulary: {field: text, values: {cremophr_excipient: {zh: 辅料, en: excipient}}}"], "{ @ unknown class of drugs `cremophr_excipient` [drug-class-unknown] -- did you mean `cremophor_excipient`?"),
        ],
    )  # fmt: skip
    def test_that_its_formula_does_not(self, tmp_path: Path, lines: list[str], said: str) -> None:
        found = fact(tmp_path, *lines)
        assert any(problem.startswith(said) for problem in found), found

    def test_that_it_does(self, tmp_path: Path) -> None:
        assert fact(tmp_path, "derive: patient_sex", "gives: level", self.SEXES) == []
        assert fact(tmp_path, "gives: level", self.LEVELS, self.CASES.replace("lwo", "low")) == []


class TestWhatAFactIsFoundBy:
    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            (["sections: [labs]", "counted: [final, ammended]"], "ammended @ no entry of labs has the status `ammended` [fact-word] -- did you mean `amended`?"),
            (["sections: [consents]", "counted: [active]", "ends: [inactiv]"], "inactiv @ no entry of consents has the status `inactiv` [fact-word] -- did you mean `inactive`?"),
            (["sections: [labs]", "also: [orders]", "counted: [plannd]"], "plannd @ no entry of labs, orders has the status `plannd` [fact-word] -- did you mean `planned`?"),
            (["sections: [pathology]", "kinds: [histologi]"], "histologi @ no entry of pathology has the kind `histologi` [fact-word] -- did you mean `histology`?"),
            (["sections: [procedures]", "kinds: [resection]", "doubtful_kinds: [surgry]"], "surgry @ no entry of procedures has the kind `surgry` [fact-word] -- did you mean `surgery`?"),
            (["sections: [labs]", "kinds: [anc]"], "anc @ no entry of labs has the kind `anc` [fact-word]"),
            (["sections: [consents]", "kinds: [chemotherapy]", "narrow_kinds: [targetted]"], "[ @ unknown class of drugs `targetted` [drug-class-unknown] -- did you mean `targeted`?"),
            (["sections: [assessments]", "vocabulary: {field: levl, values: {low: {zh: 低, en: low}}}"], "levl @ the entries have no field `levl` of words [fact-field] -- did you mean `level`?"),
            (["sections: [labs]", "vocabulary: {field: value, values: {low: {zh: 低, en: low}}}"], "value @ the entries have no field `value` of words [fact-field]"),
        ],
    )  # fmt: skip
    def test_that_no_entry_can_have(self, tmp_path: Path, lines: list[str], said: str) -> None:
        found = fact(tmp_path, *lines)
        assert len(found) == 1, found
        assert found[0].startswith(said), found

    @pytest.mark.parametrize(
        "lines",
        [
            ["sections: [events]", "kinds: [任何]", "counted: [whatever]"],  # hosts name these as they like
            ["sections: [labs, orders]", "counted: [final, planned]"],
            ["sections: [treatments]", "kinds: [gcsf]", "drugs: [gcsf]"],
        ],
    )
    def test_that_one_may_have(self, tmp_path: Path, lines: list[str]) -> None:
        assert fact(tmp_path, *lines) == []


def test_every_formula_says_what_it_gives_and_takes() -> None:
    assert set(FORMULAS) == set(FORMS)


@pytest.mark.parametrize("module", sorted({formula.__module__ for formula in FORMULAS.values()}))
def test_what_formulas_read_is_what_they_take(module: str) -> None:
    """By their text: every option that a module of formulas asks for by name is declared, and none for nothing."""
    text = inspect.getsource(sys.modules[module])
    mine = {name: FORMS[name] for name, formula in FORMULAS.items() if formula.__module__ == module}
    declared = {option for form in mine.values() for option in form.options}
    assert set(re.findall(r"""options(?:\[|\.get\()"(\w+)"[\])]""", text)) <= declared
    assert {option for option in declared if f'"{option}"' not in text} == set()


def chain(length: int) -> str:
    """Facts `my.f1` up to `my.f<length>`, each resting on the one before it."""
    made = ["facts:\n"]
    for n in range(1, length + 1):
        when = "{exists: lab.anc}" if n == 1 else f"{{holds: my.f{n - 1}}}"
        made.append(f"  my.f{n}: {{label: {{zh: 链, en: chain}}, gives: truth, when: [{when}]}}\n")
    return "".join(made)


def test_facts_in_a_long_row_are_refused_where_the_row_gets_too_long(tmp_path: Path) -> None:
    assert facts(tmp_path, chain(DEEPEST)) == []
    too_long = DEEPEST + 1  # the first fact asks for an entry, which counts as one
    assert facts(tmp_path, chain(300)) == [
        f"my.f{too_long} @ `my.f{too_long}` rests on facts that rest on facts, more than 50 deep [fact-depth]"
        " -- ask for fewer facts in a row"
    ]
