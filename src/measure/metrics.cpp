#include "measure/metrics.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace handmill::measure {

std::span<const Metric> metrics() {
  static constexpr std::array kMetrics = {
      Metric{"tok_s", "speed",
             "tokens a second of whole steps: pp512 prefills 512 tokens, until every sequence has "
             "its first token; tg128 decodes 128, from there until the first sequence has ended"},
      Metric{"ttft_s", "TTFT",
             "time to the first token: from handing over the request to its first token (from "
             "outside: to the first piece that is not empty), waiting and prefill included",
             false},
      Metric{"pp_tok_s", "PP",
             "prompt tokens that had to be computed (not those found in the prefix cache) over the "
             "time of the prefill alone; unknown from outside"},
      Metric{"tpot_s", "TPOT",
             "time per output token without the first: (last - first) / (answer tokens - 1)",
             false},
      Metric{"tg_tok_s", "TG",
             "(answer tokens - 1) / (last - first): 1 / TPOT. Reasoning counts as answer, and so "
             "do accepted guesses and a last end token"},
      Metric{"gap_p50_s", "gap p50",
             "time between a token and the next, all of a run pooled: half are shorter (from "
             "outside: between pieces of text, which may be several tokens)",
             false},
      Metric{"gap_p90_s", "gap p90", "of these times, that which 90 % are below", false},
      Metric{"gap_p99_s", "gap p99", "of these times, that which 99 % are below", false},
      Metric{"e2e_s", "end to end", "from handing over the request to the end of its answer",
             false},
      Metric{"out_tok_s", "all together",
             "answer tokens of all requests of a run over its whole time, prefill included"},
      Metric{"pp_roof_tok_s", "PP roof",
             "the speed of the prefill if memory or arithmetic were used as far as the roof that "
             "binds allows"},
      Metric{"tg_roof_tok_s", "TG roof",
             "the speed of each answer under the roof that binds, as the machine was at the time"},
      Metric{"read_bytes_s", "memory roof",
             "bytes a second that all threads read from memory that no cache holds, at the time"},
      Metric{"int8_ops_s", "int8 roof",
             "int8 operations a second that all threads do in registers, with the instruction set "
             "in use; a multiply-add is two"},
      Metric{"of_read_roof", "of memory roof",
             "bytes read a second, as a part of 1 of that roof; the median of the repeats' own "
             "ratios"},
      Metric{"of_int8_roof", "of int8 roof",
             "operations done a second, as a part of 1 of that roof; likewise"},
  };
  return kMetrics;
}

const Metric& metric(std::string_view name) {
  const auto found = std::ranges::find(metrics(), name, &Metric::name);
  assert(found != metrics().end());
  return *found;
}

std::span<const Metric> metric_statistics() {
  static constexpr std::array kStatistics = {
      Metric{"median", "median", "of the repeats, after one that is not counted"},
      Metric{"low", "low", "the lowest of the repeats; high is the highest"},
      Metric{"mad", "MAD", "the median distance of the repeats from their median"},
      Metric{
          "ci95", "95 % interval",
          "two of the repeats between which the true median lies in at least 95 of 100 cases, by "
          "order alone; null for less than six repeats, which cannot say"},
      Metric{"tight", "tight",
             "that interval ends no farther from the median than asked (--tight)"},
      Metric{"drift", "drift",
             "from a repeat to the next, as a part of the median: the median slope of all pairs"},
      Metric{"noisy", "noisy", "not tight, or a drift that is not chance (Mann-Kendall, p < 0.01)"},
      Metric{"runs", "runs", "each repeat, in order"},
  };
  return kStatistics;
}

}  // namespace handmill::measure
