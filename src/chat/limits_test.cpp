// Templates that ask for too much: each is an error that names the limit, on a small stack. One
// that hung would meet the time limit of the test's runner.
#include <fmt/format.h>
#include <functional>
#include <gtest/gtest.h>
#include <pthread.h>
#include <string>

#include "chat/render_check.h"

namespace handmill::chat {
namespace {

std::string repeated(std::string_view text, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += text;
  return out;
}

bool sanitized() {
#if defined(__SANITIZE_ADDRESS__)
  return true;
#elif defined(__has_feature)
  return __has_feature(address_sanitizer);
#else
  return false;
#endif
}

/// Runs on a thread with 256 KiB of stack (sanitizers' frames need more).
void on_small_stack(std::function<void()> body) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, sanitized() ? 2u << 20 : 256u << 10);
  pthread_t thread;
  auto run = [](void* p) -> void* {
    (*static_cast<std::function<void()>*>(p))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &body), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

struct Bomb {
  std::string_view name;
  std::string source;
  std::string_view error;
};

const std::string kGrow =
    "{% set ns = namespace(s='aaaaaaaaaaaaaaaa', l=[]) %}{% for i in range(100000) %}";

/// What must not recurse in the parser.
std::vector<Bomb> parser_bombs() {
  return {
      {"source", std::string(300 * 1024, 'x'), "template source bytes"},
      {"parentheses", "{{ " + repeated("(", 9000) + repeated(")", 9000) + " }}", "parse depth"},
      {"lists", "{{ " + repeated("[", 9000) + repeated("]", 9000) + " }}", "parse depth"},
      {"nots", "{{ " + repeated("not ", 9000) + "x }}", "parse depth"},
      {"signs", "{{ " + repeated("-", 9000) + "1 }}", "parse depth"},
      {"inline ifs", "{{ " + repeated("1 if x else ", 9000) + "2 }}", "parse depth"},
      {"calls", "{{ x" + repeated("()", 9000) + " }}", "expression height"},
      {"attributes", "{{ x" + repeated(".a", 9000) + " }}", "expression height"},
      {"filters", "{{ x" + repeated("|e", 9000) + " }}", "expression height"},
      {"ifs", repeated("{% if x %}", 9000), "parse depth"},
      {"fors", repeated("{% for x in y %}", 9000), "parse depth"},
      {"mixed operators", "{{ " + repeated("1 or 1 and 1 == 1 + 1 ~ 1 * 1 ** (", 4000),
       "parse depth"},
  };
}

/// What must not recurse, or last, when it runs.
std::vector<Bomb> depth_bombs() {
  return {
      {"loops", "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
       "steps"},
      {"macro recursion", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion depth"},
      {"deep macro recursion",
       "{% macro m(a) %}{% if a %}{% for i in [1] %}{{ [m([{'a': a}]) ~ 'x'] | map('upper') | join "
       "}}"
       "{% endfor %}{% endif %}{% endmacro %}{{ m(1) }}",
       "recursion depth"},
      {"caller recursion",
       "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}",
       "recursion depth"},
      {"loop recursion", "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
       "recursion depth"},
      {"map recursion",
       "{% set ns = namespace(g=[1]) %}{% for i in range(5000) %}{% set ns.g = ns.g|map('abs') %}"
       "{% endfor %}{{ ns.g|list }}",
       "value depth"},
      {"value nesting", kGrow + "{% set ns.l = [ns.l] %}{% endfor %}", "value depth"},
      {"dict nesting", kGrow + "{% set ns.l = {'a': ns.l} %}{% endfor %}", "value depth"},
      {"namespace ring", kGrow + "{% set ns.l = namespace(n=ns.l, me=ns) %}{% endfor %}{{ ns }}",
       ""},
      {"namespace chain", kGrow + "{% set ns.l = namespace(n=ns.l) %}{% endfor %}{{ ns.l }}", ""},
  };
}

/// What must not grow.
std::vector<Bomb> size_bombs() {
  return {
      {"doubling", kGrow + "{% set ns.s = ns.s + ns.s %}{% endfor %}", "string bytes"},
      {"replacing", kGrow + "{% set ns.s = ns.s|replace('a', ns.s) %}{% endfor %}", "string bytes"},
      {"joining", kGrow + "{% set ns.s = (ns.s|list)|join(ns.s) %}{% endfor %}", "string bytes"},
      {"multiplying", "{{ 'x' * 1000000000000000000 }}", "string bytes"},
      {"list multiplying", "{{ [1] * 100000000000 }}", "steps"},
      {"list doubling",
       "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% "
       "endfor %}",
       "steps"},
      {"padding", "{{ 'x'.center(99999999999) }}", "string bytes"},
      {"percent padding", "{{ '%99999999999d' % 1 }}", "string bytes"},
      {"percent precision", "{{ '%.99999999999f' % 1 }}", "format precision"},
      {"brace padding", "{{ '{:>99999999999}'.format(1) }}", "string bytes"},
      {"indent", "{{ 'x\\ny'|indent(99999999999) }}", "string bytes"},
      {"json indent", "{{ [1, [2]]|tojson(indent=99999999999) }}", "string bytes"},
      {"tabs", "{{ '\\t'.expandtabs(99999999999) }}", "string bytes"},
      {"zeros", "{{ 'x'.zfill(99999999999) }}", "string bytes"},
  };
}

/// What must not take long.
std::vector<Bomb> cost_bombs() {
  return {
      {"batch", "{{ [1]|batch(99999999999, 'x')|list }}", "steps"},
      {"slice", "{{ [1]|slice(99999999999)|list }}", "steps"},
      {"range", "{{ range(100001) }}", "range length"},
      {"power", "{{ 9 ** 9 ** 9 }}", "integer"},
      {"integer", "{{ 99999999999999999999999999999999999999999999999 }}", "integer"},
      {"output", "{% for i in range(100000) %}" + std::string(200, 'x') + "{% endfor %}",
       "output bytes"},
      {"many strings",
       "{% set ns = namespace(l=[]) %}{% for i in range(99) %}{% set ns.l = ns.l + ['x' * 4000000 "
       "+ i|string] %}{% endfor %}",
       "live string bytes"},
      {"comparing",
       "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] "
       "%}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
       "steps"},
      {"printing",
       "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% "
       "endfor %}{{ ns.a }}",
       "steps"},
      {"json",
       "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% "
       "endfor %}{{ ns.a|tojson }}",
       "steps"},
      {"hashing",
       "{% set ns = namespace(a=(1,)) %}{% for i in range(60) %}{% set ns.a = (ns.a, ns.a) %}{% "
       "endfor %}{{ {ns.a: 1} }}",
       "dict key bytes"},
      {"sorting", "{% for i in range(9) %}{{ range(99999)|sort|length }}{% endfor %}", "steps"},
      {"splitting", "{{ ('x,' * 4000000).split(',')|length }}", "steps"},
      {"searching",
       "{% set s = 'a' * 4000000 %}{% for i in range(100000) %}{{ s.find('b') }}{{ s.rfind('b') "
       "}}{% endfor %}",
       "steps"},
  };
}

void check_bombs(const std::vector<Bomb>& bombs) {
  for (const Bomb& bomb : bombs) {
    on_small_stack([&] {
      std::string error = error_of(render(bomb.source));
      EXPECT_NE(error.find(bomb.error), std::string::npos)
          << bomb.name << ": " << error.substr(0, 200);
      EXPECT_NE(error.substr(0, 8), "rendered") << bomb.name;
    });
  }
}

TEST(Limits, ParserBombsNameTheirLimit) { check_bombs(parser_bombs()); }
TEST(Limits, DepthBombsNameTheirLimit) { check_bombs(depth_bombs()); }
TEST(Limits, SizeBombsNameTheirLimit) { check_bombs(size_bombs()); }
TEST(Limits, CostBombsNameTheirLimit) { check_bombs(cost_bombs()); }

TEST(Limits, LongSearchesAreLinear) {
  // A naive search from the back would compare the whole needle at each place, for hours.
  EXPECT_EQ(marked(render("{% set s = 'a' * 4000000 %}{{ s.rfind('b' + 'a' * 2000000) }} {{ "
                          "s.find('a' * 2000000 + 'b') }}")),
            "-1 -1");
}

TEST(Limits, DeepMessagesAreRefusedOrPrinted) {
  boost::json::value deep = 1;
  for (int i = 0; i < 60; ++i) deep = boost::json::array{deep};
  EXPECT_EQ(marked(render("{{ u|tojson|length }}", {}, {{"u", deep}})), "121");
  for (int i = 0; i < 200; ++i) deep = boost::json::array{deep};
  EXPECT_NE(error_of(render("{{ u }}", {}, {{"u", deep}})).find("value depth"), std::string::npos);
}

TEST(Limits, TemplatesOfRealSizeAreWellInside) {
  std::string chain = "{{ 'a'" + repeated(" + 'b'", 500) + " }}";
  EXPECT_EQ(marked(render(chain)).size(), 501u);
  std::string elifs = "{% if x == 0 %}0";
  for (int i = 1; i < 300; ++i) elifs += fmt::format("{{% elif x == {} %}}{}", i, i);
  EXPECT_EQ(marked(render(elifs + "{% endif %}", {}, {{"x", 299}})), "299");
  EXPECT_EQ(marked(render(repeated("{% if true %}", 20) + "x" + repeated("{% endif %}", 20))), "x");
  EXPECT_EQ(marked(render("{{ " + repeated("(", 30) + "1" + repeated(")", 30) + " }}")), "1");
}

}  // namespace
}  // namespace handmill::chat
