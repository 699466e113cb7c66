"""What each formula of the engine gives, and which options it takes: what a fact that names it has to fit.

The formulas themselves are in `engine.formulas`, one of each name. An option is a parameter of the fact, or one
that a rule hands over by `with`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator, WithJsonSchema

from oncogate.base.errors import did_you_mean

Gives = Literal["truth", "quantity", "level", "drugs"]


@dataclass(frozen=True)
class Option:
    """What the parameter of an option must be.

    `words` and `drugs` (classes, groups or ids of drugs) are lists, or a single one; of `companions` each also has a
    fact `companion.<class>`. A number is in `unit`; a window in any unit of time, or only in `unit` where one is given.
    `choices` are the words that the formula knows.
    """

    kind: Literal["window", "number", "words", "drugs", "companions", "truth"]
    unit: str | None = None
    choices: tuple[str, ...] = ()
    needed: bool = True


@dataclass(frozen=True)
class Form:
    """What a formula gives and takes. `levels` are those that it can give; without any they are the host's words,
    or, with `tumours`, those of the table.

    `each_drug` begins the names of options that there may be for any drug (`factor_` and the drug's id, with `_` for
    `-`); with `cut_offs` the fact's own parameters are those that the tables of markers name.
    """

    gives: Gives
    unit: str | None = None
    levels: tuple[str, ...] = ()
    tumours: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)
    each_drug: str = ""
    cut_offs: bool = False


def _truth(**options: Option) -> Form:
    return Form("truth", options=options)


def _quantity(unit: str, **options: Option) -> Form:
    return Form("quantity", unit, options=options)


def _level(*levels: str, **options: Option) -> Form:
    return Form("level", levels=levels, options=options)


def _number(unit: str, *, needed: bool = True) -> Option:
    return Option("number", unit, needed=needed)


_WINDOW, _DAYS = Option("window"), Option("window", "d")
_MAYBE_WINDOW = Option("window", needed=False)
_WORDS, _DRUGS, _MAYBE_DRUGS = Option("words"), Option("drugs"), Option("drugs", needed=False)
_SURFACE = Option("words", choices=("mosteller", "dubois", "stevenson"))
_RISKS = ("low", "intermediate", "high")

FORMS: Mapping[str, Form] = {
    # the order
    "carboplatin_auc": _quantity("mg/mL.min", cap=_number("mL/min")),
    "companions_ordered": _truth(classes=Option("companions"), given=_WINDOW),
    "days_since_last_cycle": _quantity("d", tolerance=_number("d"), longest=_number("d")),
    "dose_change": _quantity("%", dosed_otherwise=_MAYBE_DRUGS),
    "drug_on_record": _truth(drugs=_DRUGS, window=_WINDOW),
    "gcsf_before_count": _truth(gap=_WINDOW),
    "has_first_line_list": _truth(),
    "has_start_limit_bilirubin": _truth(),
    "has_start_limit_crcl": _truth(),
    "interval_due": _quantity("d", tolerance=_number("d"), longest=_number("d")),
    "intrathecal_same_day": _truth(drugs=_DRUGS, intrathecal_drugs=_DRUGS, routes=_WORDS, swallowed=_WORDS),
    "order_cycle": _quantity("1"),
    "order_drugs": Form("drugs"),
    "order_drugs_recognised": _truth(),
    "order_follows_cycle": _truth(),
    "order_is_anti_tumour": _truth(),
    "order_is_marked": _truth(),
    "order_is_signed": _truth(grace=_WINDOW),
    "order_needs_marker": _truth(),
    "order_over_maximum_dose": _truth(),
    "order_overlaps_regimen": _truth(window=_WINDOW),
    "order_prescriber": _level(),
    "order_repeats_drug": _truth(days=_DAYS),
    "order_restricted": _truth(restricted=_DRUGS, marks=_WORDS),
    "order_verifiers": _quantity("1"),
    "regimen_is_first_line": _truth(),
    "start_limit_anc": _quantity("10*9/L", default=_number("10*9/L", needed=False)),
    "start_limit_bilirubin": _quantity("umol/L", uln=_number("umol/L")),
    "start_limit_crcl": _quantity("mL/min"),
    "start_limit_platelets": _quantity("10*9/L", default=_number("10*9/L", needed=False)),
    # the patient
    "allergy_to_class": _truth(groups=_DRUGS),
    "allergy_to_drug": _truth(),
    "allergy_to_excipient": _truth(),
    "body_surface": _quantity("m2", formula=_SURFACE, weight_window=_MAYBE_WINDOW, height_window=_MAYBE_WINDOW),
    "body_surface_deviation": _quantity(
        "%", formula=Option("words", choices=_SURFACE.choices, needed=False),
        weight_window=_MAYBE_WINDOW, height_window=_MAYBE_WINDOW,
    ),
    "creatinine_clearance": _quantity(
        "mL/min", window=_MAYBE_WINDOW, weight_window=_MAYBE_WINDOW, floor=_number("umol/L")
    ),
    "creatinine_measured": _truth(window=_WINDOW),
    "cumulative_anthracycline": Form("quantity", "mg/m2", each_drug="factor_"),
    "cumulative_bleomycin": _quantity("U", largest=_number("U", needed=False)),
    "gene_status": _level("normal", "reduced", "deficient", names=_WORDS, normal=_WORDS, reduced=_WORDS, deficient=_WORDS),
    "lvef_drop": _quantity("%", window=_WINDOW),
    "patient_age": _quantity("a", oldest=_number("a", needed=False)),
    "patient_has_tumour": _truth(),
    "patient_sex": _level("female", "male"),
    "patient_ward": _level(),
    "weight_change": _quantity("%", window=_WINDOW, apart=_WINDOW),
    # neutropenia
    "anc_nadir": _quantity("10*9/L", window=_WINDOW),
    "days_since_peg_gcsf": _quantity("d"),
    "days_to_chemotherapy": _quantity("d"),
    "fever_recorded": _truth(
        oral=_number("Cel"), axillary=_number("Cel"), window=_WINDOW, edge=Option("words", choices=("above", "at_least"))
    ),
    "fever_sustained": _truth(oral=_number("Cel"), axillary=_number("Cel"), lasting=_WINDOW, window=_WINDOW),
    "fn_care_level": _level(*_RISKS, window=_MAYBE_WINDOW),
    "fn_risk": _level(*_RISKS, window=_MAYBE_WINDOW),
    "hours_since_chemotherapy": _quantity("h"),
    "hours_since_short_gcsf": _quantity("h"),
    "hours_to_chemotherapy": _quantity("h"),
    "recorded_fn_risk": _level(*_RISKS, window=_MAYBE_WINDOW),
    "regimen_fn_category": _level(*_RISKS),
    "regimen_is_classified": _truth(),
    # the tumour
    "case_is_difficult": _truth(
        criteria=Option("words", choices=("several_tumours", "poor_performance", "stage_iv")),
        ecog=_number("1"), ecog_window=_WINDOW,
    ),
    "meeting_was_held": _truth(window=_WINDOW),
    "order_is_surgery": _truth(),
    "order_surgery_level": _level("I", "II", "III", "IV"),
    "pathology_excepted": _truth(exceptions=Option("words", choices=("hcc_clinical_criteria",))),
    "stage_edition_in_force": _truth(edition_required=Option("truth")),
    "stage_in_value_set": _truth(),
    "stages_comparable": _truth(),
    "stages_discordant": _truth(),
    "tumour_has_value_set": _truth(),
    "tumour_has_work_up": _truth(),
    "tumour_is_staged": _truth(),
    "tumour_kind": Form("level", tumours=True),
    "work_up_complete": _truth(),
    # markers
    "immunotherapy_marker_results": _truth(),
    "immunotherapy_needs_marker": _truth(),
    "marker_excludes_drug": _truth(),
    "marker_fits_drug": Form("truth", cut_offs=True),
    "marker_is_outdated": _truth(window=_WINDOW),
    "marker_may_exclude": _truth(),
    "marker_results": _truth(),
    "marker_retest_due": _truth(),
    "marker_retested": _truth(),
    "marker_to_fit": _truth(),
}  # fmt: skip

STAGE_OPTIONS: Mapping[str, Option] = {
    "forms": Option("words", choices=("categories", "group"), needed=False),
    "explicit_prefix": Option("truth", needed=False),
}
"""What a fact of stages takes."""


def _there_is(name: str) -> str:
    if name not in FORMS:
        help = did_you_mean(name, FORMS)
        raise ValueError(f"there is no formula `{name}`" + (f"; {help}" if help else ""))
    return name


FormulaName = Annotated[
    str, AfterValidator(_there_is), WithJsonSchema({"enum": sorted(FORMS), "type": "string"})
]
