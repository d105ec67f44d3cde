#include "net/exchange.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <curl/curl.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/quote.h"
#include "net/faults.h"

namespace handmill::net {
namespace {

constexpr Milliseconds kLook{100};  // how often waiting is looked up from

/// A server may close while OpenSSL writes to it. Blocks SIGPIPE on this thread, and takes the one
/// that came; the program's own handling of it stays as it is.
class NoBrokenPipe {
 public:
  NoBrokenPipe() {
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoBrokenPipe() {
    const timespec at_once{};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoBrokenPipe(const NoBrokenPipe&) = delete;
  NoBrokenPipe& operator=(const NoBrokenPipe&) = delete;

 private:
  sigset_t pipe_, before_;
  bool was_pending_ = false;
};

using List = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

bool is_clean(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos;
}

Status add_line(List& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return base::limit("no memory for a header");
  static_cast<void>(list.release());
  list.reset(longer);
  return {};
}

Status add(List& list, const Header& header) {
  if (header.name.empty() || header.name.find_first_of(": \t;") != std::string::npos ||
      !is_clean(header.name) || !is_clean(header.value))
    return base::invalid("a header {} that would break the request", base::quoted(header.name));
  // Its own way to say that a header is sent empty, and not left out.
  return add_line(list,
                  header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
}

class Transfer {
 public:
  Transfer(const Exchange& exchange, const Sink& sink)
      : exchange_(exchange), sink_(sink), headers_(nullptr, curl_slist_free_all) {}

  Result<Response> run(CURLM* multi, CURL* easy);

 private:
  static size_t on_header(char* data, size_t size, size_t count, void* self) noexcept;
  static size_t on_body(char* data, size_t size, size_t count, void* self) noexcept;

  Status prepare(CURL* easy);
  void prepare_limits(CURL* easy);
  bool take_header(std::string_view line);
  bool take_body(std::string_view piece);
  /// Once the headers are whole: the status, and the range that is coming.
  bool take_head();
  bool fail(Error error) {
    if (!fault_) fault_ = std::move(error);
    return false;
  }
  bool goes_on(CURL* easy);
  Result<CURLcode> wait(CURLM* multi, CURL* easy);
  bool leads_away() const { return exchange_.follows && is_redirect(response_.status); }

  const Exchange& exchange_;
  const Sink& sink_;
  List headers_;
  std::string range_;
  CURL* easy_ = nullptr;
  Response response_;
  uint64_t header_bytes_ = 0;
  bool head_taken_ = false;
  bool redirect_ended_ = false;  // its body was not read
  std::optional<Error> fault_;
  std::array<char, CURL_ERROR_SIZE> detail_{};
  curl_off_t moved_ = -1;
  Clock::time_point moved_at_ = Clock::now();
};

Status Transfer::prepare(CURL* easy) {
  const Request& request = exchange_.request;
  for (const Header& header : request.headers) HANDMILL_OK(add(headers_, header));
  for (const Header& header : request.secrets)
    if (exchange_.with_secrets) HANDMILL_OK(add(headers_, header));
  curl_easy_reset(easy);
  if (request.body) {
    // Otherwise a large body waits a second for a "100 Continue" that few servers send.
    HANDMILL_OK(add_line(headers_, "Expect:"));
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body->size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body->data());
  }
  if (request.range) {
    const auto [first, bytes] = *request.range;
    const auto end = base::checked_add(first, bytes);
    if (bytes == 0 || !end) return base::invalid("a range of {} bytes at {}", bytes, first);
    range_ = fmt::format("{}-{}", first, *end - 1);
    curl_easy_setopt(easy, CURLOPT_RANGE, range_.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_URL, exchange_.url.text.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  prepare_limits(easy);
  return {};
}

void Transfer::prepare_limits(CURL* easy) {
  const Options& options = exchange_.options;
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  const char* given = std::getenv("SSL_CERT_FILE");
  if (!options.ca_file.empty())
    curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  else if (given != nullptr && *given != '\0')
    curl_easy_setopt(easy, CURLOPT_CAINFO, given);
  const std::string agent = options.agent.empty() ? "handmill/" HANDMILL_VERSION : options.agent;
  curl_easy_setopt(easy, CURLOPT_USERAGENT, agent.c_str());
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(std::max<int64_t>(1, options.connect_wait.count())));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail_.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
}

size_t Transfer::on_header(char* data, size_t size, size_t count, void* self) noexcept {
  auto* transfer = static_cast<Transfer*>(self);
  try {
    return transfer->take_header({data, size * count}) ? size * count : 0;
  } catch (...) {
    return transfer->fail(base::limit("no memory for an answer's headers")) ? 1 : 0;
  }
}

size_t Transfer::on_body(char* data, size_t size, size_t count, void* self) noexcept {
  auto* transfer = static_cast<Transfer*>(self);
  try {
    return transfer->take_body({data, size * count}) ? size * count : 0;
  } catch (...) {
    return transfer->fail(base::limit("no memory for an answer")) ? 1 : 0;
  }
}

bool Transfer::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > exchange_.options.header_bytes_max)
    return fail(base::limit("{}: headers of more than {} bytes", exchange_.url.place(),
                            exchange_.options.header_bytes_max));
  if (line.starts_with("HTTP/")) {  // of a 100 Continue, or of the answer itself
    response_.headers.clear();
    return true;
  }
  const size_t colon = line.find(':');
  if (head_taken_ || colon == line.npos) return true;  // a trailer, or the empty line
  Header& header = response_.headers.emplace_back();
  for (const char c : line.substr(0, colon))
    header.name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  std::string_view value = line.substr(colon + 1);
  constexpr std::string_view kSpace = " \t\r\n";
  value.remove_prefix(std::min(value.find_first_not_of(kSpace), value.size()));
  header.value = value.substr(0, value.find_last_not_of(kSpace) + 1);
  return true;
}

bool Transfer::take_head() {
  if (head_taken_) return true;
  head_taken_ = true;
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  if (!exchange_.request.range || status != 206) return true;
  const ByteRange& wanted = *exchange_.request.range;
  response_.range = parse_content_range(response_.header("content-range"));
  if (response_.range && response_.range->first == wanted.first &&
      response_.range->last - wanted.first < wanted.bytes)
    return true;
  return fail(base::invalid("{}: asked for bytes {}, it answers with {}", exchange_.url.place(),
                            range_, base::quoted(response_.header("content-range"))));
}

bool Transfer::take_body(std::string_view piece) {
  if (!take_head()) return false;
  if (leads_away()) {
    redirect_ended_ = true;
    return false;
  }
  response_.bytes += piece.size();
  if (sink_(response_, piece)) return true;
  response_.stopped = true;
  return false;
}

bool Transfer::goes_on(CURL* easy) {
  const Options& options = exchange_.options;
  const std::string place = exchange_.url.place();
  if (options.cancelled && options.cancelled())
    return fail(base::io("{}: the request was cancelled", place));
  const auto now = Clock::now();
  if (now >= exchange_.end)
    return fail(base::io("{}: not done within {} s", place, seconds(options.total_wait)));
  curl_off_t connected = 0, up = 0;
  curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
  curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
  const curl_off_t moved = static_cast<curl_off_t>(header_bytes_ + response_.bytes) + up;
  if (connected == 0 || moved != moved_) {
    moved_ = moved;
    moved_at_ = now;
  }
  if (now - moved_at_ >= options.idle_wait)
    return fail(base::io("{}: nothing came for {} s, after {} bytes", place,
                         seconds(options.idle_wait), response_.bytes));
  return true;
}

Result<CURLcode> Transfer::wait(CURLM* multi, CURL* easy) {
  const int look = static_cast<int>(
      std::clamp<int64_t>(exchange_.options.idle_wait.count() / 2, 1, kLook.count()));
  int running = 1;
  while (true) {
    const CURLMcode code = curl_multi_perform(multi, &running);
    if (code != CURLM_OK) return base::io("{}", curl_multi_strerror(code));
    if (running == 0) break;
    if (!goes_on(easy)) return *fault_;
    if (const CURLMcode polled = curl_multi_poll(multi, nullptr, 0, look, nullptr); polled != 0)
      return base::io("{}", curl_multi_strerror(polled));
  }
  int left = 0;
  const CURLMsg* message = curl_multi_info_read(multi, &left);
  return message != nullptr ? message->data.result : CURLE_OK;
}

Result<Response> Transfer::run(CURLM* multi, CURL* easy) {
  easy_ = easy;
  HANDMILL_OK(prepare(easy));
  const NoBrokenPipe no_broken_pipe;
  if (const CURLMcode code = curl_multi_add_handle(multi, easy); code != CURLM_OK)
    return base::io("{}", curl_multi_strerror(code));
  auto ended = wait(multi, easy);
  if (ended.ok() && *ended == CURLE_OK) take_head();
  long os_error = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
  curl_multi_remove_handle(multi, easy);
  curl_easy_reset(easy);  // it points into this object
  if (fault_) return *std::move(fault_);
  if (!ended.ok()) return std::move(ended).error();
  response_.url = exchange_.url.text;
  if (*ended == CURLE_OK || response_.stopped || redirect_ended_) return std::move(response_);
  return transfer_error(*ended, {exchange_.url, exchange_.options, detail_.data(),
                                 static_cast<int>(os_error), response_.bytes});
}

/// Once in the life of the program, before any thread of ours uses it.
bool initialised() {
  static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return done;
}

}  // namespace

Result<std::unique_ptr<Handles>> Handles::make() {
  if (!initialised()) return base::io("libcurl cannot be set up");
  std::unique_ptr<Handles> handles(new Handles);
  handles->multi_ = curl_multi_init();
  handles->easy_ = curl_easy_init();
  if (handles->multi_ == nullptr || handles->easy_ == nullptr)
    return base::limit("no memory for a connection");
  return handles;
}

Handles::~Handles() {
  if (easy_ != nullptr) curl_easy_cleanup(easy_);
  if (multi_ != nullptr) curl_multi_cleanup(multi_);
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Result<Response> run(const Handles& handles, const Exchange& exchange, const Sink& sink) {
  return Transfer(exchange, sink).run(handles.multi(), handles.easy());
}

}  // namespace handmill::net
