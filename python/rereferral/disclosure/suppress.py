"""Which counts are hidden beside the small ones, as few as possible, so that none is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from rereferral.disclosure.audit import few
from rereferral.disclosure.counts import MOST, Counts, State, beside_bounds
from rereferral.disclosure.system import System, minimise, solver
from rereferral.errors import RuleError

__all__ = ["NotSafe", "hide_beside"]

# The surroundings of a secret, ever wider: how many equations from it, of at most how many counts.
_STEPS = ((1, 12), (2, 12), (2, 40), (3, 40), (1, MOST), (2, MOST), (99, MOST))
_TOTAL = 6.0  # what hiding a total costs, against 1 for one of its parts
_FURTHER = 2  # how many wider surroundings are tried where a total would go
_WITH_RATE = 1.2  # the same of the first count of a row, which takes the rate with it
_FAR = 12  # by how much another set of counts may differ from the true one


class NotSafe(RuleError):
    """A release cannot be made safe as it is."""


def hide_beside(counts: Counts, secrets: Sequence[int]) -> list[int]:
    """Hide counts until each secret could have enough values; afterwards show what may be shown.

    Each step hides, for one secret that could be found, the cheapest set of counts that leaves it
    enough values: an integer programme over its surroundings, which looks for two other releases
    that differ from the true one in hidden counts alone. Then every count that was hidden is
    shown again if no secret suffers.

    Returns
    -------
    list of int
        The counts that are hidden beside, in their order.

    Raises
    ------
    NotSafe
        A secret was published before, or cannot be hidden.
    """
    wanted = counts.rule.values
    hidden: list[int] = []
    system = System(counts)
    for number in few(system, secrets, wanted, counts.value):
        # It may have been served by what was hidden for another.
        while not hidden or few(system, [number], wanted, counts.value):
            more = _cheapest(counts, system, number)
            hidden += more
            for other in more:
                counts.state[other] = State.BESIDE
            counts.renew(more)
            system = System(counts)
    return sorted(_needed(counts, hidden, secrets))


def _needed(counts: Counts, hidden: Iterable[int], secrets: Sequence[int]) -> list[int]:
    """The hidden counts without those that may be shown after all, dearest first."""
    kept = set(hidden)
    for number in sorted(kept, key=lambda n: (-_cost(counts, n), n)):
        before = System(counts)
        # With the count come back the figures that are made of it, and of others.
        touched = {c for e in counts.equations if number in e.counts for c in e.counts}
        with_it = touched.union(*(before.together(other) for other in touched))
        concerned = [secret for secret in secrets if secret in with_it]
        counts.state[number] = State.SHOWN
        counts.renew([number])
        if few(System(counts), concerned, counts.rule.values, counts.value, 1):
            counts.state[number] = State.BESIDE
            counts.renew([number])
        else:
            kept.discard(number)
    return list(kept)


def _cost(counts: Counts, number: int) -> float:
    """What is lost with a count: totals are dear, and the larger the dearer."""
    value = counts.value[number] or 0
    return (_TOTAL if counts.dear[number] else 1.0) + 0.01 * float(np.log1p(value))


def _may_hide(counts: Counts, number: int) -> bool:
    """Whether a count that is shown may be hidden for another; 0 is always shown."""
    value = counts.value[number]
    rounds = counts.rule.base(counts.total[number]) > 1
    return (
        counts.state[number] == State.SHOWN
        and not counts.fixed[number]
        and value is not None
        and value > (0 if rounds else counts.rule.small[1])
    )


def _cheapest(counts: Counts, system: System, secret: int) -> list[int]:
    best: tuple[float, list[int]] | None = None
    wider = 0
    for steps, wide in _STEPS:
        near = _near(counts, secret, steps, wide)
        for found in _programmes(counts, system, secret, near):
            if not found[1]:
                continue  # bounds that are too wide by one solver's rounding
            if best is None or found < best:
                best = found
            if len(best[1]) == 1:
                break
        if best is None:
            continue
        # A total is dear enough to look further for something else.
        if best[0] < _TOTAL or wider == _FURTHER:
            break
        wider += 1
    if best is not None:
        return best[1]
    table, row, column = counts.places[secret]
    raise NotSafe(
        f'table "{table}", row {row}: "{column}" is small and cannot be hidden whatever else is: '
        "it follows from what was published before, or from what everybody knows"
    )


def _near(counts: Counts, secret: int, steps: int, wide: int) -> set[int]:
    """Counts that some equations lead to; the same count in other tables is no step away."""
    told = counts.told()
    same: dict[int, list[int]] = {}
    for e in told:
        if len(e.counts) == 2 and sum(e.factors) == e.constant == 0:
            one, other = e.counts
            same.setdefault(one, []).append(other)
            same.setdefault(other, []).append(one)
    near = _with_same({secret}, same)
    equations = [e.counts for e in told if len(e.counts) <= wide]
    for _ in range(steps):
        reached = set(near)
        for members in equations:
            if not near.isdisjoint(members):
                reached.update(members)
        if reached == near:
            break
        near = _with_same(reached, same)
    # What an inequality leaves is nobody's cell: it moves with its counts.
    for e in counts.told():
        if not near.isdisjoint(e.counts):
            near.update(c for c in e.counts if counts.state[c] == State.SLACK)
    return near


def _with_same(numbers: set[int], same: Mapping[int, Sequence[int]]) -> set[int]:
    """Counts with all that are equal to one of them."""
    found, waiting = set(numbers), list(numbers)
    while waiting:
        for other in same.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def _programmes(
    counts: Counts, system: System, secret: int, near: set[int]
) -> Iterator[tuple[float, list[int]]]:
    """The cheapest counts to hide, for each way that two more values may lie about the true one.

    Two other sets of counts are looked for at once. Unknowns: by how much each count differs in
    the first and in the second, and whether it is hidden.
    """
    if counts.rule.values > 3:
        yield from _many(counts, system, secret, near)
        return
    for ways in (((None, -1), (1, None)), ((None, -2), (-1, -1)), ((1, 1), (2, None))):
        found = _programme(counts, system, secret, near, ways)
        if found is not None:
            yield found


def _many(
    counts: Counts, system: System, secret: int, near: set[int]
) -> Iterator[tuple[float, list[int]]]:
    """The same where more than two other values are wanted: those nearest to the true one."""
    value = counts.value[secret] or 0
    low, high = counts.rule.small
    others = sorted((v for v in range(low, high + 1) if v != value), key=lambda v: abs(v - value))
    ways = [(v - value, v - value) for v in others[: counts.rule.values - 1]]
    found = _programme(counts, system, secret, near, ways)
    if found is not None:
        yield found


def _programme(
    counts: Counts,
    system: System,
    secret: int,
    near: set[int],
    ways: Sequence[tuple[int | None, int | None]],
) -> tuple[float, list[int]] | None:
    _, sparse = solver()
    # By how much a hidden share may be missed, in the units of its equations.
    loose_share = 4 * _FAR * 10 ** (counts.rule.decimals + 2)
    true = np.array([-1 if v is None else v for v in counts.value], np.int64)
    loose = np.flatnonzero(system.low < system.high)
    moving = np.array(sorted(near | set(loose.tolist())), np.int64)
    place = {int(number): k for k, number in enumerate(moving)}
    may = [int(n) for n in moving if system.low[n] == system.high[n] and _may_hide(counts, int(n))]
    may += [
        int(n)
        for n in moving
        if system.low[n] < system.high[n] and int(n) in near and _may_hide(counts, int(n))
    ]
    n, scenes = len(moving), len(ways)
    choice = {number: scenes * n + k for k, number in enumerate(may)}
    size = scenes * n + len(may)
    low, high = np.zeros(size), np.zeros(size)
    high[scenes * n :] = 1
    for number in moving.tolist():
        k, value = place[number], int(true[number])
        state = counts.state[number]
        if number in choice:
            least, _ = beside_bounds(counts.rule, counts.rule.base(counts.total[number]))
            first, last = max(least - value, -_FAR), _FAR
        elif state == State.KNOWN:
            first = last = 0
        elif state == State.SLACK:
            first, last = -value, loose_share
        elif state == State.NOWHERE:
            first, last = max(-value, -_FAR), _FAR
        else:
            first = max(counts.low[number] - value, -_FAR)
            last = min(counts.high[number] - value, _FAR)
        for scene in range(scenes):
            low[scene * n + k], high[scene * n + k] = first, last
    for scene, (first_way, last_way) in enumerate(ways):
        k = scene * n + place[secret]
        low[k] = max(low[k], -_FAR if first_way is None else first_way)
        high[k] = min(high[k], _FAR if last_way is None else last_way)
        if low[k] > high[k]:
            return None
    rows, columns, factors = [], [], []
    equation = 0
    relaxed: list[tuple[int, list[int]]] = []  # what a share leaves, and the counts it goes with
    for e in counts.told():
        mine = [(place[c], f) for c, f in zip(e.counts, e.factors, strict=True) if c in place]
        if not mine:
            continue
        for scene in range(scenes):
            for k, factor in mine:
                rows.append(equation)
                columns.append(scene * n + k)
                factors.append(factor)
            equation += 1
        goes_with = [choice[c] for c in e.counts if c in choice]
        if e.while_shown and goes_with and e.counts[-1] in place:
            relaxed.append((place[e.counts[-1]], goes_with))
    matrix = sparse.csr_array((factors, (rows, columns)), shape=(equation, size))
    # A count moves only as far as it is hidden: difference <= last * hidden, and as much below.
    rows, columns, factors = [], [], []
    limit: list[float] = []
    for number, hidden in choice.items():
        # What a shown count may be anyway: a rounded one moves within its rounding.
        slack_low = counts.low[number] - int(true[number])
        slack_high = counts.high[number] - int(true[number])
        for scene in range(scenes):
            k = scene * n + place[number]
            for sign, room, reach in ((1, slack_high, high[k]), (-1, -slack_low, -low[k])):
                rows += [len(limit)] * 2
                columns += [k, hidden]
                factors += [sign, -(reach - room)]
                limit.append(float(room))
    for k, goes_with in relaxed:
        for scene in range(scenes):
            rows += [len(limit)] * (1 + len(goes_with))
            columns += [scene * n + k, *goes_with]
            factors += [-1, *[-loose_share] * len(goes_with)]
            limit.append(-low[scene * n + k])
            low[scene * n + k] = min(-loose_share, low[scene * n + k])
    below = (
        (sparse.csr_array((factors, (rows, columns)), shape=(len(limit), size)), np.array(limit))
        if limit
        else None
    )
    costs = np.zeros(size)
    with_hidden = {
        counts.places[n][:2]
        for n in range(len(counts))
        if counts.state[n] in (State.SMALL, State.BESIDE)
    }
    for number, hidden in choice.items():
        first_of_row = counts.places[number][:2] not in with_hidden
        costs[hidden] = _cost(counts, number) * (_WITH_RATE if first_of_row else 1.0)
    solution = minimise(costs, matrix, np.zeros(equation), low, high, below)
    if solution is None:
        return None
    chosen = sorted(number for number, hidden in choice.items() if solution[hidden])
    return float(sum(costs[choice[number]] for number in chosen)), chosen
