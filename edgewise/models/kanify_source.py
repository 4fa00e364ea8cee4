"""What the source of a module tells: whether it calls a layer inside it, or reads its weight."""

import inspect
import re
from functools import lru_cache

from torch import nn


def reads_weight(module: nn.Module, child: str) -> bool:
    """Whether ``forward``, or a method that it calls, reads ``self.child.weight``, as the attention of Swin and BEiT does.

    Where there is no source to read, what cannot be known is taken as no.

    Example:
        >>> reads_weight(nn.Sequential(nn.Linear(2, 2)), "0")
        False
    """
    return re.search(rf"\bself\.{re.escape(child)}\.weight\b", _sources(type(module))) is not None


@lru_cache(maxsize=256)
def _sources(kind: type) -> str:
    """The text of ``forward`` and of all methods that are called from there."""
    texts, waiting = {}, ["forward"]
    while waiting:
        name = waiting.pop()
        method = getattr(kind, name, None)
        if name in texts or not inspect.isroutine(method):
            continue
        try:
            texts[name] = inspect.getsource(method)
        except (OSError, TypeError):  # typed in at a prompt, or written in C
            texts[name] = ""
        waiting += re.findall(r"\bself\.(\w+)\(", texts[name])
    return "\n".join(texts.values())
