import io
import pickle
from itertools import combinations

import numpy as np
import pytest
import sympy
import torch
from matplotlib import pyplot
from matplotlib.collections import EllipseCollection, LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from edgewise._ground.errors import ConfigError, NonFiniteError
from edgewise.kan import KAN
from edgewise.kan.interpret.curves import edge_curve
from edgewise.kan.interpret.plot import plot, plot_edge
from edgewise.kan.interpret.scores import attribute

RED, PURPLE = (0.82, 0.14, 0.18), (0.51, 0.31, 0.79)


def drawn(figure):
    """Boxes, the curves in them, and the lines below and above them, in order."""
    kinds = figure.axes[0].collections
    (boxes,) = (c for c in kinds if isinstance(c, PolyCollection))
    lines = [c for c in kinds if isinstance(c, LineCollection)]
    wires, curves = (next(c for c in lines if len(c.get_segments()) == n * len(boxes.get_paths())) for n in (2, 1))
    below, above = np.split(np.array(wires.get_segments()), 2)
    return boxes, curves, below, above


def corners(figure):
    return np.array([[p.vertices.min(0), p.vertices.max(0)] for p in drawn(figure)[0].get_paths()]).reshape(-1, 2, 2)


def nodes(figure, radius):
    """Centres of the circles of that size."""
    circles = [c for c in figure.axes[0].collections if isinstance(c, EllipseCollection)]
    return np.concatenate(
        [c.get_offsets() for c in circles if len(c.get_offsets()) and np.isclose(c.get_widths()[0], radius)]
    )


def rows(inputs, count=60):
    return 2 * torch.rand(count, inputs) - 1


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def ones(model):
    return [torch.ones(layer.mask.shape) for layer in model]


def test_curves_are_the_functions_over_the_range_of_their_inputs():
    model, x = KAN([2, 3, 2]).double(), rows(2).double()
    _, curves, _, _ = drawn(plot(model, x, scores=ones(model)))
    curves = iter(curves.get_segments())
    for layer, inputs in zip(model, model.trace(x).inputs, strict=True):
        for into in range(layer.in_features):
            for out in range(layer.out_features):
                lo, hi = inputs[:, into].min(), inputs[:, into].max()
                t = torch.linspace(lo.item(), hi.item(), 101, dtype=torch.float64)
                y = edge_curve(layer, out, into, t).detach().numpy()
                place = next(curves)
                for found, expected in zip(place.T, (t.numpy(), y), strict=True):
                    np.testing.assert_allclose(
                        (found - found.min()) / np.ptp(found), (expected - expected.min()) / np.ptp(expected), atol=1e-9
                    )


@pytest.mark.parametrize(
    "width", [[2, 5, 1], [4, 10, 10, 1], [10, 16, 2], [3, [2, 2], 1], [1, 1], [40, 2], [2, 40, 1], [9, 50]]
)
def test_boxes_have_room_of_their_own_inside_the_picture(width):
    model = KAN(width)
    figure = plot(
        model, rows(width[0]), scores=ones(model), title="a title", names=[f"input number {i}" for i in range(width[0])]
    )
    boxes = corners(figure)
    lo, hi = boxes.swapaxes(0, 1)
    apart = (lo[:, None] > hi[None] + 0.01).any(-1)
    assert (apart | apart.T | np.eye(len(boxes), dtype=bool)).all()
    limits = figure.axes[0].axis()
    assert limits[0] < lo[:, 0].min()
    assert hi[:, 0].max() < limits[1]
    renderer = figure.canvas.get_renderer()
    written = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    assert all(
        figure.bbox.x0 <= w.x0 and w.x1 <= figure.bbox.x1 and figure.bbox.y0 <= w.y0 and w.y1 <= figure.bbox.y1
        for w in written
    )
    assert not any(a.overlaps(b) for a, b in combinations(written, 2))
    places = np.array([[w.x0, w.y0, w.x1, w.y1] for w in written]).reshape(-1, 2, 2)
    places = figure.axes[0].transData.inverted().transform(places.reshape(-1, 2)).reshape(-1, 2, 2)
    assert (places[:, 0, 1] > hi[:, 1].max()).any()  # title and outputs above, inputs below
    assert ((places[:, 1, 1] < lo[:, 1].min()) | (places[:, 0, 1] > hi[:, 1].max())).all()


@pytest.mark.parametrize("width", [[3, 4, 2], [8, 9, 1]])
def test_lines_lead_from_node_to_box_to_node(width):
    model = KAN(width)
    figure = plot(model, rows(width[0]), scores=ones(model))
    _, _, below, above = drawn(figure)
    boxes, dots, sums = corners(figure), nodes(figure, 0.085), nodes(figure, 0.17)
    levels = [dots, sums[: width[1]], sums[width[1] :]]
    pairs = [(level, into, out) for level in (0, 1) for into in range(width[level]) for out in range(width[level + 1])]
    for (level, into, out), low, high, box in zip(pairs, below, above, boxes, strict=True):
        middle = box[:, 0].mean()
        np.testing.assert_allclose(low[[0, -1]], [[middle, box[0, 1]], levels[level][into]], atol=1e-9)
        np.testing.assert_allclose(high[[0, -1]], [[middle, box[1, 1]], levels[level + 1][out]], atol=1e-9)


def test_lines_pass_between_the_boxes_of_two_rows():
    model = KAN([8, 9, 1])
    figure = plot(model, rows(8), scores=ones(model))
    _, _, below, above = drawn(figure)
    boxes = corners(figure)
    assert len(np.unique(boxes[:72, 0, 1].round(6))) == 2
    for line in np.concatenate([below[:72], above[:72]]):
        steps = line[0] + np.linspace(0, 1, 50)[:, None] * (line[1] - line[0])
        inside = (steps[:, None] > boxes[None, :, 0] + 1e-6) & (steps[:, None] < boxes[None, :, 1] - 1e-6)
        assert not inside.all(-1).any()


def test_opacity_follows_the_score():
    model = KAN([2, 2, 1])
    scores = [torch.tensor([[0.1, 0.2], [0.3, 0.05]]), torch.tensor([[1.0, 0.4]])]
    expected = np.tanh(2 * np.array([0.1, 0.3, 0.2, 0.05, 1.0, 0.4]))
    boxes, curves, _, _ = drawn(plot(model, rows(2), scores=scores, beta=2))
    np.testing.assert_allclose(curves.get_colors()[:, 3], expected, atol=1e-7)
    np.testing.assert_allclose(boxes.get_edgecolors()[:, 3], expected, atol=1e-7)


def test_scores_are_those_of_attribution_by_default():
    model, x = KAN([2, 3, 1]), rows(2)
    scores = attribute(model, x).edge_scores
    found = [drawn(plot(model, x, **options))[1].get_colors() for options in ({}, {"scores": scores})]
    np.testing.assert_array_equal(*found)
    assert found[0][:, 3].std() > 0.05


def test_edges_are_coloured_by_kind_named_and_left_out_where_cut():
    model = KAN([2, 2])
    model.fix_symbolic(0, 0, 0, "x^2")
    model.fix_symbolic(0, 1, 0, "gaussian")
    model[0].set_mask(torch.tensor([[False, True], [True, False]]))
    figure = plot(model, rows(2), scores=ones(model))
    colours = drawn(figure)[1].get_colors()[:, :3]  # by input: symbolic, numeric, both
    np.testing.assert_allclose(colours, [RED, to_rgb("#1f2429"), PURPLE], atol=0.01)
    assert texts(figure) == ["$x^{2}$", "gaussian", "$x_1$", "$x_2$", "$y_1$", "$y_2$"]


def test_a_network_without_edges_is_drawn():
    model = KAN([2, 2, 1])
    for layer in model:
        layer.set_mask(torch.zeros_like(layer.mask))
    figure = plot(model, rows(2), samples=True)
    assert not drawn(figure)[0].get_paths()
    figure.savefig(io.BytesIO(), format="svg")


def test_nodes_without_edges_that_are_seen_are_grey():
    model = KAN([3, 2, 1])
    model[0].set_mask(torch.tensor([[True, False, True], [False, False, True]]))
    scores = [torch.tensor([[1.0, 1.0, 0.001], [1.0, 1.0, 0.002]]), torch.tensor([[1.0, 0.0]])]
    figure = plot(model, rows(3), scores=scores)
    circles = [c.get_edgecolors()[:, :3] for c in figure.axes[0].collections if isinstance(c, EllipseCollection)]
    dark = [[bool(colour.mean() < 0.2) for colour in colours] for colours in circles]
    assert dark == [[True, False, False], [True, False], [True]]


def test_the_places_of_edges_do_not_depend_on_their_scores():
    model, x = KAN([2, 3, 1]), rows(2)
    figures = [plot(model, x, scores=s) for s in (ones(model), [torch.zeros(3, 2), torch.tensor([[0.0, 1.0, 0.0]])])]
    np.testing.assert_array_equal(*map(corners, figures))


def test_the_strongest_edges_and_how_many_are_hidden():
    model = KAN([4, 5, 1])
    scores = [torch.rand(5, 4), torch.rand(1, 5)]
    figure = plot(model, rows(4), scores=scores, top=3)
    best = np.concatenate([np.sort(s.numpy().ravel())[-3:] for s in scores])
    np.testing.assert_allclose(np.sort(drawn(figure)[1].get_colors()[:, 3]), np.sort(np.tanh(3 * best)), atol=1e-6)
    assert "top 3 edges of each layer, 19 edges hidden" in texts(figure)


def test_nothing_is_said_where_nothing_is_hidden():
    model = KAN([2, 1])
    assert texts(plot(model, rows(2), scores=ones(model), top=2)) == ["$x_1$", "$x_2$", "$y_1$"]


def test_cut_edges_are_not_among_the_strongest():
    model = KAN([3, 1])
    model[0].set_mask(torch.tensor([[True, False, True]]))
    figure = plot(model, rows(3), scores=[torch.tensor([[0.1, 5.0, 0.2]])], top=2)
    np.testing.assert_allclose(drawn(figure)[1].get_colors()[:, 3], np.tanh([0.3, 0.6]), atol=1e-6)


def test_products_join_their_factors():
    model = KAN([3, [1, [2, 3]], 1])
    figure = plot(model, rows(3), scores=ones(model))
    circles, dots = nodes(figure, 0.17), nodes(figure, 0.085)
    heights, counts = np.unique(circles[:, 1].round(6), return_counts=True)
    assert counts.tolist() == [6, 2, 1]  # sums, products, output
    sums, products = (circles[np.isclose(circles[:, 1], height)] for height in heights[:2])
    np.testing.assert_allclose(products[:, 0], [sums[1:3, 0].mean(), sums[3:6, 0].mean()])
    joins = [np.array(c.get_segments()) for c in figure.axes[0].collections if isinstance(c, LineCollection)]
    (joins,) = (j for j in joins if j.shape[:2] == (6, 2))
    np.testing.assert_allclose(joins[:, 0], sums, atol=1e-9)
    np.testing.assert_allclose(joins[:, 1], np.concatenate([dots[-1:], products[[0, 0, 1, 1, 1]]]), atol=1e-9)


def test_samples_lie_on_the_curves():
    model, x = KAN([1, 1]).double(), rows(1).double()
    figure = plot(model, x, samples=True)
    dots = max((c for c in figure.axes[0].collections), key=lambda c: len(c.get_offsets())).get_offsets()
    (curve,) = drawn(figure)[1].get_segments()
    assert len(dots) == 60
    np.testing.assert_allclose(dots[:, 1], np.interp(dots[:, 0], *curve.T), atol=1e-3)


def test_names():
    a, b = sympy.symbols("alpha beta")
    figure = plot(KAN([2, 2]), rows(2), names=[a / b, "price in $"], out_names=["up", a], title="names")
    assert texts(figure) == [r"$\frac{\alpha}{\beta}$", "price in $", "up", r"$\alpha$", "names"]


def test_names_are_those_of_the_columns_that_the_network_looks_at():
    model, x = KAN([2, 1], inputs=[3, 1]), rows(4)
    assert texts(plot(model, x)) == ["$x_4$", "$x_2$", "$y_1$"]
    assert texts(plot(model, x, names=list("abcd"))) == ["d", "b", "$y_1$"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["a"]}, r"names must be 2 names, one for each column of x, got \['a'\]"),
        ({"names": "ab"}, "names must be 2 names"),
        ({"out_names": ["a", "b"]}, "out_names must be 1 names, one for each column of y"),
        ({"top": 0}, "top at least 1, got beta=3.0 and top=0"),
        ({"beta": 0.0}, "beta must be above 0"),
        ({"beta": float("nan")}, "beta must be above 0"),
        (
            {"scores": [torch.ones(3, 2)]},
            r"shapes \[\(3, 2\), \(1, 3\)\], one \(subnodes, inputs\) for each layer, got \[\(3, 2\)\]",
        ),
        ({"scores": [torch.ones(2, 3), torch.ones(1, 3)]}, r"got \[\(2, 3\), \(1, 3\)\]"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        plot(KAN([2, 3, 1]), rows(2), **options)


@pytest.mark.parametrize("draw", [plot, lambda model, x: plot_edge(model, x, 0, 0, 0)])
def test_samples_that_cannot_be_drawn_on_are_refused(draw):
    with pytest.raises(ConfigError, match="rows of the 2 inputs"):
        draw(KAN([2, 1]), rows(3))
    with pytest.raises(NonFiniteError, match="row 1 of x is not finite in input 0"):
        draw(KAN([2, 1]), torch.tensor([[0, 0], [torch.nan, 0]]))


@pytest.mark.parametrize(
    "x", [torch.zeros(1, 2), torch.full((9, 2), 3.0), torch.full((2, 2), 1e8)], ids=["one", "same", "big"]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_inputs_without_range_are_drawn(x, dtype):
    model = KAN([2, 2, 1]).to(dtype)
    figure = plot(model, x, samples=True)
    curves = np.array(drawn(figure)[1].get_segments())
    assert np.isfinite(curves).all()
    assert (drawn(figure)[1].get_colors()[:, 3] == 1).all()
    assert plot_edge(model, x, 1, 1, 0).axes[0].lines
    figure.savefig(io.BytesIO(), format="png")


def test_a_constant_edge_is_a_level_line_in_the_middle_of_its_box():
    model = KAN([1, 1])
    model.fix_symbolic(0, 0, 0, "x", (1.0, 0.0, 0.0, 7.0))
    figure = plot(model, rows(1))
    (curve,), (box,) = drawn(figure)[1].get_segments(), corners(figure)
    np.testing.assert_allclose(curve[:, 1], box[:, 1].mean(), atol=1e-6)


def test_an_edge_that_is_not_defined_everywhere_is_drawn_where_it_is():
    model, x = KAN([1, 1, 1]), rows(1)
    model.fix_symbolic(0, 0, 0, "log")
    figure = plot(model, x, scores=[torch.full((1, 1), torch.nan), torch.ones(1, 1)], samples=True)
    curve = drawn(figure)[1].get_paths()[0].vertices
    assert np.isnan(curve[:40, 1]).all()
    assert np.isfinite(curve[-40:, 1]).all()
    for kind in ("png", "svg", "pdf"):
        figure.savefig(io.BytesIO(), format=kind)
    assert plot_edge(model, x, 1, 0, 0).axes[0].lines


def test_draws_in_axes_given():
    figure = Figure()
    left, right = figure.subplots(1, 2)
    model = KAN([2, 1])
    assert plot(model, rows(2), ax=left) is figure
    assert plot_edge(model, rows(2), 0, 1, 0, ax=right) is figure
    assert left.collections
    assert right.lines


def test_a_model_is_left_as_it_is_and_so_is_the_rest():
    model, x = KAN([2, 3, 1]), rows(2)
    before, state = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    plot(model, x, samples=True)
    plot_edge(model, x, 0, 0, 0)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in model.parameters())
    assert pyplot.get_fignums() == []


def test_a_wide_network_takes_no_more_artists_than_a_small_one():
    small, wide = (plot(KAN(width), rows(width[0])).axes for width in ([2, 2, 1], [10, 20, 10]))
    assert len(small) == len(wide) == 1
    assert len(small[0].get_children()) + 8 + 9 == len(wide[0].get_children())  # names of inputs and outputs
    assert not wide[0].images


@pytest.mark.parametrize(("kind", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_saved(tmp_path, kind, start):
    path = tmp_path / f"kan.{kind}"
    plot(KAN([2, 5, 1]), rows(2), title="saved", samples=True).savefig(path)
    assert path.read_bytes().startswith(start)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_shown_in_notebooks_and_pickled():
    figure = plot(KAN([2, 1]), rows(2))
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert pickle.loads(pickle.dumps(figure))._repr_png_() == figure._repr_png_()


def test_close_up_shows_function_knots_and_domain():
    model, x = KAN([2, 3, 1], grid=4).double(), 1.5 * rows(2).double()
    (ax,) = plot_edge(model, x, 0, 1, 2).axes
    curve = ax.lines[1]
    expected = edge_curve(model[0], 2, 1, torch.tensor(curve.get_xdata())).detach()
    np.testing.assert_allclose(curve.get_ydata(), expected)
    np.testing.assert_allclose(ax.get_xticks(minor=True), [-1, -0.5, 0, 0.5, 1], atol=1e-12)
    shades = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in ax.patches]
    lo, hi = ax.get_xlim()
    np.testing.assert_allclose(shades, [(lo, -1), (1, hi)], atol=1e-12)
    assert lo < x[:, 1].min()
    assert hi > x[:, 1].max()
    dots = ax.lines[2]
    np.testing.assert_allclose(dots.get_xdata(), x[:, 1])
    np.testing.assert_allclose(dots.get_ydata(), edge_curve(model[0], 2, 1, x[:, 1]).detach())
    assert ax.get_title("left") == "layer 0, input 1 to subnode 2"


def test_close_up_names_the_formula():
    model = KAN([2, 3, 1])
    model.fix_symbolic(0, 0, 1, "sin", (3.14159265, -0.5, 2.0, 1e-7))
    title = "layer 0, input 0 to subnode 1\nc f(a x + b) + d with f = sin, a = 3.142, b = -0.5, c = 2, d = 1e-07"
    assert plot_edge(model, rows(2), 0, 0, 1).axes[0].get_title("left") == title
    assert plot_edge(model, rows(2), 0, 0, 1).axes[0].lines[1].get_color() == pytest.approx(RED)
    model[0].set_mask(torch.ones(3, 2, dtype=torch.bool))
    assert "a spline + c f(a x + b) + d with" in plot_edge(model, rows(2), 0, 0, 1).axes[0].get_title("left")
    model[0].set_mask(torch.zeros(3, 2, dtype=torch.bool))
    assert plot_edge(model, rows(2), 0, 1, 1).axes[0].get_title("left").endswith("\ncut")


@pytest.mark.parametrize(
    ("edge", "message"),
    [
        ((2, 0, 0), "layers 0 to 1, and no layer 2"),
        ((-1, 0, 0), "no layer -1"),
        ((0, 2, 0), "no edge from input 2 to subnode 0"),
    ],
)
def test_close_up_of_an_edge_that_is_not_there(edge, message):
    with pytest.raises(ConfigError, match=message):
        plot_edge(KAN([2, 3, 1]), rows(2), *edge)
