// The line editor of the chat, on libedit: what it lacks (bracketed paste, a race-free Ctrl-C, keys
// typed before their prompt, UTF-8 whatever the locale was) is here.
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <histedit.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/home.h"
#include "cli/interrupt.h"
#include "cli/line_source.h"
#include "cli/terminal.h"
#include "cli/utf8.h"
#include "text/unicode.h"

namespace handmill::cli {
namespace {

constexpr int kHistorySize = 2000;
constexpr size_t kLongestPaste = size_t{1} << 20;
constexpr const char* kPasteOn = "\x1b[?2004h";
constexpr const char* kPasteOff = "\x1b[?2004l";

class LineEditor final : public LineSource {
 public:
  LineEditor();
  ~LineEditor() override;
  Line read(const std::string& prompt) override;
  void remember(const std::string& entry) override;
  void complete_with(std::vector<std::string> words) override { words_ = std::move(words); }
  bool interactive() const override { return true; }

 private:
  static LineEditor& of(EditLine* edit) {
    void* self = nullptr;
    el_wget(edit, EL_CLIENTDATA, &self);
    return *static_cast<LineEditor*>(self);
  }
  // Called by libedit.
  static wchar_t* prompt(EditLine* edit) { return of(edit).prompt_.data(); }
  static int get_character(EditLine* edit, wchar_t* out);
  static unsigned char paste(EditLine* edit, int key);
  static unsigned char new_line(EditLine* edit, int key);
  static unsigned char complete(EditLine* edit, int key);

  void bind_keys();
  void open_history();

  EditLine* edit_;
  HistoryW* history_;
  std::string history_file_;
  std::wstring prompt_;
  std::vector<std::string> words_;
  std::string bytes_;  // of a character that is not whole yet
};

int LineEditor::get_character(EditLine* edit, wchar_t* out) {
  std::string& bytes = of(edit).bytes_;
  while (bytes.empty() || text::utf8_unit(bytes, 0).kind == text::Utf8Unit::kPartial) {
    char byte = 0;
    if (const ssize_t got = interrupt::read(STDIN_FILENO, &byte, 1); got != 1) {
      bytes.clear();
      return static_cast<int>(got);
    }
    bytes += byte;
  }
  const text::Char character = text::char_at(bytes, 0);
  bytes.erase(0, character.size);  // what broke a character off is the next one
  *out = static_cast<wchar_t>(character.code);
  return 1;
}

unsigned char LineEditor::paste(EditLine* edit, int /*key*/) {
  constexpr std::wstring_view kEnd = L"\x1b[201~";
  std::wstring text;
  wchar_t c = 0;
  while (!text.ends_with(kEnd) && get_character(edit, &c) == 1) text += c;
  if (text.ends_with(kEnd)) text.resize(text.size() - kEnd.size());
  if (text.size() > kLongestPaste) return CC_ERROR;  // all or nothing; the terminal's bell tells
  std::wstring clean;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool line_end = text[i] == L'\r' || text[i] == L'\n';
    if (text[i] == L'\n' && i > 0 && text[i - 1] == L'\r') continue;
    if (line_end)
      clean += L'\n';
    else if (text[i] == L'\t')
      clean += L"    ";  // libedit draws a tab by the column, and then loses count of it
    else if (text[i] >= L' ' && text[i] != 0x7F)
      clean += text[i];
  }
  if (!clean.empty() && el_winsertstr(edit, clean.c_str()) != 0) return CC_ERROR;
  return CC_REFRESH;
}

unsigned char LineEditor::new_line(EditLine* edit, int /*key*/) {
  return el_winsertstr(edit, L"\n") == 0 ? CC_REFRESH : CC_ERROR;
}

unsigned char LineEditor::complete(EditLine* edit, int /*key*/) {
  const LineInfoW* line = el_wline(edit);
  const std::string typed =
      to_utf8({line->buffer, static_cast<size_t>(line->cursor - line->buffer)});
  std::string common;
  int matches = 0;
  for (const std::string& word : of(edit).words_) {
    if (typed.empty() || !word.starts_with(typed)) continue;
    if (matches++ == 0) common = word;
    size_t same = 0;
    while (same < common.size() && same < word.size() && common[same] == word[same]) ++same;
    common.resize(same);
  }
  if (matches == 0) return CC_ERROR;
  std::string more = common.substr(typed.size());
  if (matches == 1) more += ' ';
  if (more.empty()) return CC_ERROR;
  return el_winsertstr(edit, to_wide(more).c_str()) == 0 ? CC_REFRESH : CC_ERROR;
}

LineEditor::LineEditor()
    : edit_(el_init("handmill", stdin, stdout, stderr)), history_(history_winit()) {
  el_wset(edit_, EL_CLIENTDATA, this);
  el_wset(edit_, EL_PROMPT, prompt);
  el_wset(edit_, EL_EDITOR, L"emacs");
  el_wset(edit_, EL_SIGNAL, 1);
  // Between two prompts keys only wait. In canonical mode the terminal would take them for itself
  // and give the editor what it makes of them: of a Ctrl-D a null, on which nothing ends.
  el_wset(edit_, EL_SETTY, L"-x", L"-icanon", L"-echo", nullptr);
  el_wset(edit_, EL_GETCFN, get_character);
  bind_keys();
  open_history();
  el_source(edit_, nullptr);  // a user's own ~/.editrc comes last
}

LineEditor::~LineEditor() {
  HistEventW event;
  if (!history_file_.empty()) history_w(history_, &event, H_SAVE, history_file_.c_str());
  history_wend(history_);
  el_end(edit_);
}

void LineEditor::bind_keys() {
  el_wset(edit_, EL_ADDFN, L"paste", L"Insert what the terminal pastes", paste);
  el_wset(edit_, EL_ADDFN, L"new-line", L"Insert a line feed", new_line);
  el_wset(edit_, EL_ADDFN, L"complete", L"Complete a command", complete);
  constexpr const wchar_t* kKeys[][2] = {
      {L"\x1b[200~", L"paste"},
      {L"\x1b\r", L"new-line"},
      {L"\x1b\n", L"new-line"},
      {L"\t", L"complete"},
      {L"^R", L"em-inc-search-prev"},
      {L"^W", L"ed-delete-prev-word"},
      {L"\x1b[H", L"ed-move-to-beg"},
      {L"\x1b[F", L"ed-move-to-end"},
      {L"\x1b[1~", L"ed-move-to-beg"},
      {L"\x1b[4~", L"ed-move-to-end"},
      {L"\x1b[3~", L"ed-delete-next-char"},
      {L"\x1b[1;5C", L"em-next-word"},
      {L"\x1b[1;5D", L"ed-prev-word"},
  };
  for (const auto& [key, function] : kKeys) el_wset(edit_, EL_BIND, key, function, nullptr);
}

void LineEditor::open_history() {
  HistEventW event;
  history_w(history_, &event, H_SETSIZE, kHistorySize);
  history_w(history_, &event, H_SETUNIQUE, 1);
  el_wset(edit_, EL_HIST, history_w, history_);
  const std::string home = home_folder();
  if (home.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(home, error);
  if (error) return;  // a chat without a lasting history is still a chat
  history_file_ = home + "/history";
  history_w(history_, &event, H_LOAD, history_file_.c_str());
  // What someone asked is nobody else's business; libedit would make the file readable to all.
  const int fd = ::open(history_file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::fchmod(fd, 0600);
    ::close(fd);
  }
}

Line LineEditor::read(const std::string& text) {
  interrupt::clear();
  prompt_ = to_wide(text);
  const bool style = terminal::has_style(STDOUT_FILENO);
  if (style) std::fputs(kPasteOn, stdout);
  std::fflush(stdout);
  int count = 0;
  const wchar_t* got = el_wgets(edit_, &count);
  if (style) std::fputs(kPasteOff, stdout);
  Line line;
  if (got != nullptr && count > 0) {
    std::wstring_view wide(got, static_cast<size_t>(count));
    if (wide.ends_with(L'\n')) wide.remove_suffix(1);
    line = {Line::Kind::kText, to_utf8(wide)};
  } else {
    line.kind = interrupt::raised() ? Line::Kind::kInterrupt : Line::Kind::kEnd;
    std::fputs("\n", stdout);
  }
  std::fflush(stdout);
  return line;
}

void LineEditor::remember(const std::string& entry) {
  HistEventW event;
  history_w(history_, &event, H_ENTER, to_wide(entry).c_str());
}

}  // namespace

std::unique_ptr<LineSource> make_line_editor() { return std::make_unique<LineEditor>(); }

}  // namespace handmill::cli
