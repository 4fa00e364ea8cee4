"""Borrowed attention against a student that attends so by itself; and trained by a name of its own."""

import copy

import pytest
import torch

from edgewise._ground.errors import ConfigError
from edgewise.models import AttentionTransfer, Pictures, create_model, register_model
from edgewise.models.attention_transfer import BorrowedAttention
from edgewise.models.registry import MODELS, config_of, find_config
from edgewise.models.written_out import written_out
from edgewise.testing import ModelContract

pytest.importorskip("timm")
X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def transfer(student="vit_micro", teacher="vit_micro", **options):
    torch.manual_seed(0)
    return AttentionTransfer(create_model(student), create_model(teacher, **options))


def test_with_itself_as_the_teacher_a_network_is_itself():
    model = transfer()
    plain = create_model("vit_micro")
    plain.load_state_dict(model.teacher.state_dict())
    model.student.load_state_dict(model.teacher.state_dict())  # the parts have kept their names
    torch.testing.assert_close(model(X), plain(X))


def test_a_teacher_with_learned_functions_is_followed():
    model = transfer(teacher="vit_micro_karat")
    learned = copy.deepcopy(model.teacher)
    shared = {k: v for k, v in model.student.state_dict().items() if k in learned.state_dict()}
    model.teacher.load_state_dict(shared, strict=False)
    torch.testing.assert_close(model(X), model.teacher(X), rtol=1e-4, atol=1e-5)


def test_values_learn_and_queries_keys_and_teacher_do_not():
    model = transfer()
    model(X).square().mean().backward()
    assert all(p.grad is None for p in model.teacher.parameters())
    gradient = model.student.blocks[0].attn.qkv.weight.grad
    assert gradient[:128].count_nonzero() == 0
    assert gradient[128:].count_nonzero() > 0


def test_the_teacher_stays_in_evaluation_mode():
    model = transfer(drop_path=0.5)
    assert model.train().student.training
    assert not model.teacher.training


def test_a_copy_borrows_from_its_own_teacher():
    model = transfer()
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.teacher.blocks[0].attn.qkv.weight.mul_(3)
    before = model(X)
    assert not torch.allclose(twin(X), before)
    torch.testing.assert_close(model(X), before)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"teacher": "cnn"}, "has no attention"),
        ({"student": "vit_micro_karat"}, "must be timm's plain one"),
        ({"teacher": "vit_tiny"}, "2 heads|heads and the teacher's"),
    ],
)
def test_what_does_not_fit_is_refused(options, words):
    with pytest.raises(ConfigError, match=words):
        transfer(**options)


def test_a_gate_of_the_student_opens_and_shuts():
    source = pytest.importorskip("timm.layers.attention").Attention(16, num_heads=2, gated=True).eval()
    tokens = torch.randn(3, 5, 16)
    expected, rows = source(tokens), written_out(source, tokens).rows
    borrower = BorrowedAttention(source)
    borrower.rows = rows
    torch.testing.assert_close(borrower(tokens), expected)


def test_a_student_without_a_teacher_is_told_so():
    with pytest.raises(ConfigError, match="no teacher has lent its rows"):
        transfer().student(X)


def test_other_patches_are_refused_when_pictures_come():
    with pytest.raises(ConfigError, match="equal heads, patches and image size"):
        transfer(patch_size=8)(X)


def copying(num_classes: int = 10, in_channels: int = 3, image_size: int = 32):
    """As docs/attention.md has it, of small networks."""
    sizes = {"num_classes": num_classes, "in_channels": in_channels, "image_size": image_size, "patch_size": 8}
    return AttentionTransfer(create_model("vit_micro", **sizes), create_model("vit_micro_karat", **sizes, rank=2))


@pytest.fixture(scope="module", autouse=True)
def _registered():
    register_model("copying", takes=Pictures(side="image_size"))(copying)
    yield
    MODELS.unregister("copying")


class TestByAName(ModelContract):
    name, options = "copying", {"num_classes": 3, "image_size": 16}
    refused = {(24, 16): "got shape"}  # noqa: RUF012


def test_neither_part_passes_for_the_whole():
    model = create_model("copying", image_size=16)
    assert config_of(model)["name"] == "copying"
    assert find_config(model.student) is None  # which attends by itself no longer
    assert config_of(model.teacher)["name"] == "vit_micro_karat"
