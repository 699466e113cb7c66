"""Plants faults in a copy of the engine, one at a time, and shows which test catches each.

    python tests/faults.py            all of them
    python tests/faults.py window     those whose name holds the word, or one of several

Every fault is one replacement of a text that is found exactly once, so that none can be planted in vain.
Ends with 1 if a fault survives.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Fault:
    """One way in which the engine could be wrong."""

    name: str
    module: str
    text: str
    instead: str


SELECT, JUDGE, CASE = "engine/select.py", "engine/judge.py", "engine/case.py"
CONDITIONS = "engine/conditions.py"
GATE, COMPILE, NETWORK, CHILD = (
    "gate.py",
    "engine/durable/compile.py",
    "engine/durable/network.py",
    "engine/durable/child.py",
)
PROGRAM, COMPILED, FOUND, CHECKS, ONCE, CODED = (
    "engine/program.py",
    "engine/compile.py",
    "engine/found.py",
    "engine/found_checks.py",
    "model/at_once.py",
    "engine/coded.py",
)
STANDING, CONTENT = "engine/standing.py", "engine/content.py"
FAULTS = (
    Fault("the window's edge is outside", STANDING, "when < self.window.since:", "when <= self.window.since:"),
    Fault("a window in the wrong unit", "base/times.py", '"d": "days", "wk"', '"d": "hours", "wk"'),
    Fault("older_than at its edge", STANDING, "when >= self.older_than.since:", "when > self.older_than.since:"),
    Fault("since at its edge", STANDING, "when < self._since(entry, self.since):", "when <= self._since(entry, self.since):"),
    Fault("below holds at the limit", "engine/values.py", '"below": lambda value, limit: value < limit', '"below": lambda value, limit: value <= limit'),
    Fault("at_least fails at the limit", "engine/values.py", '"at_least": lambda value, limit: value >= limit', '"at_least": lambda value, limit: value > limit'),
    Fault("censored read as plain", "engine/values.py", "if comparator is None:", "if True:"),
    Fault("recorded is ignored", CASE, "time = entry.recorded if entry.recorded is not None else entry.effective", "time = entry.effective"),
    Fault("recorded late is counted", STANDING, "elif recorded > case.at:", "elif False:"),
    Fault("not supplied is read as none", SELECT, "hidden.append(_not_supplied(section))", "pass"),
    Fault("unread is ignored", SELECT, "hidden += [_unread(mark) for mark in case.unread(section) if _may_hide(case, mark, fact)]", "pass"),
    Fault("an unread code hides nothing", SELECT, "if mark.codes and fact.codes:", "if mark.codes: return False\n    if mark.codes and fact.codes:"),
    Fault("hidden results don't matter to latest", CONDITIONS, "elif not selection.hidden:", "else:"),
    Fault("the future is counted", STANDING, "if not ends and when is not None and when > case.at:", "if False:"),
    Fault("any status is counted", STANDING, "elif not ends and fact.counted and status not in fact.counted and status not in ERRONEOUS:", "elif False:"),
    Fault("another patient is counted", STANDING, 'yield False, "wrong_patient", None', "pass"),
    Fault("another patient's diagnosis stands", CASE, "return not self.of_another_patient(entry) and (recorded is None", "return (recorded is None"),
    Fault("another tumour is counted", STANDING, "yield self._focus(entry)", "pass"),
    Fault("a code without its system", STANDING, "not fact.code_keys.isdisjoint([(c.system, c.code) for c in entry.codes])", "any(c.code == code for c in entry.codes for _, code in fact.code_keys)"),
    Fault("a rule is passed over at a glance", "engine/judge.py", "any(asked.isdisjoint(ordered) for asked in rule.drug_classes)", "bool(rule.drug_classes)"),
    Fault("a doubtful order concerns no drug", CASE, "        if self.doubtful:\n            return None\n        return frozenset(name for d", "        return frozenset(name for d"),
    Fault("another kind is counted", STANDING, "return any_kind or kind in fact.kinds", "return True"),
    Fault("another regimen is counted", STANDING, "yield from self.matches(entry)", "pass"),
    Fault("an unknown cycle is any", STANDING, 'None if order.get("cycle") is None else order["cycle"] == cycle', 'order.get("cycle") is None or order["cycle"] == cycle'),
    Fault("a word outside the vocabulary is accepted", CONTENT, "if vocabulary.value_of(said) in vocabulary.values:", "if True:"),
    Fault("corrections don't replace", SELECT, "_superseded(case, fact, standings))", "standings)"),
    Fault("a correction replaces any other key", SELECT, "if new.key is not None and old.key is not None:", "if False:"),
    Fault("withdrawals are ignored", SELECT, "if not fact.ends or not ends:", "if True:"),
    Fault("a late signature doesn't revive", SELECT, "else signed.when <= said", "else True"),
    Fault("a withdrawal at that moment comes too late", SELECT, "else signed.when <= said", "else signed.when < said"),
    Fault("an unreadable unit is passed over", CONTENT, 'return None, "unreadable_unit"', 'return Decimal(4), None'),
    Fault("the implausible is accepted", CONTENT, "if not low <= value <= high:", "if False:"),
    Fault("a result without value is counted", CONTENT, 'yield False, "absent", Text(zh="没有结果值"', 'yield True, "absent", Text(zh="没有结果值"'),
    Fault("a conflict is decided by the first", CONDITIONS, "newest = selection.newest\n        truths", "newest = selection.newest[:1]\n        truths"),
    Fault("a conflict is no critical value", CONDITIONS, 'True if self.raising else None', "None"),
    Fault("undecided newer results are passed over", SELECT, "if last is None or s.when is None or s.when >= last]", "if s.counted and s.when == last]"),
    Fault("not unknown is true", "base/logic.py", "return None if value is None else not value", "return not value"),
    Fault("any with an unknown is false", "base/logic.py", "True if True in values else None if None in values else False", "True in values"),
    Fault("all with an unknown is true", "base/logic.py", "False if False in values else None if None in values else True", "False not in values"),
    Fault("unknown asks for nothing", "engine/combine.py", "return rule.if_unknown", "return None"),
    Fault("on_unknown is ignored", "model/rule.py", 'return self.on_unknown or ("warn"', 'return ("warn"'),
    Fault("unknown rules are skipped", PROGRAM, "if verdict > MET:", "if verdict == MET + 1:"),
    Fault("the last rule wins", "engine/combine.py", "if outcome in asks:", "if asks and outcome == asks[-1]:"),
    Fault("determining is too wide", "engine/combine.py", 'return outcome != "allow" and asks == outcome', 'return outcome != "allow" and asks is not None'),
    Fault("determining is too narrow", GATE, "determining = tuple([rule for rule, a in asks if determines(a, outcome)])", "determining = tuple([rule for rule, a in asks if determines(a, outcome)])[:1]"),
    Fault("a day is its end", "base/times.py", "return datetime(time.year, time.month, time.day, tzinfo=at.tzinfo)", "return datetime(time.year, time.month, time.day, 23, 59, 59, tzinfo=at.tzinfo)"),
    Fault("met when it isn't known whether it applies", JUDGE, "if applies is False:", "if not applies:"),
    Fault("trial rules count", "packs/pack.py", "tuple(r for r in judging if r.status == status)", 'tuple(r for r in judging if r.status in (status, "trial"))'),
    Fault("unrecognised drugs are harmless to conditions", CONDITIONS, "truth = some([*each, None if self.case.doubtful else False])", "truth = some(each)"),
    Fault("unrecognised drugs are harmless to formulas", CASE, "found: Truth = None if self.doubtful else False", "found: Truth = False"),
    Fault("a rule switched off still judges", "packs/pack.py", "[rule for rule in self.rules if rule.id not in self.off]", "list(self.rules)"),
    Fault("a loosening doesn't end", "packs/pack.py", "day <= self.loosened.until", "True"),
    Fault("a loosening ends a day early", "packs/pack.py", "day <= self.loosened.until", "day < self.loosened.until"),
    Fault("a case is passed over when unknown", CONDITIONS, "if truth is not False:\n            possible.add", "if truth:\n            possible.add"),
    Fault("unknown points aren't counted", CONDITIONS, "totals | added if truth is None else totals", "totals"),
    Fault("a result raised before is raised again", CONDITIONS, "return bool(before)", "return False"),
    Fault("worse is not raised again", CONDITIONS, "return min(values) <= min(worst) if low else", "return True if low else"),
    Fault("a route that isn't stated is fine", "engine/formulas/given.py", "if not drug.route or not isinstance(routes.value, tuple):\n        return None", "if not drug.route or not isinstance(routes.value, tuple):\n        return False"),
    Fault("a fever that has gone down is none", "engine/formulas/fever.py", "for standing in selection.standings:\n            truth = _is_fever", "for standing in selection.newest:\n            truth = _is_fever"),
    Fault("a drug that isn't recognised asks for no marker", "engine/formulas/marker_asks.py", "if case.doubtful else []", "if False else []"),
    Fault("a drug that isn't recognised was never given before", "engine/formulas/cycle.py", "if case.doubtful and (not theirs", "if False and (not theirs"),
    Fault("what is hidden holds no vinca alkaloid", "engine/formulas/repeats.py", "*(t for t, _ in pairs), None if hidden else False])", "*(t for t, _ in pairs), False])"),
    Fault("a group's members aren't its", CASE, "if drug.id in wanted or drug.groups & wanted:", "if drug.id in wanted:"),
    Fault("a coarse code is in no group", CASE, "return None if drug.perhaps & wanted else False", "return False"),
    Fault("planned for later is due", STANDING, "if time > due.since:", "if False:"),
    Fault("a refuted diagnosis stands", CASE, 'NO_DIAGNOSIS = frozenset({"refuted", "entered-in-error"})', 'NO_DIAGNOSIS = frozenset({"entered-in-error"})'),
    Fault("past tumours are active", CASE, "any(d.status in ACTIVE for d in g)", "True"),
    Fault("second engine: a disagreement is overlooked", GATE, "if j is not None and not (_agrees(opinion, j) and (self._leads or _agrees_with(said, j)))", "if j is None"),
    Fault("second engine: what it asks isn't compared", GATE, " and opinion.asks[rule.id] == asked(rule, verdict)", ""),
    Fault("second engine: its failure is passed over", GATE, "doubtful, doubt = rules if self._leads else (), unconfirmed(error)", "doubtful, doubt = (), None"),
    Fault("second engine: a doubted rule keeps its verdict", GATE, "None if j is None or rule.id in unsure else j.verdict", "None if j is None else j.verdict"),
    Fault("second engine: any answer will do", CHILD, 'if answer.get("number") != self._asked:', "if False:"),
    Fault("second engine: a late answer is taken", CHILD, "if isinstance(answer, dict) and not late.is_set():", "if isinstance(answer, dict) or late.is_set():"),
    Fault("second engine: a forked process keeps the pipes", CHILD, "for child in tuple(_CHILDREN):", "for child in ():"),
    Fault("second engine: a child is never replaced", CHILD, "if self._asked >= self._lifetime:", "if False:"),
    Fault("second engine: names may share a hash", NETWORK, "if hashed(name) not in taken:", "if name:"),
    Fault("second engine: rulesets without bound", NETWORK, "or terms + size > MOST_TERMS:", "or False:"),
    Fault("second engine: counts one condition twice", NETWORK, "self.some([more, self.every([fewer, node])])", "self.some([more, node])"),
    Fault("second engine: a condition for all is unknown too often", NETWORK, "unknown = all_of([opposite(settled), opposite(plain)])", "unknown = opposite(plain)"),
    Fault("second engine: a critical value isn't raised by a conflict", COMPILE, "raising and isinstance(condition, Latest)", "False"),
    Fault("second engine: the next case isn't reached from an unknown one", COMPILE, 'open_ = self._network.whether(all_of([is_(open_, "t"), isnt(holds, "t")]))', 'open_ = self._network.whether(all_of([is_(open_, "t"), is_(holds, "f")]))'),
    Fault("second engine: unknown points aren't counted", COMPILE, '(total + points, isnt(holds, "f"))', '(total + points, is_(holds, "t"))'),
    Fault("second engine: on_unknown is ignored", COMPILE, 'f"unknown {rule.if_unknown}": is_(holds, "u"),', 'f"unknown {_if_unmet(rule)}": is_(holds, "u"),'),
    Fault("a consent to targeted treatment covers all", STANDING, "return self.case.only_drugs_of(kind)", "return True"),
    Fault("compiled: an unknown doesn't apply", COMPILED, "_if(_is(_name(applies), False), [_return(NOT_APPLICABLE)])", "_if(_is_not(_name(applies), True), [_return(NOT_APPLICABLE)])"),
    Fault("compiled: an unknown requirement is met", COMPILED, "_if(_is(_name(required), True), [_return(MET)])", "_if(_is_not(_name(required), False), [_return(MET)])"),
    Fault("compiled: an unknown settles", COMPILED, "body = self.blocks.pop()\n            self.add(_if(_is_not(_name(result), settled), body))", "body = self.blocks.pop()\n            self.add(_if(_is(_name(result), not settled), body))"),
    Fault("compiled: no window", COMPILED, "if leaf.within is None:", "if True:"),
    Fault("compiled: what shares a slot needn't be alike", COMPILED, "said = _said({ref: self.parameters[ref] for ref in leaf.refs if ref in self.parameters})", "said = ()"),
    Fault("compiled: a failing rule is skipped", PROGRAM, "                found.append(failing)", "                pass"),
    Fault("compiled: drugs that aren't known concern no rule", PROGRAM, "if all(truths[slot] is not False for slot in guards)", "if all(truths[slot] for slot in guards)"),
    Fault("compiled: a plan for other drugs", PROGRAM, 'd.get("system"), d.get("name"), d.get("role")) for d', 'd.get("system"), d.get("role")) for d'),
    Fault("found: recorded late", CASE, "if recorded > self.now:", "if False:"),
    Fault("found: in the future", CASE, "return when if when <= self.now else None", "return when"),
    Fault("found: a result of the future", CODED, "if when > now:", "if False:"),
    Fault("found: a time of another zone", CASE, "if written[19:] == self.zone:", "if len(written) == 25:"),
    Fault("found: the window's edge is outside", FOUND, "last >= moment:", "last > moment:"),
    Fault("found: not supplied is read as none", FOUND, "return NOT_SUPPLIED if rows is None else NONE", "return NONE"),
    Fault("found: no results supplied is read as none", CODED, "return NOT_SUPPLIED if rows is None else NONE", "return NONE"),
    Fault("found: another patient's", CASE, "if owner is not None and self.is_another_patient(owner):", "if False:"),
    Fault("found: what is undecided is nothing", CHECKS, "if standing is None or standing.counted is False:", "if standing is None or not standing.counted:"),
    Fault("found: of two at one moment one speaks", FOUND, "                elif when == last:\n                    newest = None\n", ""),
    Fault("found: of two results at one moment one speaks", CODED, "                        newest[number] = None\n", "                        pass\n"),
    Fault("found: of two sections one speaks", FOUND, "None if when == last else value", "value"),
    Fault("found: a bound is read as exact", CHECKS, 'quantity.get("comparator") is not None or row', "row"),
    Fault("found: a contradiction is read as exact", CHECKS, ' or row.get("conflict") is not None:', ":"),
    Fault("found: an implausible value", CHECKS, "return value if value is not None and low <= value <= high else None", "return value"),
    Fault("found: any unit", CHECKS, 'if quantity["unit"] != unit:', "if False:"),
    Fault("found: a corrected result stands beside the first", CODED, "if not REPLACES.isdisjoint(map(_STATUS, rows)):", "if False:"),
    Fault("found: a preliminary result counts", CODED, 'if system != said_in or row["status"] not in counted:', "if system != said_in:"),
    Fault("found: a code of any system", CODED, 'if system != said_in or row["status"] not in counted:', 'if row["status"] not in counted:'),
    Fault("found: numbers compare as floats, exact or not", CHECKS, "return found if Decimal(repr(found)) == number else None", "return found"),
    Fault("at once: a key may stand twice", ONCE, "if squeezed.count(_KEY) != keys_in(data):", "if False:"),
    Fault("at once: what is no number is read", ONCE, ", config=_STRICT)", ")"),
    Fault("at once: numbers may be rounded", ONCE, "if (_MANY in squeezed or _SMALL in squeezed) and _ODD_NUMBER.search(squeezed):", "if False:"),
    Fault("no walk beyond the limit", "authoring/prove/sources.py", "return range(2 * len(self.cuts) + 1)", "return range(2 * len(self.cuts))"),
    Fault("a walk without undecided entries", "authoring/prove/entries.py", "for counted in (True, False)", "for counted in (True,)"),
    Fault("a walk without conflicts of a critical value", "authoring/prove/entries.py", "if self.raising and i < j:", "if False:"),
    Fault("a walk of one drug at a time", "authoring/prove/sources.py", "fresh = list(alone)", "fresh = []"),
    Fault("a walk that takes unknown for false", "authoring/prove/scope.py", "negate(truths[0])", "not truths[0]"),
)  # fmt: skip

EXAMPLES = """
from oncogate.authoring.examples import run_examples
from oncogate.packs.load import load_library
failed = [f"{r.rule.rule.id} ({r.example.name})" for r in run_examples(load_library()) if r.problem]
raise SystemExit(f"example of {failed[0]}" if failed else 0)
"""

PYTEST = ("-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not longer")
COMMANDS = (  # the quickest first
    ("-c", EXAMPLES),
    (*PYTEST, "tests/test_engine.py", "tests/test_compile.py", "tests/test_at_once.py"),
    (*PYTEST, "tests/test_prove.py", "tests/test_prove_covers.py"),
    (*PYTEST, "tests/test_differential.py"),
    (*PYTEST, "tests/test_second_engine.py"),
    (*PYTEST, "tests/test_laws.py"),
    (*PYTEST, "tests/test_layers.py", "tests/test_drug_identity.py", "tests/test_laws_of_the_packs.py"),
)


def planted(fault: Fault, source: str) -> str:
    """The module's source with the fault in it; refuses a text that isn't there exactly once."""
    times = source.count(fault.text)
    if times != 1:
        raise SystemExit(f"{fault.name}: `{fault.text}` is found {times} times in oncogate/{fault.module}")
    return source.replace(fault.text, fault.instead)


def caught_by(fault: Fault) -> str:
    """The first test that fails with the fault in place, or an empty string."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("oncogate", "rules", "examples", "tests"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        module = folder / "oncogate" / fault.module
        module.write_text(planted(fault, module.read_text(encoding="utf-8")), encoding="utf-8")
        return next(filter(None, (run(folder, command) for command in COMMANDS)), "")


def run(folder: Path, command: tuple[str, ...]) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ONCOGATE_QUICK": "1",
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode == 0:
        return ""
    test = re.search(r"^(?:FAILED|ERROR) tests/(\S+)", done.stdout, re.MULTILINE)
    return test[1] if test else (done.stderr.strip().splitlines() or ["failed"])[-1]


def main(words: list[str]) -> int:
    chosen = [f for f in FAULTS if not words or any(word in f.name for word in words)]
    clean = caught_by(Fault("none", "gate.py", '"""The gate:', '"""The gate:'))
    if clean:
        print(f"without a fault: {clean}")
        return 1
    width = max(len(f.name) for f in chosen)
    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for fault, test in zip(chosen, pool.map(caught_by, chosen), strict=True):
            print(f"{fault.name:<{width}}  {test or '-- SURVIVED --'}", flush=True)
            found.append(test)
    survived = sum(not test for test in found)
    print(f"\n{len(found)} faults planted, {len(found) - survived} caught, {survived} survived")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
