// Operations of a split model. Each runs where its layer is, or, without weights, where its input
// was computed; what it reads is brought there first.
#include <algorithm>

#include "backend/split/split_backend.h"

namespace handmill::backend {

Array& SplitBackend::reach(const Array& array, Side side, size_t first, size_t count) {
  const auto& from = static_cast<const SplitArray&>(array);
  const size_t end = first + count;
  for (size_t row = first; row < end; ++row) {
    if (from.has(side, row)) continue;
    size_t last = row + 1;
    while (last < end && !from.has(side, last)) ++last;
    const size_t values = (last - row) * array.cols();
    if (staged_.size() < values) staged_.resize(values);
    const std::span<float> rows(staged_.data(), values);
    backend(other(side)).read(from.parts.on(other(side)), row, rows);
    backend(side).write(from.parts.on(side), row, rows);
    for (; row < last; ++row) from.newest[row] |= SplitArray::bit(side);
  }
  return from.parts.on(side);
}

const Array* SplitBackend::reach_vector(const Array* array, Side side) {
  return array == nullptr ? nullptr : &reach(*array, side, 0, array->rows());
}

Array& SplitBackend::overwrite(Array& array, Side side, int n) {
  auto& to = static_cast<SplitArray&>(array);
  std::fill_n(to.newest.begin(), n, SplitArray::bit(side));
  to.home = side;
  ++to.writes;
  return to.parts.on(side);
}

Array& SplitBackend::change(Array& array, Side side, int n) {
  reach(array, side, 0, static_cast<size_t>(n));
  return overwrite(array, side, n);
}

void SplitBackend::embed(const Table& table, std::span<const int32_t> tokens, float scale,
                         Array& out) {
  cpu_->embed(table, tokens, scale, overwrite(out, Side::kCpu, static_cast<int>(tokens.size())));
}

void SplitBackend::angles(const Rope& rope, std::span<const int32_t> positions, Array& out) {
  cpu_->angles(rope, positions, overwrite(out, Side::kCpu, static_cast<int>(positions.size())));
}

void SplitBackend::norm(const Array& x, const Array& weight, float eps,
                        std::span<const int32_t> rows, int n, Activations& out) {
  auto& to = static_cast<SplitActivations&>(out);
  const auto& from = static_cast<const SplitArray&>(x);
  to.ready_on_cpu = to.ready_on_device = false;
  to.gate = {};
  to.norm.x = &from;
  to.norm.weight = &weight;
  to.norm.eps = eps;
  to.norm.rows.assign(rows.begin(), rows.end());
  to.norm.n = n;
  to.norm.writes = from.writes;
}

void SplitBackend::reach_rows(const SplitActivations::Norm& norm, Side side) {
  if (norm.rows.empty()) {
    reach(*norm.x, side, 0, static_cast<size_t>(norm.n));
    return;
  }
  for (size_t i = 0; i < norm.rows.size();) {  // runs of adjacent rows: each copy may be a wait
    size_t count = 1;
    while (i + count < norm.rows.size() &&
           norm.rows[i + count] == norm.rows[i] + static_cast<int32_t>(count))
      ++count;
    reach(*norm.x, side, static_cast<size_t>(norm.rows[i]), count);
    i += count;
  }
}

const Activations& SplitBackend::ready(const SplitActivations& in, Side side) {
  if (!in.ready(side)) {
    const auto& norm = in.norm;
    assert(norm.x != nullptr && "what gated and attend made is read on their side");
    assert(norm.x->writes == norm.writes && "a norm's input stays until its output was read");
    reach_rows(norm, side);
    backend(side).norm(norm.x->parts.on(side), *reach_vector(norm.weight, side), norm.eps,
                       norm.rows, norm.n, in.parts.on(side));
    in.ready(side) = true;
  }
  return in.parts.on(side);
}

const Activations& SplitBackend::input(const SplitActivations& in, const SplitMatrix& weight) {
  if (!weight.shared()) return ready(in, weight.side());
  assert(in.gate.shared != nullptr);
  return in.gate.shared->parts.on(Side::kDevice);
}

Activations& SplitBackend::fill(Activations& out, Side side) {
  auto& to = static_cast<SplitActivations&>(out);
  to.norm.x = nullptr;
  to.gate = {};
  to.ready(side) = true;
  to.ready(other(side)) = false;
  return to.parts.on(side);
}

void SplitBackend::linear(const Activations& in, int n, std::span<const Linear> products) {
  const auto& from = static_cast<const SplitActivations&>(in);
  const auto matrix = [](const Linear& one) -> const SplitMatrix& {
    return static_cast<const SplitMatrix&>(*one.weight);
  };
  const auto on_side = [&](const Linear& one, Side side) -> Linear {
    return {&matrix(one).parts.on(side), reach_vector(one.bias, side),
            &overwrite(*one.out, side, n)};
  };
  for (const Side side : {Side::kDevice, Side::kCpu}) {
    products_.clear();
    const Activations* own = nullptr;
    for (const Linear& one : products) {
      if (matrix(one).shared() || matrix(one).side() != side) continue;
      own = &input(from, matrix(one));
      products_.push_back(on_side(one, side));
    }
    if (own != nullptr) backend(side).linear(*own, n, products_);
  }
  for (const Linear& one : products) {
    if (!matrix(one).shared()) continue;
    const Linear own = on_side(one, Side::kDevice);
    device_->linear(input(from, matrix(one)), n, {&own, 1});
    add_share(from, n, matrix(one), *own.out);
  }
}

void SplitBackend::linear_add(const Activations& in, int n, const Matrix& weight, const Array* bias,
                              Array& x) {
  const auto& from = static_cast<const SplitActivations&>(in);
  const auto& matrix = static_cast<const SplitMatrix&>(weight);
  const Side side = matrix.side();
  const Activations& own = input(from, matrix);
  Array& to = change(x, side, n);
  backend(side).linear_add(own, n, matrix.parts.on(side), reach_vector(bias, side), to);
  if (matrix.shared()) add_share(from, n, matrix, to);
}

size_t SplitBackend::fetch_input(const SplitActivations::Norm& norm, std::vector<float>& values) {
  assert(norm.x != nullptr && "a shared block reads a norm");
  const auto count =
      norm.rows.empty() ? size_t(norm.n) : size_t(*std::ranges::max_element(norm.rows)) + 1;
  bool here = true;
  for (size_t row = 0; row < count; ++row) here = here && norm.x->has(Side::kCpu, row);
  if (here) return 0;
  values.resize(std::max(values.size(), count * norm.x->cols()));
  device_->fetch(reach(*norm.x, Side::kDevice, 0, count), 0,
                 std::span(values).first(count * norm.x->cols()));
  return count;
}

/// The processor's norm of a shared block's input. The device may have been told to change x since,
/// whose rows here are as they were.
void SplitBackend::norm_fetched(const SplitActivations::Gate& gate) {
  if (gate.in->ready_on_cpu) return;
  const auto& norm = gate.in->norm;
  Array& x = norm.x->parts.on(Side::kCpu);
  if (gate.fetched > 0) {
    device_->wait();
    cpu_->write(x, 0, std::span(gate.shared->fetched).first(gate.fetched * x.cols()));
  }
  cpu_->norm(x, *reach_vector(norm.weight, Side::kCpu), norm.eps, norm.rows, norm.n,
             gate.in->parts.on(Side::kCpu));
  gate.in->ready_on_cpu = true;
}

void SplitBackend::add_share(const SplitActivations& in, int n, const SplitMatrix& down,
                             Array& to) {
  const auto& gate = in.gate;
  auto& shared = *gate.shared;
  assert(shared.share == (Share{down.cols(), down.parts.device->cols(), down.rows()}));
  device_->start();
  norm_fetched(gate);
  cpu_->gated(gate.in->parts.on(Side::kCpu), n, *gate.gate, *gate.up, gate.activation,
              shared.parts.on(Side::kCpu));
  const Linear own{down.parts.cpu.get(), nullptr, &overwrite(*shared.sum, Side::kCpu, n)};
  cpu_->linear(shared.parts.on(Side::kCpu), n, {&own, 1});
  device_->add(reach(*shared.sum, Side::kDevice, 0, static_cast<size_t>(n)), n, to);
}

void SplitBackend::add(const Array& y, int n, Array& x) {
  const Side side = static_cast<const SplitArray&>(y).home;
  const Array& from = reach(y, side, 0, static_cast<size_t>(n));
  backend(side).add(from, n, change(x, side, n));
}

void SplitBackend::norm_add(const Array& y, const Array& weight, float eps, int n, Array& x) {
  const Side side = static_cast<const SplitArray&>(y).home;
  const Array& from = reach(y, side, 0, static_cast<size_t>(n));
  backend(side).norm_add(from, *reach_vector(&weight, side), eps, n, change(x, side, n));
}

void SplitBackend::gated(const Activations& in, int n, const Matrix& gate, const Matrix& up,
                         Activation activation, Activations& out) {
  const auto& from = static_cast<const SplitActivations&>(in);
  const auto& gates = static_cast<const SplitMatrix&>(gate);
  const auto& ups = static_cast<const SplitMatrix&>(up);
  if (gates.shared())
    return gate_shared(from, n, gates, ups, activation, static_cast<SplitActivations&>(out));
  const Side side = gates.side();
  const Activations& own = ready(from, side);
  backend(side).gated(own, n, gates.parts.on(side), ups.parts.on(side), activation,
                      fill(out, side));
}

void SplitBackend::gate_shared(const SplitActivations& in, int n, const SplitMatrix& gate,
                               const SplitMatrix& up, Activation activation,
                               SplitActivations& out) {
  const size_t own = gate.parts.device->rows();
  const auto shared = std::find_if(out.shared.begin(), out.shared.end(), [&](const auto& one) {
    return one.share == Share{out.cols(), own, gate.cols()};
  });
  assert(shared != out.shared.end() && "weights are made before activations");
  const size_t fetched = in.ready_on_cpu ? 0 : fetch_input(in.norm, shared->fetched);
  device_->gated(ready(in, Side::kDevice), n, gate.parts.on(Side::kDevice),
                 up.parts.on(Side::kDevice), activation, shared->parts.on(Side::kDevice));
  out.norm.x = nullptr;
  out.ready_on_cpu = out.ready_on_device = false;
  out.gate = {&in, gate.parts.cpu.get(), up.parts.cpu.get(), activation, &*shared, fetched};
}

void SplitBackend::attend(const Attention& attention, const Batch& batch, const Array& angles,
                          Array& q, Array& k, const Array& v, KvStore& store, int layer,
                          Activations& out) {
  const Side side = side_of(layer);
  const auto n = static_cast<size_t>(batch.size());
  Attention own = attention;
  own.q_norm = reach_vector(attention.q_norm, side);
  own.k_norm = reach_vector(attention.k_norm, side);
  own.k_centre = reach_vector(attention.k_centre, side);
  backend(side).attend(own, batch, reach(angles, side, 0, n), change(q, side, batch.size()),
                       change(k, side, batch.size()), reach(v, side, 0, n),
                       static_cast<SplitKvStore&>(store).parts.on(side), count_layers(side, layer),
                       fill(out, side));
}

}  // namespace handmill::backend
