"""Body surface, creatinine clearance and doses: pure formulas, each with its source. Limits are not here.

The numbers below are the formulas' own coefficients; a hospital chooses a formula, it doesn't tune one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext

SURFACE: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    # height in cm, weight in kg → m²
    "mosteller": lambda height, weight: (height * weight / 3600).sqrt(),  # Mosteller 1987 (general knowledge)
    "dubois": lambda height, weight: (  # Du Bois 1916 (general knowledge)
        Decimal("0.007184") * height ** Decimal("0.725") * weight ** Decimal("0.425")
    ),
    "stevenson": lambda height, weight: (  # Stevenson 1937, as 许文生 formula in China (general knowledge)
        Decimal("0.0061") * height + Decimal("0.0128") * weight - Decimal("0.1529")
    ),
}
"""Formulas of the body surface by name."""


def body_surface(formula: str, height: Decimal, weight: Decimal) -> Decimal:
    """The body surface in m², of `height` in cm and `weight` in kg, to four decimals."""
    with localcontext() as context:
        context.prec = 28
        return SURFACE[formula](height, weight).quantize(Decimal("0.0001"))


def creatinine_clearance(age: int, weight: Decimal, creatinine: Decimal, *, female: bool) -> Decimal:
    """Cockcroft and Gault 1976 (general knowledge): mL/min, of age in years, kg and µmol/L, to two decimals.

    (140 − age) × weight × 0.85 if female / (72 × creatinine in mg/dL); 1 mg/dL is 88.42 µmol/L.
    """
    with localcontext() as context:
        context.prec = 28
        milligrams = creatinine / Decimal("88.42")
        found = (140 - age) * weight * (Decimal("0.85") if female else 1) / (72 * milligrams)
        return found.quantize(Decimal("0.01"))


def calvert_target(dose: Decimal, clearance: Decimal) -> Decimal | None:
    """The AUC that a dose of carboplatin in mg amounts to, by a clearance in mL/min; to two decimals.

    Calvert 1989 (general knowledge), turned round: dose = AUC × (clearance + 25).
    """
    return (dose / (clearance + 25)).quantize(Decimal("0.01")) if clearance + 25 > 0 else None


_MASS = {
    "g": Decimal(1000),
    "mg": Decimal(1),
    "ug": Decimal("0.001"),
    "mcg": Decimal("0.001"),
    "μg": Decimal("0.001"),
}
_ZH = {
    "克": "g",
    "毫克": "mg",
    "微克": "ug",
    "单位": "u",
    "万单位": "10000u",
    "iu": "u",
    "[iu]": "u",
    "unt": "u",
}


def dose_in(
    value: Decimal, unit: str, wanted: str, *, surface: Decimal | None, weight: Decimal | None
) -> Decimal | None:
    """A dose in the unit `wanted` (`mg`, `mg/m2`, `mg/kg`, `U`, `U/m2`); `None` if that can't be told.

    `surface` in m² and `weight` in kg turn a dose into one per m² or kg and back. A unit that isn't known gives `None`.
    """
    have, need = _parts(unit), _parts(wanted)
    if have is None or need is None or (have[1] == "u") != (need[1] == "u"):
        return None
    by = {"": Decimal(1), "m2": surface, "kg": weight}
    over, per = by.get(have[2]), by.get(need[2])
    if have[2] == need[2]:
        over = per = Decimal(1)
    if over is None or per is None or not per:
        return None
    return value * have[0] * over / (need[0] * per)


def _parts(unit: str) -> tuple[Decimal, str, str] | None:
    """A dose unit as its factor to mg or U, which of the two, and what it is given per."""
    text = unit.strip().casefold().replace(" ", "").replace("²", "2").replace("㎡", "m2").replace("µ", "μ")
    amount, _, per = text.partition("/")
    amount, per = _ZH.get(amount, amount), {"平方米": "m2", "千克": "kg", "公斤": "kg"}.get(per, per)
    if per not in ("", "m2", "kg"):
        return None
    if amount in _MASS:
        return _MASS[amount], "mg", per
    if amount in ("u", "10000u"):
        return Decimal(10000 if amount != "u" else 1), "u", per
    return None
