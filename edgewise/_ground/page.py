"""The page of every report: one HTML file that needs nothing beside it, by a template that extends ``page.html.j2``."""

import base64
from collections.abc import Sequence

from edgewise._ground.optional import require


def render(packages: Sequence[str], name: str, extra: str, **values: object) -> bytes:
    """A page from a template.

    Args:
        packages: Dotted names of the packages whose templates it is made of; this one's ``page.html.j2`` is among them.
        name: File name of the template.
        extra: The extra of edgewise that brings jinja2 to whoever asks.
        **values: What the template asks for, all of it.

    Raises:
        MissingPackageError: jinja2 is missing.
    """
    jinja2 = require("jinja2", extra=extra)
    loader = jinja2.ChoiceLoader([jinja2.PackageLoader(home, "") for home in (*packages, __package__)])
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, loader=loader)
    return environment.get_template(name).render(values).encode()


def embed(content: bytes) -> str:
    """A picture as a page holds it.

    Example:
        >>> embed(b"<svg/>")
        'PHN2Zy8+'
    """
    return base64.b64encode(content).decode()
