"""Models: whole networks by name. One file an architecture; to add one, write its file and its line here."""

from edgewise.models.all_ukan import all_ukan, all_ukan3d, ukan_vanilla
from edgewise.models.attention_transfer import AttentionTransfer
from edgewise.models.chains import cheby_kan, fast_kan, fourier_kan
from edgewise.models.classifier import Classifier
from edgewise.models.conv_kan import conv_kan
from edgewise.models.diffusion_ukan import NoiseUShape, all_ukan_diffusion, ukan_diffusion
from edgewise.models.efficient_kan import from_efficient_kan
from edgewise.models.encoder_unet import EncoderUNet
from edgewise.models.features import Features
from edgewise.models.gated_kan import GatedKAN
from edgewise.models.gram_unet import GramUNet
from edgewise.models.kanify import kanify
from edgewise.models.kanify_attention import kanify_attention, load_softmax_weights
from edgewise.models.kanify_layers import ToKAN, ToSaKAN
from edgewise.models.kat import kanify_mlp
from edgewise.models.plain import cnn, mlp
from edgewise.models.registry import create_model, list_models, register_model
from edgewise.models.resnet_kan import resnet_kan
from edgewise.models.takes import FixedBasis, NoisyPictures, Pictures, Rows, Takes, Volumes
from edgewise.models.ukan import Layers, UShape, ukan, ukan3d
from edgewise.models.unet import unet, unet3d
from edgewise.models.vgg16_kan import vgg16_kan
from edgewise.models.vgg_kan import vgg_kan
from edgewise.models.vit import BACKBONES

__all__ = [
    "BACKBONES",
    "AttentionTransfer",
    "Classifier",
    "EncoderUNet",
    "Features",
    "FixedBasis",
    "GatedKAN",
    "GramUNet",
    "Layers",
    "NoiseUShape",
    "NoisyPictures",
    "Pictures",
    "Rows",
    "Takes",
    "ToKAN",
    "ToSaKAN",
    "UShape",
    "Volumes",
    "all_ukan",
    "all_ukan3d",
    "all_ukan_diffusion",
    "cheby_kan",
    "cnn",
    "conv_kan",
    "create_model",
    "fast_kan",
    "fourier_kan",
    "from_efficient_kan",
    "kanify",
    "kanify_attention",
    "kanify_mlp",
    "list_models",
    "load_softmax_weights",
    "mlp",
    "register_model",
    "resnet_kan",
    "ukan",
    "ukan3d",
    "ukan_diffusion",
    "ukan_vanilla",
    "unet",
    "unet3d",
    "vgg16_kan",
    "vgg_kan",
]
