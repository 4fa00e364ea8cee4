"""What a formula could be if less were known: said where what is known keeps a much better one away."""

from edgewise._ground.errors import warn
from edgewise.kan.discovery.clock import Clock
from edgewise.kan.discovery.direct import Direct
from edgewise.kan.forms.atoms import functions_of
from edgewise.kan.forms.grammar import Grammar

MUCH = 0.5  # of the error that is left is what a formula must leave to be spoken of


def look_beyond(known: Direct, grammar: Grammar, clock: Clock) -> None:
    """Look for formulas that what is known forbids, and warn of one that is much better.

    Args:
        known: A search after its run.
        grammar: What could be if less were known.
        clock: When to end.
    """
    free = known.under(grammar, clock)
    free.run()
    if not known.search.allowed or not free.search.allowed:
        return
    before, after = known.search.allowed[0], free.search.allowed[0]
    least, possible = known.error(before), free.error(after)
    if not possible < MUCH * least or not after.score < before.score:
        return
    taken_away = set(free.search.grammar.functions) - set(known.search.grammar.functions)
    forbidden = sorted(functions_of(after.tree) & taken_away)
    if forbidden:
        reason, mend = f"has {', '.join(forbidden)}, which is forbidden", "allow it if it may be"
    elif known.search.grammar.behaviour is not None and (broken := known.search.grammar.behaviour.broken(after.tree)):
        reason, mend = broken, "look whether that is known"
    elif known.form is not None:
        reason, mend = f"has not the form {known.form.text!r}", "look whether the form is right"
    else:
        reason, mend = "does not fit the units", "name the units that constants may carry if it may be"
    warn(
        f"the best formula that fits what is known leaves over {least:.2g} of the target's deviation; one that {reason}, "
        f"leaves {possible:.2g}: {mend}"
    )
