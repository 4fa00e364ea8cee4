// Attention of rank r on functions with global support: scores, functions, projector and values of one head of one image
// after another, each thread with some of them and with room of its own for one matrix of scores.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <torch/library.h>

#include "native/operands.h"
#include "native/recurrences.h"

namespace edgewise {
namespace {

#define OPERANDS \
  const Tensor &q, const Tensor &k, const Tensor &v, const Tensor &coef, const Maybe &base, const Maybe &scale, \
      const Tensor &projector, double factor, int64_t family, double lo, double hi, int64_t outside, int64_t base_function
#define PASSED q, k, v, coef, base, projector, factor, family, lo, hi, outside, base_function

void check(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& coef, const Maybe& base, const Maybe& scale, const Tensor& projector,
           int64_t family, double lo, double hi, int64_t outside, int64_t base_function) {
  check_kind(q, {k, v, coef, base, scale, projector}, {});
  TORCH_CHECK_TYPE(q.scalar_type() != at::kBFloat16, "queries must be float32 or float64");
  TORCH_CHECK_VALUE(q.dim() == 4 && k.dim() == 4 && v.dim() == 4 && coef.dim() == 4 && projector.dim() == 3, "q, k, v and coef have 4 dimensions, "
                    "the projector 3");
  const auto heads = q.size(1), keys = k.size(2), rank = coef.size(3);
  TORCH_CHECK_VALUE(k.size(0) == q.size(0) && v.size(0) == q.size(0) && k.size(1) == heads && v.size(1) == heads && v.size(2) == keys &&
                        k.size(3) == q.size(3) && coef.size(0) == heads && coef.size(1) == keys && coef.size(2) >= 1 &&
                        projector.sizes() == at::IntArrayRef({heads, keys, rank}),
                    "q ", q.sizes(), ", k ", k.sizes(), ", v ", v.sizes(), ", coef ", coef.sizes(), " and projector ", projector.sizes(),
                    " do not belong together");
  for (const auto& t : {base, scale})
    TORCH_CHECK_VALUE(!given(t) || t->sizes() == at::IntArrayRef({heads, rank, keys}), "base weights and scales must be (heads, rank, keys), got ",
                      t->sizes());
  check_recurrence(family, coef.size(2), lo, hi, outside, base_function);
}

// Weights of all heads as one product of matrices wants them, ((functions + 1) x keys, rank) each, the base branch last.
struct Packed {
  Tensor scales, scaled, weights;

  Packed(const Tensor& coef, const Maybe& base, const Maybe& scale) {
    if (given(scale)) scales = scale->transpose(1, 2).unsqueeze(2);  // (heads, keys, 1, rank)
    scaled = scales.defined() ? coef * scales : coef;
    const auto [heads, keys, functions, rank] = std::tuple(coef.size(0), coef.size(1), coef.size(2), coef.size(3));
    const Tensor dense = given(base) ? base->transpose(1, 2).unsqueeze(2) : at::zeros({heads, keys, 1, rank}, coef.options());
    weights = at::cat({scaled, dense}, 2).transpose(1, 2).contiguous().flatten(1, 2);
  }

  // Gradients of coef, base and scale (the last two empty if there are none).
  std::tuple<Tensor, Tensor, Tensor> unpack(const Tensor& gradient, const Tensor& coef, const Maybe& base) const {
    const Tensor by_key = gradient.unflatten(1, {coef.size(2) + 1, coef.size(1)}).transpose(1, 2), none = at::empty({0}, coef.options());
    const Tensor part = by_key.narrow(2, 0, coef.size(2));
    return {(scales.defined() ? part * scales : part).contiguous(),
            given(base) ? by_key.select(2, coef.size(2)).transpose(1, 2).contiguous() : none,
            scales.defined() ? (part * coef).sum(2).transpose(1, 2).contiguous() : none};
  }
};

template <typename T>
struct Heads {
  Recurrence<T> e;
  const Tensor &q, &k, &v, &projector;
  const Tensor weights;
  T factor;
  int64_t images, heads, rows, keys, width, parts;

  Heads(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& coef, const Maybe& base, const Tensor& projector, double factor,
        int64_t family, double lo, double hi, int64_t outside, int64_t base_function, const Packed& packed)
      : q(q), k(k), v(v), projector(projector), weights(packed.weights), factor(factor), images(q.size(0)), heads(q.size(1)), rows(q.size(2)),
        keys(k.size(2)), width((coef.size(2) + 1) * k.size(2)),
        parts(std::clamp<int64_t>(q.size(0) * q.size(1), 1, at::get_num_threads())) {
    e = recurrence<T>(family, coef.size(2), lo, hi, outside, given(base) ? BaseFunction(base_function) : BaseFunction::none, false);
  }

  int64_t some() const { return std::clamp<int64_t>(features_at_once / (width * sizeof(T)), 1, std::max<int64_t>(rows, 1)); }

  // visit(part, image, head): heads in the outer loop; a part is what one thread does.
  template <typename Visit>
  void each(const Visit& visit) const {
    const int64_t count = images * heads;
    at::parallel_for(0, parts, 1, [&](int64_t part, int64_t end) {
      at::NoGradGuard plain;
      for (; part < end; ++part) visit(part, count * part / parts, count * (part + 1) / parts);
    });
  }

  void score(int64_t image, int64_t head, Tensor& scores) const {
    at::mm_out(scores, q.select(0, image).select(0, head), k.select(0, image).select(0, head).t());
    scores.mul_(factor);
  }

  // The sums of functions (images, heads, rows, rank), and the mixed values (images, rows, heads, width of v).
  std::tuple<Tensor, Tensor> forward() const {
    const auto options = q.options();
    Tensor hidden = at::empty({images, heads, rows, projector.size(2)}, options), y = at::empty({images, rows, heads, v.size(3)}, options);
    each([&](int64_t, int64_t begin, int64_t end) {
      Tensor scores = at::empty({rows, keys}, options), values = at::empty({some(), width}, options);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t head = i / images, image = i % images;
        score(image, head, scores);
        Tensor sums = hidden.select(0, image).select(0, head);
        const Tensor own = weights.select(0, head);
        for (int64_t row = 0, n; row < rows; row += n) {
          n = std::min(some(), rows - row);
          features<false>(e, scores.const_data_ptr<T>() + row * keys, keys, n, keys, values.mutable_data_ptr<T>(), static_cast<T*>(nullptr));
          Tensor out = sums.narrow(0, row, n);
          at::mm_out(out, values.narrow(0, 0, n), own);
        }
        y.select(0, image).select(1, head).copy_(at::mm(sums, at::mm(projector.select(0, head).t(), v.select(0, image).select(0, head))));
      }
    });
    return {hidden, y};
  }

  // Gradients of q, k, v (tokens outside heads, as they lie in one matrix), the packed weights and the projector.
  std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> backward(const Tensor& grad, const Tensor& hidden) const {
    const auto options = q.options();
    const auto like = [&](const Tensor& t) { return at::empty({t.size(0), t.size(2), t.size(1), t.size(3)}, options).transpose(1, 2); };
    Tensor dq = like(q), dk = like(k), dv = like(v);
    std::vector<Tensor> dweights(parts), dprojector(parts);
    each([&](int64_t part, int64_t begin, int64_t end) {
      dweights[part] = at::zeros_like(weights), dprojector[part] = at::zeros_like(projector, at::MemoryFormat::Contiguous);
      Tensor scores = at::empty({rows, keys}, options), values = at::empty({some(), width}, options), rise = at::empty({some(), width}, options);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t head = i / images, image = i % images;
        const auto of = [&](const Tensor& t) { return t.select(0, image).select(0, head); };
        const Tensor own = weights.select(0, head), w = projector.select(0, head), g = of(grad);
        score(image, head, scores);
        const Tensor dhidden = at::mm(g, at::mm(of(v).t(), w)), dmixed = at::mm(of(hidden).t(), g);  // (rows, rank), (rank, width of v)
        of(dv).copy_(at::mm(w, dmixed));
        Tensor total = dprojector[part].select(0, head);
        total.addmm_(of(v), dmixed.t());
        Tensor into = dweights[part].select(0, head);
        for (int64_t row = 0, n; row < rows; row += n) {
          n = std::min(some(), rows - row);
          T *const a = scores.mutable_data_ptr<T>() + row * keys, *const f = values.mutable_data_ptr<T>(), *const s = rise.mutable_data_ptr<T>();
          features<true>(e, a, keys, n, keys, f, s);
          const Tensor above = dhidden.narrow(0, row, n);
          Tensor here = values.narrow(0, 0, n);
          into.addmm_(here.t(), above);
          at::mm_out(here, above, own.t());
          through(f, s, n, a);  // the scores of these rows are not needed any more
        }
        scores.mul_(factor);
        of(dq).copy_(at::mm(scores, of(k)));
        of(dk).copy_(at::mm(scores.t(), of(q)));
      }
    });
    for (int64_t i = 1; i < parts; ++i) dweights[0].add_(dweights[i]), dprojector[0].add_(dprojector[i]);
    return {dq, dk, dv, dweights[0], dprojector[0]};
  }

  // Gradients of scores: those of the functions' values times their slopes, summed.
  void through(const T* back, const T* slope, int64_t n, T* out) const {
    for (int64_t row = 0; row < n; ++row, back += width, slope += width, out += keys)
      for (int64_t c = 0; c < keys; c += lanes<T>) {
        const int64_t count = std::min<int64_t>(lanes<T>, keys - c);
        Vec<T> total(0);
        for (int64_t f = c; f < width; f += keys)
          total = at::vec::fmadd(Vec<T>::loadu(back + f, count), Vec<T>::loadu(slope + f, count), total);
        total.store(out + c, count);
      }
  }
};

std::tuple<Tensor, Tensor> rank_attention(OPERANDS) {
  check(q, k, v, coef, base, scale, projector, family, lo, hi, outside, base_function);
  const Packed packed(coef, base, scale);
  return q.scalar_type() == at::kDouble ? Heads<double>(PASSED, packed).forward() : Heads<float>(PASSED, packed).forward();
}

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> rank_attention_backward(const Tensor& grad, const Tensor& hidden, OPERANDS) {
  check(q, k, v, coef, base, scale, projector, family, lo, hi, outside, base_function);
  check_kind(q, {grad, hidden}, {});
  TORCH_CHECK_VALUE(grad.sizes() == at::IntArrayRef({q.size(0), q.size(1), q.size(2), v.size(3)}) &&
                        hidden.sizes() == at::IntArrayRef({q.size(0), q.size(1), q.size(2), coef.size(3)}),
                    "the gradient and the sums must fit q and v, got ", grad.sizes(), " and ", hidden.sizes());
  const Packed packed(coef, base, scale);
  const auto [dq, dk, dv, dweights, dprojector] = q.scalar_type() == at::kDouble ? Heads<double>(PASSED, packed).backward(grad, hidden)
                                                                                : Heads<float>(PASSED, packed).backward(grad, hidden);
  const auto [dcoef, dbase, dscale] = packed.unpack(dweights, coef, base);
  return {dq, dk, dv, dcoef, dbase, dscale, dprojector};
}

#define NAMED \
  "Tensor q, Tensor k, Tensor v, Tensor coef, Tensor? base, Tensor? scale, Tensor projector, float factor, int family, float lo, float hi, " \
  "int outside, int base_function"

}  // namespace

TORCH_LIBRARY_FRAGMENT(edgewise, m) {
  m.def("rank_attention(" NAMED ") -> (Tensor, Tensor)");
  m.def("rank_attention_backward(Tensor grad, Tensor hidden, " NAMED ") -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(edgewise, CPU, m) {
  m.impl("rank_attention", rank_attention);
  m.impl("rank_attention_backward", rank_attention_backward);
}

}  // namespace edgewise
