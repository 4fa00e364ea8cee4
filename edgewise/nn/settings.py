"""Weights that know which functions they belong to.

The shapes of coefficients do not tell splines from polynomials, nor one domain from another. So a ``state_dict`` carries
the settings too, in the metadata that PyTorch keeps beside the tensors, and loading compares them.
"""

from typing import Any

from torch import Tensor, nn

NOTE = "functions"


class HasSettings(nn.Module):
    """Base of the modules whose numbers mean nothing without settings that no tensor shows."""

    def weight_settings(self) -> str:
        """What the weights belong to, as one would write it down; equal settings give equal text."""
        raise NotImplementedError

    def _save_to_state_dict(self, destination: dict[str, Tensor], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        metadata = getattr(destination, "_metadata", None)
        if metadata is not None:  # a plain dict has none
            metadata[prefix[:-1]][NOTE] = self.weight_settings()

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
        missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        saved, own = local_metadata.get(NOTE), self.weight_settings()
        if saved is not None and saved != own:
            error_msgs.append(
                f"the weights of {prefix[:-1] or type(self).__name__!r} belong to {saved}, and this one has {own}: "
                "make it with the settings of the weights (update_grid and refine_grid change those of a layer), "
                "or load dict(state_dict), whose bare numbers are not compared"
            )
            for name in [name for name in state_dict if name.startswith(prefix)]:
                del state_dict[name]
            state_dict.update(self.state_dict(prefix=prefix))  # it keeps its own, so that the sentence stands alone
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)


def settings_text(**settings: object) -> str:
    """Settings by name; of a function its name alone, since its address is another one in the next process.

    Example:
        >>> settings_text(base="silu", groups=8)
        "base='silu', groups=8"
    """
    return ", ".join(f"{name}={_written(value)}" for name, value in settings.items())


def _written(value: object) -> str:
    return getattr(value, "__qualname__", type(value).__name__) if callable(value) else repr(value)
