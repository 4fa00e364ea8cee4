"""Tables of very many columns: networks of each fold look at those that tell its targets best."""

from collections.abc import Callable

from edgewise._ground.errors import warn
from edgewise.estimators.rows import Rows
from edgewise.kan.discovery.wide import likeliest
from edgewise.kan.kan import KAN

MOST_NUMBERS = 1500  # parameters of a network, whose steps take the cube of that
LEAST_COLUMNS = 10  # are looked at, however many parameters that is


def narrowed(template: KAN, draw: Callable[[], KAN], rows: Rows) -> Callable[[int], KAN]:
    """What makes a network for each fold: of all columns, or of the likeliest if that would be too many parameters.

    A fold is held back from the choice too. A warning says how many columns are looked at.

    Args:
        template: A network of the wanted shape.
        draw: Makes another.
        rows: The rows.
    """
    there = template[0].mask.any(0).nonzero().flatten().tolist()
    numbers, first = (sum(p.numel() for p in part.parameters()) for part in (template, template[0]))
    each = first // template[0].in_features
    most = max(LEAST_COLUMNS, (MOST_NUMBERS - numbers + first) // each)
    if numbers <= MOST_NUMBERS or len(there) <= most:
        return lambda fold: draw()
    warn(
        f"a network of all {len(there)} columns would have {numbers} parameters: those of each fold look at the {most} "
        "columns by which trees tell the other folds best, the other shapes at all; fewer columns, or broader ones, say "
        "more where rows are few"
    )
    x, y, looked = rows.table.x.numpy(), rows.table.y.numpy(), []
    for fold in range(rows.folds):
        used = (rows.used(fold) > 0).numpy()
        looked.append(likeliest(x[used], y[used], there, most))

    def draw_for(fold: int) -> KAN:
        model = draw()
        model[0] = model[0].subset(looked[fold], range(model[0].nodes))
        model.inputs = looked[fold]
        return model

    return draw_for
