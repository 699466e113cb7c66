"""Which drug, which tumour, which regimen: identity by whole names and codes with their systems."""

from __future__ import annotations

import pytest
from loaded import shipped_library

from oncogate.model.record import Drug
from oncogate.model.values import Code

TABLES = shipped_library().tables
ATC = "http://www.whocc.no/atc"
ICD = "http://hl7.org/fhir/sid/icd-10"


def drug(**fields):
    known = TABLES.identify(Drug(**fields))
    return known.id if known else None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("多西他赛", "docetaxel"), ("多西他赛注射液 Docetaxel Injection", "docetaxel"), ("吉非替尼片 Gefitinib", "gefitinib"),
        ("吉非替尼片 Osimertinib", None), ("多西他赛 XR-17", None), ("注射用紫杉醇(白蛋白结合型)", "nab-paclitaxel"),
        ("盐酸多柔比星脂质体注射液", "peg-liposomal-doxorubicin"), ("瑞普替尼", "repotrectinib"), ("瑞派替尼", "ripretinib"),
        ("注射用恩美曲妥珠单抗", "trastuzumab-emtansine"), ("注射用德曲妥珠单抗", "trastuzumab-deruxtecan"), ("曲妥珠单抗", "trastuzumab"),
        ("吉非替尼类似物", None), ("", None), ("   ", None),
    ],
)  # fmt: skip
def test_names(name, expected):
    assert drug(name=name) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"code": "L01CD02", "system": ATC}, "docetaxel"),
        ({"code": " l01cd02 ", "system": "urn:oid:2.16.840.1.113883.6.73"}, "docetaxel"),
        ({"code": "L01CD02", "system": "http://example.org/local"}, None),
        ({"code": "L01CD01", "system": ATC, "name": "注射用紫杉醇(白蛋白结合型)"}, "nab-paclitaxel"),
        ({"code": "L01XA01", "system": ATC, "name": "奥希替尼"}, None),
        ({"code": "L01XC03", "system": ATC, "name": "曲妥珠单抗"}, "trastuzumab"),
        ({"code": "L01CD02", "system": ATC, "name": "院内制剂 17 号"}, "docetaxel"),
    ],
)
def test_codes_and_names_together(fields, expected):
    assert drug(**fields) == expected


def test_a_code_outside_the_anti_tumour_classes_settles_it():
    known = TABLES.identify(Drug(code="J01DD04", system=ATC, name="院内制剂 17 号"))
    assert known is not None
    assert not known.anti_tumour


def test_a_role_makes_a_companion_of_what_is_not_recognised_but_not_of_a_drug_that_is():
    assert not TABLES.identify(Drug(name="院内溶媒", role="diluent")).anti_tumour
    assert TABLES.identify(Drug(name="多西他赛", role="premedication")).id == "docetaxel"


@pytest.mark.parametrize(
    ("codes", "tumour"),
    [
        ([(ICD, "C34.1")], "lung"), ([("http://hl7.org/fhir/sid/icd-10-cm", "C50.411")], "breast"), ([(ICD, "C34.100x001")], "lung"),
        ([(ICD, "C79.3")], None), ([(ICD, "C97")], None), ([(ICD, "I10")], None), ([("http://example.org", "C34.1")], None),
        ([(ICD, "C74.9")], ""), ([("http://snomed.info/sct", "363358000")], "lung"), ([(ICD, "C48.1")], "ovary"), ([(ICD, "D05.1")], None),
    ],
)  # fmt: skip
def test_tumours(codes, tumour):
    assert TABLES.tumour_of([Code(system=system, code=code) for system, code in codes]) == tumour


def test_regimens_by_their_names_and_spellings():
    assert TABLES.same_regimen("XELOX", "CAPOX 方案")
    assert TABLES.same_regimen("r-chop-21", "R-CHOP 21")
    assert not TABLES.same_regimen("TC", "TCH")
    assert not TABLES.same_regimen("AC", "AC-T")
