import pytest
import torch
from torch import nn

from edgewise.analysis import count_flops, count_parameters
from edgewise.bases import BSpline, Chebyshev
from edgewise.models import create_model
from edgewise.nn import KANLinear
from edgewise.ops import backends_for, use_backend


def flops(model, *shape):
    counted = count_flops(model, torch.randn(shape))
    assert counted["total"] == counted["matmul"] + counted["elementwise"]
    return counted["matmul"], counted["elementwise"]


def test_a_shared_parameter_counts_once_and_a_frozen_one_not_at_all():
    layer = nn.Linear(3, 5)
    assert count_parameters(nn.Sequential(layer, nn.ReLU(), layer)) == 20
    layer.bias.requires_grad_(False)
    assert count_parameters(layer) == 15


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("grad", [True, False])
def test_linear_is_a_multiply_add_for_each_weight_and_row(bias, grad):
    with torch.set_grad_enabled(grad):
        assert flops(nn.Linear(7, 3, bias=bias), 2, 5, 7) == (2 * 10 * 7 * 3, 10 * 3 * bias)


def test_inference_mode_counts_the_same():
    with torch.inference_mode():
        assert flops(nn.Linear(7, 3), 2, 7) == (2 * 2 * 7 * 3, 2 * 3)


# (in, out, kernel, stride, padding, dilation, groups) -> side of the output of an 11 x 11 image
@pytest.mark.parametrize(
    ("options", "side"),
    [((4, 6, 3, 1, 1, 1, 1), 11), ((4, 6, 3, 2, 1, 1, 2), 6), ((4, 4, 5, 3, 0, 2, 4), 1), ((4, 6, 1, 1, 0, 1, 1), 11)],
)
def test_convolution_is_a_multiply_add_for_each_weight_of_its_group_and_pixel(options, side):
    in_channels, out_channels, kernel, *_, groups = options
    pixels = 2 * side**2
    assert flops(nn.Conv2d(*options), 2, 4, 11, 11) == (
        2 * pixels * out_channels * (in_channels // groups) * kernel**2,
        pixels * out_channels,
    )


def test_transposed_convolution_works_for_each_input_pixel():
    assert flops(nn.ConvTranspose2d(4, 2, 3, stride=2, bias=False), 1, 4, 5, 5) == (2 * 25 * 4 * 2 * 9, 0)


@pytest.mark.parametrize(
    ("model", "an_element"),
    [
        (nn.ReLU(), 1),
        (nn.ReLU(inplace=True), 1),
        (nn.Tanh(), 1),
        (nn.SiLU(), 2),
        (nn.SiLU(inplace=True), 2),
        (nn.Softmax(1), 5),
        (nn.LayerNorm(8), 8),
        (nn.GroupNorm(2, 4), 8),
        (nn.InstanceNorm2d(4), 8),
        (nn.BatchNorm2d(4).eval(), 4),
        (nn.AvgPool2d(2), 1),
        (nn.MaxPool2d(2), 1),
        (nn.MaxPool2d(3, stride=1, padding=1), 9),
        (nn.AdaptiveAvgPool2d(1), 1),
        (nn.Upsample(scale_factor=2, mode="bilinear"), 4 * 7),
        (nn.Upsample(scale_factor=2, mode="nearest"), 0),
        (nn.Flatten(), 0),
        (nn.Unfold(3), 0),
        (nn.ZeroPad2d(1), 0),
    ],
)
def test_operations_for_each_element_of_the_input(model, an_element):
    assert flops(model, 2, 4, 8, 8) == (0, 512 * an_element)


def test_batch_norm_in_training_finds_its_statistics_and_counts_its_batch():
    assert flops(nn.BatchNorm2d(4), 2, 4, 8, 8) == (0, 512 * 8 + 1)


@pytest.mark.parametrize(
    ("function", "operations"),
    [
        (lambda x: x * x + 2, 2 * 12),
        (lambda x: x.sum(), 12),
        (lambda x: x.amax(0), 12),
        (lambda x: torch.maximum(x, x), 12),
        (lambda x: x.var(), 4 * 12),
        (lambda x: torch.where(x > 0, x, 0.0), 2 * 12),
        (lambda x: torch.zeros(5, 4).index_add_(0, torch.tensor([0, 0, 1]), x), 12),
        (lambda x: x.t().reshape(-1)[::2].clone(), 0),
        (lambda x: torch.cat([x, x]).index_select(0, torch.tensor([1])), 0),
    ],
)
def test_functions_of_three_by_four(function, operations):
    assert flops(function, 3, 4) == (0, operations)


def test_operations_inside_a_custom_function_are_seen():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight):
            return (x * x * x) @ weight

    weight = torch.randn(4, 5, requires_grad=True)
    assert flops(lambda x: Cube.apply(x, weight), 3, 4) == (2 * 3 * 4 * 5, 2 * 12)


@pytest.mark.parametrize("backend", backends_for("cpu"))
def test_a_kan_layer_counts_the_same_whatever_backend_is_in_use(backend):
    layer, n, m, functions, rows = KANLinear(7, 3, BSpline(5), base=None), 7, 3, 8, 10
    with use_backend(backend), torch.no_grad():
        matmul, elementwise = flops(layer, rows, n)
    assert matmul == 2 * rows * n * functions * m
    assert elementwise > rows * n * functions


def test_convolutions_of_functions_are_products_with_all_functions_and_the_base():
    model = create_model("conv_kan", widths=(3, 4), padding=1, basis=Chebyshev(4)).eval()
    numbers = 5 + 1
    expected = 2 * numbers * (28**2 * 9 * 1 * 3 + 14**2 * 9 * 3 * 4 + 4 * 7**2 * 10)
    with torch.no_grad():
        assert flops(model, 1, 1, 28, 28)[0] == expected


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("name", ["vit_micro", "kat_micro"])
def test_a_transformer_counts_its_attention(name, grad):
    model = create_model(name, num_classes=10).eval()
    width, patches, depth = 64, 64, 6
    tokens = patches + 1
    block = 2 * tokens * width * (3 * width + width + 8 * width) + 4 * tokens**2 * width
    with torch.set_grad_enabled(grad):
        matmul, _ = flops(model, 1, 3, 32, 32)
    assert matmul == 2 * patches * 3 * 4 * 4 * width + depth * block + 2 * width * 10


@pytest.mark.parametrize("grad", [True, False])
def test_the_fused_paths_of_torch_hide_nothing(grad):
    """A layer of width 32 and 64 on 10 tokens: four projections, two products of attention, two of the perceptron."""
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True).eval()
    with torch.set_grad_enabled(grad):
        matmul, elementwise = flops(layer, 1, 10, 32)
    assert matmul == 2 * 10 * 32 * 32 * 4 + 2 * 2 * 10 * 10 * 32 + 2 * 2 * 10 * 32 * 64
    assert elementwise >= 5 * 4 * 10 * 10
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize(
    "model", [nn.PReLU(), nn.Hardswish(), nn.GLU(), nn.Upsample(scale_factor=2, mode="bicubic")], ids=str
)
def test_what_is_in_no_table_is_counted_by_what_it_is_made_of(model):
    matmul, elementwise = flops(model, 2, 4, 8, 8)
    assert matmul == 0
    assert elementwise >= 256


def test_a_product_of_a_matrix_and_a_vector_counts():
    assert flops(lambda x: x @ torch.ones(7), 5, 7)[0] == 2 * 5 * 7


def test_what_is_not_known_is_warned_of():
    with pytest.warns(UserWarning, match=r"aten._cdist_forward computes is not known here"):
        count_flops(lambda x: torch.cdist(x, x + 1, p=1), torch.rand(4, 3))
