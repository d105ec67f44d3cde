#include "cli/server_bench.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <optional>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "cli/chat_stream.h"
#include "net/client.h"
#include "sample/random.h"

namespace handmill::cli {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;
using Answers = std::vector<Result<ChatAnswer>>;

// Words of one token in the vocabularies that we know.
constexpr std::array kWords = {"river", "stone", "water", "house", "light",  "green", "night",
                               "small", "sound", "wheel", "paper", "garden", "table", "winter",
                               "music", "ocean", "field", "metal", "people", "letter"};

/// All at once; each on a thread and with a connection of its own.
Answers ask_all(const Server& server, const std::vector<json::array>& messages, int answer) {
  Answers answers(messages.size(), base::invalid("it was not asked"));
  std::vector<std::jthread> threads;
  for (size_t i = 1; i < messages.size(); ++i) {
    try {
      threads.emplace_back([&, i] { answers[i] = ask_server(server, messages[i], answer); });
    } catch (const std::system_error&) {
      answers[i] =
          base::limit("the system gives no thread for {} requests at once", messages.size());
    }
  }
  answers[0] = ask_server(server, messages[0], answer);
  threads.clear();
  return answers;
}

json::object message(const char* role, std::string text) {
  return {{"role", role}, {"content", std::move(text)}};
}

}  // namespace

Result<std::string> first_model(const Server& server) {
  constexpr uint64_t kListMost = 4 << 20;
  HANDMILL_TRY(auto client, net::Client::make());
  net::Request request{.url = server.url + "/models"};
  if (!server.key.empty()) request.secrets = {{"Authorization", "Bearer " + server.key}};
  HANDMILL_TRY(const auto response, client.fetch(request, kListMost));
  if (response.status != 200) return net::status_error(response);
  HANDMILL_TRY(const json::value list, base::parse_json(response.body));
  const json::value* data = list.is_object() ? list.get_object().if_contains("data") : nullptr;
  if (data != nullptr && data->is_array())
    for (const json::value& one : data->get_array()) {
      const json::value* id = one.is_object() ? one.get_object().if_contains("id") : nullptr;
      if (id != nullptr && id->is_string()) return std::string(id->get_string());
    }
  return base::not_found("{}/models lists no model", server.url);
}

std::string ServerBench::words(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    if (i > 0) text += ' ';
    text += kWords[sample::split_mix(random_) % kWords.size()];
  }
  return text;
}

Result<std::vector<ServerBench::Records>> ServerBench::run(const measure::Scenario& scenario) {
  std::vector<Records> all;
  json::array before;
  for (const measure::BenchTest& test : scenario) {
    std::vector<json::array> messages(static_cast<size_t>(test.batch), before);
    for (json::array& one : messages) one.push_back(message("user", words(test.prompt)));
    Answers answers = ask_all(server_, messages, test.answer);
    Records records;
    for (auto& answer : answers) {
      if (!answer.ok()) return std::move(answer).error();
      records.push_back(answer->record);
    }
    before = std::move(messages.front());
    before.push_back(message("assistant", answers.front()->text));
    all.push_back(std::move(records));
  }
  return all;
}

Result<std::vector<measure::BenchResult>> ServerBench::measure(const measure::Scenario& scenario,
                                                               const measure::Repeats& repeats,
                                                               const measure::Goal& goal,
                                                               const measure::OnRepeat& on_repeat) {
  on_repeat(-1);
  HANDMILL_TRY(const auto warm_up, run(scenario));
  static_cast<void>(warm_up);
  std::vector<measure::BenchResult> results(scenario.size());
  for (size_t i = 0; i < scenario.size(); ++i) {
    results[i].test = scenario[i];
    results[i].backend = server_.url;
  }
  const Clock::time_point begin = Clock::now();
  bool enough = false;
  for (int done = 0; !enough; ++done) {
    on_repeat(done);
    HANDMILL_TRY(auto runs, run(scenario));
    for (size_t i = 0; i < runs.size(); ++i) measure::add_run(results[i], std::move(runs[i]));
    const double spent = std::chrono::duration<double>(Clock::now() - begin).count();
    enough = std::ranges::all_of(results, [&](const measure::BenchResult& result) {
      return measure::is_enough(result, spent, repeats);
    });
  }
  for (measure::BenchResult& result : results) result.goal_share = goal.share(result.requests);
  return results;
}

}  // namespace handmill::cli
