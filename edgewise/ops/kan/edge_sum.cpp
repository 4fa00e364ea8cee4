// The operators that PyTorch sees: checks, dtypes, gradients. The arithmetic is in the headers.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "backward.h"
#include "native/operands.h"

namespace edgewise {
namespace {

using Four = std::tuple<Tensor, Tensor, Tensor, Tensor>;

// Base weights and scales have their outputs first, the kernels want them last.
Tensor outputs_last(const Maybe& t, at::ScalarType dtype) {
  return given(t) ? t->to(dtype).movedim(0, -1).contiguous() : Tensor();
}

// x (images, channels, pixels), or for a fully connected layer without the pixels, which then are one; coef likewise.
void check(const Tensor& x, const Tensor& coef, const Maybe& base, const Maybe& scale, const Maybe& knots,
           const Maybe& source, const Maybe& meets, const Settings& s) {
  check_kind(x, {coef, base, scale, knots}, {source, meets});
  TORCH_CHECK_VALUE((x.dim() == 3 && coef.dim() == 4) || (x.dim() == 2 && coef.dim() == 3),
                    "x must be (images, channels, pixels) and coef (channels, functions, taps, outputs), or both without "
                    "pixels and taps, got ", x.sizes(), " and ", coef.sizes());
  check_functions(knots, x.size(1), s);
  const bool flat = x.dim() == 2;
  const auto channels = coef.size(0), taps = flat ? 1 : coef.size(2), outputs = coef.size(-1), pixels = flat ? 1 : x.size(2);
  TORCH_CHECK_VALUE(s.groups >= 1 && x.size(1) == s.groups * channels && outputs % s.groups == 0 &&
                        coef.size(1) == s.grid + s.degree,
                    "x ", x.sizes(), ", coef ", coef.sizes(), ", groups ", s.groups, " and a grid of ", s.grid,
                    " of degree ", s.degree, " do not belong together");
  for (const auto& t : {base, scale})
    TORCH_CHECK_VALUE(!given(t) || t->sizes() == at::IntArrayRef({outputs, channels, taps}).slice(0, x.dim()),
                      "base weights and scales must be (outputs, channels, taps), got ", t->sizes());
  check_tables(source, meets, taps, pixels, s.rows);
}

Geometry geometry(const Tensor& x, const Tensor& coef, const Maybe& source, const Maybe& meets, const Settings& s) {
  const bool flat = x.dim() == 2;
  return {x.size(0),    flat ? 1 : x.size(2),       given(source) ? source->size(0) : 1, s.rows, flat ? 1 : coef.size(2), s.groups,
          coef.size(0), coef.size(-1) / s.groups, table(source), table(meets)};
}

int64_t pixel_stride(const Tensor& x) { return x.dim() > 2 ? x.stride(2) : 0; }

// Tensors in the type of the arithmetic, and their pointers.
template <typename T>
struct Operands {
  Tensor x, coef, base, scale;
  Geometry g;
  Functions<T> functions;

  Operands(const Tensor& x_, const Tensor& coef_, const Maybe& base_, const Maybe& scale_, const Maybe& knots,
           const Maybe& source, const Maybe& meets, const Settings& s)
      : g(geometry(x_, coef_, source, meets, s)), functions(knots, x_.size(1), s, given(base_)) {
    constexpr auto dtype = c10::CppTypeToScalarType<T>::value;
    x = x_.to(dtype), coef = dense(coef_, dtype);
    base = outputs_last(base_, dtype), scale = outputs_last(scale_, dtype);
  }

  Inputs<T> inputs() const { return {data<T>(x), x.stride(0), x.stride(1), pixel_stride(x)}; }
  Weights<T> weights() const { return {data<T>(coef), data<T>(base), data<T>(scale)}; }
};

template <typename T>
Tensor run_forward(const Tensor& x, const Tensor& coef, const Maybe& base, const Maybe& scale, const Maybe& knots,
                   const Maybe& source, const Maybe& meets, const Settings& s) {
  const Operands<T> in(x, coef, base, scale, knots, source, meets, s);
  Tensor y = at::empty({in.g.images * in.g.rows, coef.size(-1)}, in.x.options());
  if (y.numel())
    for_degree(s.degree, [&](auto k) { Forward<T, k.value>(in.functions.spline, in.g, in.inputs(), in.weights(), writable<T>(y)).run(); });
  return y.to(x.scalar_type());
}

template <typename T>
Four run_backward(const Tensor& grad, const Tensor& x, const Tensor& coef, const Maybe& base, const Maybe& scale,
                  const Maybe& knots, const Maybe& source, const Maybe& meets, const Settings& s, bool wants_input) {
  const Operands<T> in(x, coef, base, scale, knots, source, meets, s);
  const Tensor g = dense(grad, c10::CppTypeToScalarType<T>::value), none = at::empty({0}, in.x.options());
  const auto like = [&](const Tensor& t) { return t.defined() ? at::zeros_like(t) : none; };
  const bool some = g.numel() > 0;
  Tensor dx = wants_input ? at::zeros_like(in.x) : none, dbase = like(in.base), dscale = like(in.scale);
  Tensor dcoef = some ? at::empty_like(in.coef) : at::zeros_like(in.coef);
  if (some) {
    const auto stride = [&](int i) { return wants_input ? dx.stride(i) : 0; };
    const Gradients<T> out{writable<T>(dx), writable<T>(dcoef), writable<T>(dbase), writable<T>(dscale),
                           stride(0),       stride(1),          wants_input ? pixel_stride(dx) : 0};
    for_degree(s.degree, [&](auto k) {
      Backward<T, k.value>(in.functions.spline, in.g, in.inputs(), in.weights(), data<T>(g), out).run();
    });
  }
  const auto as_given = [&](const Tensor& t) { return t.to(x.scalar_type()); };
  const auto outputs_first = [&](const Tensor& t) { return t.dim() > 1 ? t.movedim(-1, 0).contiguous() : t; };
  return {as_given(dx), as_given(dcoef), as_given(outputs_first(dbase)), as_given(outputs_first(dscale))};
}

#define SETTINGS int64_t rows, int64_t groups, int64_t grid, int64_t degree, double lo, double hi, int64_t outside, int64_t base_function, bool grad_free
#define GIVEN rows, groups, grid, degree, lo, hi, outside, base_function, grad_free

Tensor edge_sum(const Tensor& x, const Tensor& coef, const Maybe& base, const Maybe& scale, const Maybe& knots,
                const Maybe& source, const Maybe& meets, SETTINGS) {
  const Settings s{GIVEN};
  check(x, coef, base, scale, knots, source, meets, s);
  const auto run = x.scalar_type() == at::kDouble ? run_forward<double> : run_forward<float>;
  return run(x, coef, base, scale, knots, source, meets, s);
}

Four edge_sum_backward(const Tensor& grad, const Tensor& x, const Tensor& coef, const Maybe& base, const Maybe& scale,
                       const Maybe& knots, const Maybe& source, const Maybe& meets, SETTINGS, bool wants_input) {
  const Settings s{GIVEN};
  check(x, coef, base, scale, knots, source, meets, s);
  TORCH_CHECK_VALUE(grad.sizes() == at::IntArrayRef({x.size(0) * rows, coef.size(-1)}) && grad.scalar_type() == x.scalar_type(),
                    "the gradient must be ", x.size(0) * rows, " x ", coef.size(-1), " in ", x.scalar_type(), ", got ", grad.sizes(), " in ",
                    grad.scalar_type());
  const auto run = x.scalar_type() == at::kDouble ? run_backward<double> : run_backward<float>;
  return run(grad, x, coef, base, scale, knots, source, meets, s, wants_input);
}

void set_tangents(const Four& of, const Four& tangents) {
  const auto set = [](const Tensor& t, const Tensor& tangent) { if (t.numel()) t._set_fw_grad(tangent, 0, false); };
  set(std::get<0>(of), std::get<0>(tangents)), set(std::get<1>(of), std::get<1>(tangents));
  set(std::get<2>(of), std::get<2>(tangents)), set(std::get<3>(of), std::get<3>(tangents));
}

// Saves what it was given, and nothing else. Its backward is an operator too, which has a derivative of its own.
class EdgeSum : public torch::autograd::Function<EdgeSum> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* ctx, const Tensor& x, const Tensor& coef, const Maybe& base,
                        const Maybe& scale, const Maybe& knots, const Maybe& source, const Maybe& meets, SETTINGS) {
    static const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("edgewise::edge_sum", "").typed<decltype(edge_sum)>();
    const auto or_none = [](const Maybe& t) { return t.value_or(Tensor()); };
    ctx->save_for_backward({x, coef, or_none(base), or_none(scale), or_none(knots)});
    // constants of a geometry, kept once for all layers that have it: nothing is saved by holding them
    ctx->saved_data["source"] = source, ctx->saved_data["meets"] = meets;
    ctx->saved_data["counts"] = std::vector<int64_t>{rows, groups, grid, degree, outside, base_function, grad_free};
    ctx->saved_data["domain"] = std::vector<double>{lo, hi};
    at::AutoDispatchBelowADInplaceOrView below;
    return op.call(x, coef, base, scale, knots, source, meets, GIVEN);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx, torch::autograd::variable_list grads) {
    static const auto op =
        c10::Dispatcher::singleton().findSchemaOrThrow("edgewise::edge_sum_backward", "").typed<decltype(edge_sum_backward)>();
    const auto saved = ctx->get_saved_variables();
    const auto counts = ctx->saved_data["counts"].toIntVector();
    const auto domain = ctx->saved_data["domain"].toDoubleVector();
    const auto maybe = [&](int i) { return saved[i].defined() ? Maybe(saved[i]) : Maybe(); };
    const auto held = [&](const char* name) { return ctx->saved_data[name].toOptional<Tensor>(); };
    const auto call = [&](const Tensor& gradient) {
      return op.call(gradient, saved[0], saved[1], maybe(2), maybe(3), maybe(4), held("source"), held("meets"), counts[0], counts[1], counts[2], counts[3],
                     domain[0], domain[1], counts[4], counts[5], counts[6], ctx->needs_input_grad(0));
    };
    const auto found = [&](const Tensor& gradient) {
      if (at::GradMode::is_enabled()) return call(gradient);
      at::AutoDispatchBelowADInplaceOrView below;
      return call(gradient);
    };
    const Tensor tangent = grads[0]._fw_grad(0);  // of a forward-mode derivative, if one is at work
    auto all = found(tangent.defined() ? grads[0]._fw_primal(0) : grads[0]);
    if (tangent.defined()) set_tangents(all, found(tangent));  // the gradients are linear in that of the sum
    const auto& [dx, dcoef, dbase, dscale] = all;
    const auto where = [](bool wanted, const Tensor& t) { return wanted ? t : Tensor(); };
    torch::autograd::variable_list result(16);
    result[0] = where(ctx->needs_input_grad(0), dx), result[1] = dcoef;
    result[2] = where(saved[2].defined(), dbase), result[3] = where(saved[3].defined(), dscale);
    return result;
  }
};

Tensor edge_sum_autograd(const Tensor& x, const Tensor& coef, const Maybe& base, const Maybe& scale, const Maybe& knots,
                         const Maybe& source, const Maybe& meets, SETTINGS) {
  return EdgeSum::apply(x, coef, base, scale, knots, source, meets, GIVEN);
}

#define OPERANDS "Tensor x, Tensor coef, Tensor? base, Tensor? scale, Tensor? knots, Tensor? source, Tensor? meets, int rows, int groups, int grid, " \
                 "int degree, float lo, float hi, int outside, int base_function, bool grad_free"

}  // namespace

TORCH_LIBRARY(edgewise, m) {
  m.def("edge_sum(" OPERANDS ") -> Tensor");
  m.def("edge_sum_backward(Tensor grad, " OPERANDS ", bool wants_input) -> (Tensor, Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(edgewise, CPU, m) {
  m.impl("edge_sum", edge_sum);
  m.impl("edge_sum_backward", edge_sum_backward);
}

TORCH_LIBRARY_IMPL(edgewise, Autograd, m) { m.impl("edge_sum", edge_sum_autograd); }

}  // namespace edgewise
