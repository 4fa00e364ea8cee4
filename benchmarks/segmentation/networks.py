"""The networks of the race: those of edgewise, and one of segmentation_models_pytorch as large as U-KAN."""

import segmentation_models_pytorch as smp
from torch import nn

from edgewise.models.registry import register_model
from edgewise.models.takes import Pictures
from edgewise.vision import Model


@register_model("smp_unet", takes=Pictures(dense=True))
def smp_unet(in_channels: int = 3, num_classes: int = 1, encoder: str = "efficientnet-b0") -> nn.Module:
    """smp's U-Net behind an encoder of its own, without weights trained elsewhere: as all others here start."""
    return smp.Unet(encoder, encoder_weights=None, in_channels=in_channels, classes=num_classes)


NETWORKS = {
    "U-Net": Model(name="unet"),
    "U-KAN": Model(name="ukan"),
    "ALL U-KAN": Model(name="all_ukan"),
    "smp U-Net": Model(name="smp_unet"),
}
