"""Cuts a failing script down: steps are left out as long as what remains still fails."""

import time


def shrink(script, fails, seconds=60):
    """fails(script) -> the number of the failing step, or None. The script given fails."""
    end = time.monotonic() + seconds
    steps, part = script["steps"], max(1, len(script["steps"]) // 2)
    while time.monotonic() < end:
        found = _without_a_part(script, steps, part, fails, end)
        if found is not None:
            steps = found
            part = min(part, max(1, len(steps) // 2))
        elif part == 1:
            break
        else:
            part = max(1, part // 2)
    return {**script, "steps": steps}


def _without_a_part(script, steps, part, fails, end):
    """The steps but `part` of them that lie together, which still fail and end with the one that does."""
    for start in range(0, len(steps), part):
        fewer = steps[:start] + steps[start + part:]
        if time.monotonic() > end:
            return None
        failed = fails({**script, "steps": fewer})
        if failed is not None:
            return fewer[:failed + 1]
    return None
