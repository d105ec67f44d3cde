// handmill serve: the models that are there, behind the APIs that clients speak.
#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/ollama_time.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/figures.h"
#include "cli/follow.h"
#include "cli/home.h"
#include "cli/observer.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "router/router.h"
#include "serve/server.h"

namespace handmill::cli {
namespace {

struct ServeOptions {
  std::vector<std::string> models;
  serve::Options server;
  std::string api_key_file;
  EngineFlags engine;
  int queue = 512;
  int parallel = 16;
  int prefill_chunk = 512;
  std::chrono::milliseconds keep_alive{std::chrono::minutes(5)};
};

constexpr const char* kKeysVariable = "HANDMILL_API_KEYS";
constexpr rlim_t kDescriptors = 65536;

Status check(const ServeOptions& options) {
  const auto in_range = [](const char* flag, int value, int low, int high) -> Status {
    if (value >= low && value <= high) return {};
    return base::invalid("{} is {}; it must be from {} to {}", flag, value, low, high);
  };
  HANDMILL_OK(in_range("--port", options.server.port, 0, 65535));
  HANDMILL_OK(in_range("--queue", options.queue, 1, 1 << 20));
  HANDMILL_OK(in_range("--parallel", options.parallel, 1, 1024));
  return in_range("--prefill-chunk", options.prefill_chunk, 1, 1 << 16);
}

Status set_keep_alive(const std::vector<std::string>& values, std::chrono::milliseconds& out) {
  const std::string& text = values.back();
  // A number alone is seconds, as in the API.
  auto duration = api::ollama::parse_duration(text);
  if (!duration) duration = api::ollama::parse_duration(text + "s");
  if (!duration)
    return base::invalid("\"{}\" is no duration such as 5m, 30s, 0 or -1 (for ever)", text);
  out = std::chrono::duration_cast<std::chrono::milliseconds>(*duration);
  return {};
}

/// What was named, or the default model and all that are there.
Result<std::vector<router::ModelSource>> sources_of(const std::vector<std::string>& words) {
  std::vector<router::ModelSource> sources;
  const auto add = [&sources](const ModelFile& file) -> Status {
    for (const router::ModelSource& source : sources) {
      if (source.name != file.name) continue;
      if (source.path == file.path) return {};
      return base::invalid("{} and {} would both be called {}", source.path, file.path, file.name);
    }
    sources.push_back({file.name, file.path});
    return {};
  };
  for (const std::string& word : words) {
    HANDMILL_TRY(const ModelFile file, find_model(word));
    HANDMILL_OK(add(file));
  }
  if (!words.empty()) return sources;
  const std::vector<ModelFile> all = list_models(models_folder());
  const auto first = find_model("");
  if (first.ok()) {
    HANDMILL_OK(add(*first));
  } else if (all.empty()) {
    return first.error();
  }
  for (const ModelFile& file : all) HANDMILL_OK(add(file));
  return sources;
}

Status read_keys(ServeOptions& options) {
  if (!options.api_key_file.empty())
    HANDMILL_OK(options.server.keys.add_file(options.api_key_file));
  const char* listed = std::getenv(kKeysVariable);
  if (listed == nullptr) return {};
  std::string text(listed);
  std::replace(text.begin(), text.end(), ',', '\n');
  return options.server.keys.add(text, kKeysVariable);
}

void print_request(std::string_view line) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  char clock[16];
  std::strftime(clock, sizeof clock, "%H:%M:%S", &parts);
  fmt::print(stderr, "{} {}\n", clock, terminal::printable(line));
}

void greet(const serve::Server& server, const router::Router& router, bool has_keys) {
  const std::string url = server.url();
  fmt::print("handmill {} serves at {}\n\n", HANDMILL_VERSION, url);
  const std::vector<router::ModelInfo> models = router.models();
  for (size_t i = 0; i < models.size(); ++i)
    fmt::print("  {:<11}{}, {}{}\n", i == 0 ? "models" : "", models[i].name,
               bytes_text(models[i].file_bytes), i == 0 ? " (default)" : "");
  fmt::print(
      "\n  {:<11}{}/v1\n  {:<11}{}\n  {:<11}{}\n  {:<11}{}\n\n"
      "Cherry Studio: Settings, Model Provider, Add; type OpenAI, API host {}, API key {}.\n"
      "Try it: curl {}/v1/chat/completions -d '{{\"messages\":[{{\"role\":\"user\",\"content\":"
      "\"Hi\"}}]}}'\n"
      "Ctrl-C ends it, when answers that are on their way have come to their end.\n",
      "OpenAI", url, "Ollama", url, "Anthropic", url, "API key",
      has_keys ? "one of yours" : "none needed; only this machine is let in", url,
      has_keys ? "one of yours" : "any", url);
  std::fflush(stdout);
}

/// Every thread that is started after this leaves the signals to wait_for_signal.
sigset_t take_signals() {
  std::signal(SIGPIPE, SIG_IGN);  // a client, or who reads the log, may leave
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

/// Whether one came within that time.
bool wait_for_signal(const sigset_t& signals, long wait_ms) {
  const timespec wait{wait_ms / 1000, wait_ms % 1000 * 1'000'000};
  return ::sigtimedwait(&signals, nullptr, &wait) > 0;
}

/// As many connections as the system lets us have need a descriptor each.
void raise_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_max, std::max(limit.rlim_cur, kDescriptors));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<int> serve_models(ServeOptions& options) {
  HANDMILL_OK(read_keys(options));
  const bool has_keys = !options.server.keys.empty();
  router::Options routing;
  HANDMILL_TRY(routing.models, sources_of(options.models));
  HANDMILL_TRY(routing.engine, engine_options(options.engine));
  routing.engine.prefill_chunk = options.prefill_chunk;
  routing.engine.max_sequences = options.parallel;
  routing.queue_max = static_cast<size_t>(options.queue);
  routing.keep_alive = options.keep_alive;
  routing.observer = std::make_shared<RunObserver>(routing.models, routing.engine);

  const sigset_t signals = take_signals();
  raise_descriptors();
  HANDMILL_TRY(const auto router, router::Router::make(std::move(routing)));
  options.server.log = print_request;
  HANDMILL_TRY(auto server, serve::Server::make(options.server, *router));
  greet(*server, *router, has_keys);

  constexpr long kLong = 60'000, kShort = 50;
  while (!wait_for_signal(signals, kLong)) {
  }
  fmt::print(stderr, "handmill: ending; answers on their way may finish. Again ends at once\n");
  server->drain();
  while (!server->drained() && !wait_for_signal(signals, kShort)) {
  }
  server.reset();
  return kExitOk;
}

}  // namespace

Action declare_serve(Args& args) {
  auto options = std::make_shared<ServeOptions>();
  args.option(
      "-m,--model", "NAME|FILE",
      [options](const std::vector<std::string>& values) -> Status {
        options->models = values;
        return {};
      },
      "Serve this model; repeatable, the first is the default [all that are there]");
  args.option("--host", "ADDRESS", options->server.host,
              "Listen there; other machines are let in with API keys alone [127.0.0.1]");
  args.option("-p,--port", "N", options->server.port, "Port; 0 takes a free one [11435]");
  args.option(
      "--keep-alive", "TIME",
      [options](const std::vector<std::string>& values) {
        return set_keep_alive(values, options->keep_alive);
      },
      "How long an idle model stays loaded: 5m, 1h, 0, -1 for ever [5m]");
  args.group("Access");
  args.option("--api-key-file", "FILE", options->api_key_file,
              "Keys, one a line: name:key; also in $HANDMILL_API_KEYS, with commas between them");
  const auto collect = [](std::vector<std::string>& target) {
    return [&target](const std::vector<std::string>& values) -> Status {
      target = values;
      return {};
    };
  };
  args.option("--allow-origin", "ORIGIN", collect(options->server.allow_origins),
              "Let web pages from there in: https://chat.example, '*' for any; repeatable");
  args.option("--allow-host", "NAME", collect(options->server.allow_hosts),
              "Answer to this host name too (behind a proxy); repeatable");
  args.option("--tls-cert", "FILE", options->server.tls_certificate,
              "Certificate chain (PEM): serve https");
  args.option("--tls-key", "FILE", options->server.tls_key, "Its private key (PEM)");
  declare_engine(args, options->engine);
  declare_speculation(args, options->engine.speculation);
  args.option("--parallel", "N", options->parallel,
              "Compute at most N answers at once; others wait [16]");
  args.option("--queue", "N", options->queue,
              "Let at most N requests wait for a model; others get 503 [512]");
  args.option("--prefill-chunk", "N", options->prefill_chunk,
              "Read at most N tokens of prompts between two tokens of answers [512]");
  args.check([options] { return check(*options); });
  args.note("Clients that speak OpenAI, Ollama or Anthropic are answered at one port.");
  args.note(kGpuNote);
  args.note(kLedgerNote);
  args.note(
      "Examples:\n"
      "  handmill serve\n"
      "  handmill serve -m smollm2-135m-instruct-q4_1 --port 8080\n"
      "  handmill serve --host 0.0.0.0 --api-key-file keys.txt --tls-cert c.pem --tls-key k.pem");
  return [options] { return serve_models(*options); };
}

}  // namespace handmill::cli
