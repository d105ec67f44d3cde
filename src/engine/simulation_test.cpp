// Thousands of small worlds, each made from a seed: requests come, share prefixes, leave early and
// fight for a cache of a few blocks. No model and no clock: a step is a tick. What the cache holds
// is followed position by position, so a block that is shared wrongly is found where it is read.
#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <optional>
#include <random>

#include "backend/backend.h"
#include "engine/scheduler.h"
#include "engine/test_task.h"

namespace handmill::engine {
namespace {

using backend::kKvBlock;
using text::Token;

/// Stands for a text from its beginning to one position.
uint64_t read_on(uint64_t text, Token token) {
  text = (text ^ static_cast<uint32_t>(token)) * 0xd6e8feb86659fd93u;
  return text ^ (text >> 32);
}

struct Client {
  int arrives, leaves;  // ticks
  std::vector<Token> prompt;
  Task::Terms terms;
  int answer;
  TestTask* task = nullptr;  // while it has not ended
  int ends = 0;
};

class World {
 public:
  explicit World(uint64_t seed)
      : random_(seed),
        blocks_(1 + pick(12)),
        limits_(make_limits()),
        cache_(blocks_),
        scheduler_(cache_, limits_),
        store_(static_cast<size_t>(blocks_ * kKvBlock)) {
    for (auto& text : texts_) text = random_text(pick(limits_.positions_max) + 1);
    const int count = 1 + pick(24), span = 1 + pick(100);
    for (int i = 0; i < count; ++i) clients_.push_back(make_client(span));
  }

  /// What went wrong, or nothing.
  std::optional<std::string> run() {
    for (int tick = 0; fault_.empty(); ++tick) {
      const bool more = come_and_go(tick);
      if (!more && scheduler_.running() + scheduler_.waiting() == 0) break;
      step();
      check_blocks();
    }
    for (const Client& client : clients_)
      demand(client.ends == 1, "a request ended {} times", client.ends);
    demand(cache_.free_blocks() == blocks_, "{} blocks of {} are free in the end",
           cache_.free_blocks(), blocks_);
    if (fault_.empty()) return std::nullopt;
    return fault_;
  }

  uint64_t preemptions() const { return scheduler_.preemptions(); }
  int found() const { return found_; }  // tokens of prompts in the prefix cache
  int left() const { return left_; }    // requests that were cancelled

 private:
  template <class... Args>
  void demand(bool holds, fmt::format_string<Args...> text, Args&&... args) {
    if (!holds && fault_.empty()) fault_ = fmt::format(text, std::forward<Args>(args)...);
  }
  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  Limits make_limits() {
    Limits limits{};
    limits.batch_tokens = 1 + pick(pick(2) == 0 ? 20 : 200);
    limits.beside_tokens = 1 + pick(limits.batch_tokens);
    limits.sequences_max = 1 + pick(6);
    limits.positions_max = blocks_ * kKvBlock - pick(kKvBlock);
    limits.patience = 1 + pick(40);
    return limits;
  }
  std::vector<Token> random_text(int length) {
    std::vector<Token> text(static_cast<size_t>(length));
    for (Token& token : text) token = pick(50);
    return text;
  }
  Client make_client(int span) {
    const auto& text = texts_[static_cast<size_t>(pick(3))];
    const int shared = pick(static_cast<int>(text.size()) + 1);
    std::vector<Token> prompt(text.begin(), text.begin() + shared);
    const bool whole_blocks = shared >= kKvBlock && pick(3) == 0;
    if (whole_blocks) prompt.resize(prompt.size() / kKvBlock * kKvBlock);
    for (Token token : random_text(whole_blocks ? 0 : 1 + pick(40))) prompt.push_back(token);
    if (prompt.size() > static_cast<size_t>(limits_.positions_max))
      prompt.resize(static_cast<size_t>(limits_.positions_max));
    const int arrives = pick(span);
    return {.arrives = arrives,
            .leaves = pick(4) == 0 ? arrives + pick(60) : -1,
            .prompt = std::move(prompt),
            .terms = {.positions_max = limits_.positions_max,
                      .priority = pick(3),
                      .owner = static_cast<uint64_t>(pick(3)),
                      .reuses = pick(8) > 0},
            .answer = 1 + pick(pick(3) == 0 ? 5 : 250)};
  }

  /// True while some are still to come.
  bool come_and_go(int tick) {
    bool more = false;
    for (Client& client : clients_) {
      more |= client.arrives > tick;
      if (client.arrives == tick) arrive(client);
      if (client.leaves != tick || client.task == nullptr) continue;
      client.task->end(Finish::kCancelled);
      ++left_;
    }
    scheduler_.retire();
    return more;
  }
  void arrive(Client& client) {
    const RequestId id = ++last_id_;
    auto task =
        std::make_unique<TestTask>(id, client.prompt, client.terms, client.answer, [&](Finish) {
          ++client.ends;
          client.task = nullptr;
        });
    client.task = task.get();
    by_id_.push_back(&client);
    scheduler_.add(std::move(task));
  }

  void step() {
    const bool idle = scheduler_.running() + scheduler_.waiting() == 0;
    const std::span<const Slice> plan = scheduler_.schedule();
    demand(plan.empty() == idle, "a step of {} tasks, where there is {}", plan.size(),
           idle ? "no work" : "work");
    int tokens = 0, decodes = 0, prefills = 0;
    for (const auto& [task, count] : plan) {
      tokens += count;
      (task->pending() == 1 ? decodes : prefills) += count;
      demand(count > 0 && count <= task->pending(), "{} of {} tokens", count, task->pending());
    }
    demand(tokens <= limits_.batch_tokens, "{} tokens in a step", tokens);
    demand(decodes == 0 || prefills <= limits_.beside_tokens, "{} beside decodes", prefills);
    demand(plan.size() <= static_cast<size_t>(limits_.sequences_max), "{} tasks", plan.size());
    check_progress(plan);
    for (const auto& [task, count] : plan) compute(*task, count);
    for (const auto& [task, count] : plan) commit(static_cast<TestTask&>(*task), count);
    scheduler_.retire();
  }

  /// Reads all that was computed before, and writes what is new.
  void compute(const Task& task, int count) {
    const int first = task.computed(), end = first + count;
    demand(static_cast<int>(task.table.size()) * kKvBlock >= end, "no block for {}", end);
    if (!fault_.empty()) return;
    uint64_t text = 0;
    for (int i = 0; i < end; ++i) {
      text = read_on(text, task.tokens()[static_cast<size_t>(i)]);
      const auto block = static_cast<size_t>(task.table[static_cast<size_t>(i / kKvBlock)]);
      uint64_t& stored = store_[block * kKvBlock + static_cast<size_t>(i % kKvBlock)];
      if (i >= first) stored = text;
      demand(stored == text, "task {} reads what is not its own at {}", task.id(), i);
    }
  }
  void commit(TestTask& task, int count) {
    if (task.timings().generated_tokens == 0 && task.computed() + count == task.length())
      found_ += task.timings().cached_tokens;
    task.advance(count);
    const auto computed = static_cast<size_t>(task.computed());
    if (task.pending() == 0) task.say(pick(50));
    cache_.publish(task.table, task.tokens().first(computed));
  }

  /// Every block is free, or in as many tables as it has holders; waiting tasks have none.
  void check_blocks() {
    std::vector<int> held(static_cast<size_t>(blocks_));
    size_t seen = 0;
    scheduler_.for_each([&](Task& task) {
      for (kv::Block block : task.table) ++held[static_cast<size_t>(block)];
      demand(seen++ < scheduler_.running() || task.table.empty(), "a waiting task has blocks");
    });
    int free = 0;
    for (int block = 0; block < blocks_; ++block) {
      const int holders = held[static_cast<size_t>(block)];
      free += holders == 0 ? 1 : 0;
      demand(cache_.holders(block) == holders, "block {} is in {} tables, held by {}", block,
             holders, cache_.holders(block));
    }
    demand(cache_.free_blocks() == free, "{} blocks are free, not {}", free, cache_.free_blocks());
  }

  /// The oldest becomes an elder when it is time and no other elder waits; both wait for what runs
  /// then, which computes a token a step at worst.
  void check_progress(std::span<const Slice> plan) {
    const auto lives = [](const Client* client) { return client->task != nullptr; };
    const auto first = std::ranges::find_if(by_id_, lives);
    Client* oldest = first == by_id_.end() ? nullptr : *first;
    const bool goes_on = oldest == nullptr || std::ranges::any_of(plan, [&](const Slice& slice) {
                           return slice.task == oldest->task;
                         });
    idle_ = goes_on || oldest != oldest_ ? 0 : idle_ + 1;
    oldest_ = oldest;
    const int most = limits_.patience + 2 * limits_.sequences_max * limits_.positions_max;
    demand(idle_ <= most, "the oldest task got nothing for {} steps", idle_);
  }

  std::mt19937_64 random_;
  const int blocks_;
  const Limits limits_;
  kv::Cache cache_;
  Scheduler scheduler_;
  std::vector<uint64_t> store_;  // [blocks, kKvBlock], the text that each position came from
  std::vector<Token> texts_[3];
  std::vector<Client> clients_;
  std::vector<Client*> by_id_;  // in the order of arrival
  RequestId last_id_ = 0;
  int found_ = 0, left_ = 0;
  Client* oldest_ = nullptr;
  int idle_ = 0;  // steps for which it got nothing
  std::string fault_;
};

TEST(Simulation, EveryRequestEndsOnceAndNothingIsLost) {
  uint64_t preemptions = 0;
  int found = 0, left = 0;
  for (uint64_t seed = 0; seed < 10000; ++seed) {
    World world(seed);
    if (const auto fault = world.run()) FAIL() << "seed " << seed << ": " << *fault;
    preemptions += world.preemptions();
    found += world.found();
    left += world.left();
  }
  EXPECT_GT(preemptions, 5000u) << "worlds in which nothing happens prove nothing";
  EXPECT_GT(found, 100000);
  EXPECT_GT(left, 10000);
}

}  // namespace
}  // namespace handmill::engine
