// The inputs of a channel, ordered by cell: what the passes forward and backward stream through.
#pragma once
#include "native/geometry.h"

namespace edgewise {

// The inputs of a tile, one column a channel, up to a vector of channels at a time; padding included.
template <typename T>
class Columns {
 public:
  Columns(const Geometry& g, int64_t images) : g_(g), height_(images * g.padded), values_(lanes<T> * height_) {}

  T* of(int64_t c) { return values_.data() + c * height_; }
  int64_t height(const Tile& t) const { return t.images * g_.padded; }

  void read(const Inputs<T>& x, const Tile& t, int64_t first, int64_t count) {
    if (g_.padded == 1 && !g_.source && x.channel == 1 && count == lanes<T>) {  // rows of a fully connected layer
      const T* from = x.data + t.image * x.image + first;
      T* to = values_.data();
      for (int64_t i = 0; i < t.images; ++i, from += x.image, ++to)
        each<lanes<T>>(EACH(c) { to[c * height_] = from[c]; });
      return;
    }
    each_pixel(x, t, first, [&](int64_t place, int64_t at) {
      for (int64_t c = 0; c < count; ++c) of(c)[place] = at < 0 ? T(0) : x.data[at + c * x.channel];
    });
  }

  void add_to(T* out, const Inputs<T>& x, const Tile& t, int64_t first, int64_t count) {
    if (g_.padded == 1 && !g_.source && x.channel == 1 && count == lanes<T>) {
      T* to = out + t.image * x.image + first;
      const T* from = values_.data();
      for (int64_t i = 0; i < t.images; ++i, to += x.image, ++from)
        each<lanes<T>>(EACH(c) { to[c] += from[c * height_]; });
      return;
    }
    each_pixel(x, t, first, [&](int64_t place, int64_t at) {
      for (int64_t c = 0; at >= 0 && c < count; ++c) out[at + c * x.channel] += of(c)[place];
    });
  }

 private:
  template <typename Visit>  // visit(place in the column, place in memory of the first channel)
  void each_pixel(const Inputs<T>& x, const Tile& t, int64_t first, const Visit& visit) const {
    int64_t place = 0;
    for (int64_t i = t.image; i < t.image + t.images; ++i)
      for (int64_t p = 0; p < g_.padded; ++p, ++place) {
        const int64_t source = g_.source ? g_.source[p] : p;
        visit(place, source < 0 ? -1 : i * x.image + source * x.pixel + first * x.channel);
      }
  }

  const Geometry& g_;
  int64_t height_;
  Buffer<T> values_;
};

// What belongs to one input lies `lanes` apart: degree + 1 values and the base value, then, if wanted, what slopes are made of:
// degree numbers and the slope of the base function.
template <typename T, int k, bool with_slopes>
class Sorted {
 public:
  static constexpr int64_t slopes = (k + 2) * lanes<T>, width = slopes + with_slopes * (k + 1) * lanes<T>;

  Sorted(const Spline<T>& s, const Geometry& g, int64_t images)
      : s_(s), g_(g), start_(s.cells() + 1), next_(s.cells() * ways), place_(images * g.padded), row_(g.meets ? images * g.padded : 0),
        cell_(images * g.padded + lanes<T>), x_(cell_.size()), sorted_cell_(cell_.size()),
        values_((images * g.padded / lanes<T> + 1) * width) {}

  void fill(int64_t channel, const T* column, int64_t count) {
    const Features<T> f(s_, channel, false);
    for (int64_t i = 0; i < count; i += lanes<T>)
      at::vec::convert_to_int_of_same_size(locate(s_, f, load_some(column, i, count))).store(&cell_[i]);
    order(column, count);
    for (int64_t c = 0; c < s_.cells(); ++c) std::fill(&sorted_cell_[start_[c]], &sorted_cell_[start_[c + 1]], T(c));
    for (int64_t i = 0; i < count; i += lanes<T>) put(f, i);
  }

  // From here on `row` is about what meets the inputs through this tap.
  void look_through(int64_t tap) {
    if (!g_.meets) return;  // each place is its own row
    const int64_t count = start_[s_.cells()];
    for (int64_t i = 0; i < count; ++i) {
      const int64_t image = place_[i] / g_.padded, row = g_.meets[tap * g_.padded + place_[i] % g_.padded];
      row_[i] = row < 0 ? -1 : image * g_.rows + row;
    }
  }

  int64_t start(int64_t cell) const { return start_[cell]; }
  int64_t place(int64_t i) const { return place_[i]; }
  int64_t row(int64_t i) const { return rows()[i]; }  // -1 if none
  const int32_t* rows() const { return g_.meets ? row_.data() : place_.data(); }
  const T* of(int64_t i) const { return within(values_.data(), i); }
  static const T* within(const T* values, int64_t i) {
    const uint64_t lane = uint64_t(i) % lanes<T>;
    return values + (uint64_t(i) - lane) * (width / lanes<T>) + lane;
  }
  const T* values() const { return values_.data(); }

 private:
  // A counting sort. Inputs of one cell often follow each other, and a counter is ready for the next only after some
  // cycles: so four parts of the column have counters of their own.
  void order(const T* column, int64_t count) {
    const int64_t cells = s_.cells(), part = count / ways;
    std::fill(next_.begin(), next_.end(), 0);
    int32_t* next = next_.data();
    const Int<T>* cell = cell_.data();
    for (int64_t i = 0; i < part; ++i) each<ways>(EACH(way) { ++next[cell[way * part + i] * ways + way]; });
    for (int64_t i = ways * part; i < count; ++i) ++next[cell[i] * ways + ways - 1];
    int32_t total = 0;
    for (int64_t c = 0; c < cells; ++c) {
      start_[c] = total;
      each<ways>(EACH(way) { total += std::exchange(next[c * ways + way], total); });
    }
    start_[cells] = total;
    int32_t* place = place_.data();
    T* x = x_.data();
    const auto put = [&](int64_t i, int32_t& counter) __attribute__((always_inline)) {
      const int32_t at = counter++;
      place[at] = i, x[at] = column[i];
    };
    for (int64_t i = 0; i < part; ++i) each<ways>(EACH(way) { put(way * part + i, next[cell[way * part + i] * ways + way]); });
    for (int64_t i = ways * part; i < count; ++i) put(i, next[cell[i] * ways + ways - 1]);
  }

  static Vec<T> load_some(const T* p, int64_t i, int64_t count) {
    return i + lanes<T> <= count ? Vec<T>::loadu(p + i) : Vec<T>::loadu(p + i, count - i);
  }

  void put(const Features<T>& f, int64_t i) {
    const Vec<T> x = Vec<T>::loadu(&x_[i]);
    Vec<T> value[k + 2], rise[k + 1];
    evaluate<k, with_slopes>(s_, f, x, Vec<T>::loadu(&sorted_cell_[i]), value, rise);
    base_and_slope(s_.base, x, value[k + 1], rise[k]);
    if (s_.grad_free) std::fill(rise, rise + k, Vec<T>(0));
    T* out = values_.data() + (i / lanes<T>)*width;
    each<k + 2>(EACH(j) { value[j].store(out + j * lanes<T>); });
    if constexpr (with_slopes) each<k + 1>(EACH(j) { rise[j].store(out + slopes + j * lanes<T>); });
  }

  static constexpr int ways = 4;

  const Spline<T>& s_;
  const Geometry& g_;
  std::vector<int32_t> start_, next_, place_, row_;
  Buffer<Int<T>> cell_;
  Buffer<T> x_, sorted_cell_, values_;
};

}  // namespace edgewise
