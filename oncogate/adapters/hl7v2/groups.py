"""The segments of a message by what they belong to: a patient, and the orders of the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from oncogate.adapters.hl7v2.segments import Segment
from oncogate.adapters.hl7v2.taking import Taking
from oncogate.base.once import once


@dataclass
class OrderGroup:
    """An order with what belongs to it. `is_order`: it is one that is placed, not the results of one."""

    common: Segment | None = None
    request: Segment | None = None
    is_order: bool = False
    parts: list[Segment] = field(default_factory=list)

    def of(self, *ids: str) -> list[Segment]:
        """The segments of these kinds, as they come."""
        return [part for part in self.parts if part.id in ids]

    @property
    def report_status(self) -> str:
        """OBR-25: the status of the results as a whole."""
        return self.request.text(25).upper() if self.request else ""

    def number(self, *positions: int) -> str | None:
        """The order's number with its namespace: 2 is the placer's, 3 the filler's, the first that is there."""
        for position in positions:
            for segment in (self.request, self.common):
                said = segment.first(position) if segment else None
                if said is not None and said[1]:
                    return "^".join(part for part in said.found[:3] if part)[:400]
        return None

    def key(self, obx: Segment) -> str | None:
        """What ties a correction to what it corrects: the order's number, OBX-3 and OBX-4."""
        number, code = self.number(3, 2), obx.text(3) or obx.text(3, 2)
        return f"{number}/{code}/{obx.whole(4)}"[:500].rstrip("/") if number and code else None

    @once
    def collected(self) -> str:
        """When what was observed was taken, if its result doesn't say: OBR-7, SPM-17. In an order OBR-7 is a plan."""
        if self.is_order:
            return ""
        times = [self.request.text(7)] if self.request else []
        return next(filter(None, [*times, *(spm.text(17) for spm in self.of("SPM"))]), "")

    def reported(self, taking: Taking) -> str:
        """When results were reported or last changed (OBR-22), else when the message was made."""
        said = self.request.text(22) if self.request and not self.is_order else ""
        return taking.readable(said) or taking.said()


@dataclass
class PatientGroup:
    """A patient with the segments that follow."""

    person: Segment
    parts: list[Segment] = field(default_factory=list)
    orders: list[OrderGroup] = field(default_factory=list)

    def of(self, *ids: str) -> list[Segment]:
        """The patient's own segments of these kinds, as they come."""
        return [part for part in self.parts if part.id in ids]


_OF_ORDERS = frozenset({"OBX", "SPM", "RXO", "RXR", "RXC", "TQ1"})
_PRIOR = "PR"


def grouped(segments: Sequence[Segment], type: str) -> tuple[list[PatientGroup], list[Segment]]:
    """The patients of a message, and the segments that belong to none or to no order though they should.

    Messages of ORM and OML place orders, but for earlier results that they bring with them (ORC-1 is PR). In ADT
    and MDM an observation belongs to the patient alone.
    """
    orders = type in ("ORM", "OML")
    patients: list[PatientGroup] = []
    astray: list[Segment] = []
    order: OrderGroup | None = None
    for segment in segments:
        if segment.id == "PID":
            patients.append(PatientGroup(segment))
            order = None
        elif not patients:
            if segment.id in ("PV1", "ORC", "OBR", "MRG", "DG1", "AL1", "IAM", *_OF_ORDERS):
                astray.append(segment)
        elif segment.id == "ORC" or (segment.id == "OBR" and (order is None or order.request)):
            if segment.id == "ORC":
                order = OrderGroup(segment, None, orders and segment.text(1).upper() != _PRIOR)
            else:  # one ORC may stand for several requests; several results have a number each
                shared = order.common if order is not None and order.is_order else None
                order = OrderGroup(shared, segment, shared is not None or (orders and order is None))
            patients[-1].orders.append(order)
        elif segment.id == "OBR" and order is not None:
            order.request = segment
        elif segment.id in _OF_ORDERS:
            if order is None and type in ("ADT", "MDM"):
                order = OrderGroup()
                patients[-1].orders.append(order)
            if order is None:
                astray.append(segment)
            else:
                order.parts.append(segment)
        else:
            patients[-1].parts.append(segment)
    return patients, astray
