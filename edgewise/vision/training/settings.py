"""The settings of one recipe, or of several side by side, as rows of a table."""

from edgewise.vision.training.recipe import Recipe


def setting_rows(recipes: list[Recipe]) -> list[tuple[str, list[str]]]:
    """Every setting by its dotted name, with one value where all recipes agree and one a recipe where they do not.

    Example:
        >>> from edgewise.vision.segmentation.recipe import SegmentationRecipe
        >>> rows = dict(setting_rows([SegmentationRecipe(epochs=3), SegmentationRecipe(epochs=9)]))
        >>> rows["epochs"], rows["batch_size"]
        (['3', '9'], ['4'])
    """
    columns = [_flat(recipe.to_dict()) for recipe in recipes]
    names = dict.fromkeys(name for column in columns for name in column)
    values = [(name, [_text(column.get(name)) for column in columns]) for name in names]
    return [(name, texts[:1] if len(set(texts)) == 1 else texts) for name, texts in values]


def _flat(values: dict, prefix: str = "") -> dict[str, object]:
    flat = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _text(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list():
            return " x ".join(map(str, value))
        case _:
            return str(value)
