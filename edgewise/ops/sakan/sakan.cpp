// The operators of layers with shared functions; the gradients of the layers are put together from them in Python.
#include <torch/library.h>

#include "channels_first.h"
#include "depthwise.h"
#include "native/operands.h"

namespace edgewise {
namespace {

using Three = std::tuple<Tensor, Tensor, Tensor>;
using Four = std::tuple<Tensor, Tensor, Tensor, Tensor>;

#define OPERANDS \
  const Tensor &x, const Tensor &weight, const Maybe &knots, const Maybe &source, const Maybe &meets, int64_t rows, int64_t grid, \
      int64_t degree, double lo, double hi, int64_t outside
#define GIVEN x, weight, knots, source, meets, rows, grid, degree, lo, hi, outside

Settings checked(OPERANDS, int64_t groups, int64_t taps) {
  const Settings s{rows, groups, grid, degree, lo, hi, outside, 0, false};
  check_kind(x, {weight, knots}, {source, meets});
  TORCH_CHECK_VALUE(x.dim() == 3, "x must be (images, channels, pixels), got ", x.sizes());
  check_functions(knots, x.size(1), s);
  check_tables(source, meets, taps, x.size(2), rows);
  return s;
}

Geometry geometry(const Tensor& x, const Maybe& source, const Maybe& meets, const Settings& s, int64_t taps) {
  const auto padded = given(source) ? source->size(0) : x.size(2);
  return {x.size(0), x.size(2), padded, s.rows, taps, s.groups, x.size(1) / s.groups, 1, table(source), table(meets)};
}

template <typename T>
Inputs<T> inputs(const Tensor& x) { return {data<T>(x), x.stride(0), x.stride(1), x.stride(2)}; }

Settings check_mixed(OPERANDS) {
  TORCH_CHECK_VALUE(weight.dim() == 3 && x.dim() == 3 && weight.size(0) * weight.size(1) == x.size(1),
                    "mix must be (groups, channels of a group, taps), got ", weight.sizes(), " for x ", x.sizes());
  return checked(GIVEN, weight.size(0), weight.size(2));
}

template <typename T>
Tensor run_mixed(OPERANDS) {
  const Settings s = check_mixed(GIVEN);
  const Functions<T> f(knots, x.size(1), s, false);
  constexpr auto dtype = c10::CppTypeToScalarType<T>::value;
  const Tensor in = x.to(dtype), mix = dense(weight, dtype);
  Tensor sums = at::zeros({x.size(0), s.groups, grid + degree, rows}, in.options());
  const auto g = geometry(x, source, meets, s, weight.size(2));
  if (sums.numel() && x.numel())
    for_degree(degree, [&](auto k) { ChannelsFirst<T, k.value>(f.spline, g, inputs<T>(in), data<T>(mix)).forward(writable<T>(sums)); });
  return sums.to(x.scalar_type());
}

template <typename T>
Three run_mixed_backward(const Tensor& grad, OPERANDS, bool wants_input) {
  const Settings s = check_mixed(GIVEN);
  TORCH_CHECK_VALUE(grad.sizes() == at::IntArrayRef({x.size(0), s.groups, grid + degree, rows}), "the gradient must be (images, "
                    "groups, functions, rows), got ", grad.sizes());
  const Functions<T> f(knots, x.size(1), s, false);
  constexpr auto dtype = c10::CppTypeToScalarType<T>::value;
  const Tensor in = x.to(dtype), mix = dense(weight, dtype), gradient = dense(grad, dtype);
  Tensor dx = wants_input ? at::zeros_like(in) : at::empty({0}, in.options()), dmix = at::zeros_like(mix);
  Tensor sums = at::zeros_like(gradient);
  const auto g = geometry(x, source, meets, s, weight.size(2));
  if (sums.numel() && x.numel())
    for_degree(degree, [&](auto k) {
      const Inputs<T> place = wants_input ? inputs<T>(dx) : Inputs<T>{};
      ChannelsFirst<T, k.value>(f.spline, g, inputs<T>(in), data<T>(mix))
          .backward(data<T>(gradient), writable<T>(sums), writable<T>(dmix), wants_input ? writable<T>(dx) : nullptr, place);
    });
  return {dx.to(x.scalar_type()), dmix.to(x.scalar_type()), sums.to(x.scalar_type())};
}

// Depthwise: x (images, channels, pixels), weight is coef (channels, functions), mix and base (channels, taps).
Settings check_depthwise(OPERANDS, const Tensor& mix, const Maybe& base, int64_t base_function) {
  check_kind(x, {mix, base}, {});
  TORCH_CHECK_VALUE(x.dim() == 3 && weight.sizes() == at::IntArrayRef({x.size(1), grid + degree}),
                    "coef must be (channels, functions), got ", weight.sizes(), " for x ", x.sizes());
  TORCH_CHECK_VALUE(mix.dim() == 2 && mix.size(0) == x.size(1) && (!given(base) || base->sizes() == mix.sizes()),
                    "mix and base must be (channels, taps), got ", mix.sizes(), " for x ", x.sizes());
  Settings s = checked(GIVEN, 1, mix.size(1));
  TORCH_CHECK_VALUE(base_function >= 0 && base_function <= 5, "unknown base function ", base_function);
  s.base_function = base_function;
  return s;
}

template <typename T>
struct Planes {  // channels last, in the type of the arithmetic
  Tensor in, coef, mix, base;
  Functions<T> functions;
  Geometry g;

  Planes(const Tensor& x, const Tensor& coef_, const Maybe& knots, const Maybe& source, const Maybe& meets, const Tensor& mix_,
         const Maybe& base_, const Settings& s)
      : functions(knots, x.size(1), s, given(base_)), g(geometry(x, source, meets, s, mix_.size(1))) {
    constexpr auto dtype = c10::CppTypeToScalarType<T>::value;
    in = x.to(dtype).transpose(1, 2).contiguous(), coef = dense(coef_, dtype), mix = mix_.to(dtype).t().contiguous();
    if (given(base_)) base = base_->to(dtype).t().contiguous();
  }

  DepthwiseWeights<T> weights() const { return {data<T>(coef), data<T>(mix), data<T>(base)}; }
};

template <typename T>
Tensor run_depthwise(OPERANDS, const Tensor& mix, const Maybe& base, int64_t base_function) {
  const Settings s = check_depthwise(GIVEN, mix, base, base_function);
  const Planes<T> t(x, weight, knots, source, meets, mix, base, s);
  Tensor y = at::zeros({x.size(0), rows, x.size(1)}, t.in.options());
  const auto w = t.weights();
  if (y.numel())
    for_degree(degree, [&](auto k) { Depthwise<T, k.value>(t.functions.spline, t.g, data<T>(t.in), w).forward(writable<T>(y)); });
  return y.to(x.scalar_type()).transpose(1, 2);
}

template <typename T>
Four run_depthwise_backward(const Tensor& grad, OPERANDS, const Tensor& mix, const Maybe& base, int64_t base_function,
                            bool wants_input, bool through_functions) {
  const Settings s = check_depthwise(GIVEN, mix, base, base_function);
  TORCH_CHECK_VALUE(grad.sizes() == at::IntArrayRef({x.size(0), x.size(1), rows}), "the gradient must be (images, channels, rows), got ",
                    grad.sizes());
  const Planes<T> t(x, weight, knots, source, meets, mix, base, s);
  const Tensor g = grad.to(t.in.scalar_type()).transpose(1, 2).contiguous(), none = at::empty({0}, t.in.options());
  Tensor dx = wants_input ? at::zeros_like(t.in) : none, dcoef = at::zeros_like(t.coef), dmix = at::zeros_like(t.mix);
  Tensor dbase = t.base.defined() ? at::zeros_like(t.base) : none;
  const auto w = t.weights();
  if (x.numel() && g.numel())
    for_degree(degree, [&](auto k) {
      const DepthwiseGradients<T> d{writable<T>(dx), writable<T>(dcoef), writable<T>(dmix), writable<T>(dbase)};
      Depthwise<T, k.value>(t.functions.spline, t.g, data<T>(t.in), w).backward(data<T>(g), d, through_functions);
    });
  const auto as_given = [&](const Tensor& v) { return v.to(x.scalar_type()); };
  const auto channels_first = [&](const Tensor& v) { return v.dim() > 1 ? v.transpose(-1, -2) : v; };
  return {as_given(channels_first(dx)), as_given(dcoef), as_given(channels_first(dmix).contiguous()),
          as_given(channels_first(dbase).contiguous())};
}

#define IN_TYPE(name) x.scalar_type() == at::kDouble ? name<double> : name<float>
Tensor mixed(OPERANDS) { return (IN_TYPE(run_mixed))(GIVEN); }
Tensor depthwise(OPERANDS, const Tensor& mix, const Maybe& base, int64_t base_function) {
  return (IN_TYPE(run_depthwise))(GIVEN, mix, base, base_function);
}
Three mixed_backward(const Tensor& grad, OPERANDS, bool wants) { return (IN_TYPE(run_mixed_backward))(grad, GIVEN, wants); }
Four depthwise_backward(const Tensor& grad, OPERANDS, const Tensor& mix, const Maybe& base, int64_t base_function, bool wants,
                        bool through_functions) {
  return (IN_TYPE(run_depthwise_backward))(grad, GIVEN, mix, base, base_function, wants, through_functions);
}

#define NAMED \
  "Tensor x, Tensor weight, Tensor? knots, Tensor? source, Tensor? meets, int rows, int grid, int degree, float lo, float hi, " \
  "int outside"

}  // namespace

TORCH_LIBRARY_FRAGMENT(edgewise, m) {
  m.def("sakan_mixed(" NAMED ") -> Tensor");
  m.def("sakan_depthwise(" NAMED ", Tensor mix, Tensor? base, int base_function) -> Tensor");
  m.def("sakan_mixed_backward(Tensor grad, " NAMED ", bool wants_input) -> (Tensor, Tensor, Tensor)");
  m.def("sakan_depthwise_backward(Tensor grad, " NAMED ", Tensor mix, Tensor? base, int base_function, bool wants_input, "
        "bool through_functions) -> (Tensor, Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(edgewise, CPU, m) {
  m.impl("sakan_mixed", mixed);
  m.impl("sakan_depthwise", depthwise);
  m.impl("sakan_mixed_backward", mixed_backward);
  m.impl("sakan_depthwise_backward", depthwise_backward);
}

}  // namespace edgewise
