// Template's own duties: variables, errors with their lines, whitespace. (What expressions give is
// held against Jinja2 by tests/python/test_templates.py.)
#include <gtest/gtest.h>
#include <string>

#include "chat/render_check.h"

namespace handmill::chat {
namespace {

TEST(Template, VariablesOfAConversation) {
  auto parsed = Template::parse(
      "{{ bos_token }}{% for m in messages %}{{ m.role }}={{ m.content }}"
      "{% if m.name is defined %}({{ m.name }}){% endif %};{% endfor %}"
      "{{ tools is none }},{{ documents is none }},{{ add_generation_prompt }},{{ thinking }}",
      "<s>", "</s>");
  ASSERT_TRUE(parsed.ok());
  RenderOptions options;
  options.extra = {{"thinking", false}};
  EXPECT_EQ(marked((*parsed)->render({{"user", "hi", {{"name", "Bo"}}}, {"assistant", "yo", {}}},
                                     options)),
            "<s>[user]=[hi]([Bo]);[assistant]=[yo];True,True,True,False");
  options.tools = {{{"type", "function"}}};
  options.add_generation_prompt = false;
  EXPECT_EQ(marked((*parsed)->render({{"user", "x", {{"content", "over"}}}}, options)),
            "<s>[user]=[over];False,True,False,False");
}

TEST(Template, ARequestCannotReplaceTheConversation) {
  for (const char* name :
       {"messages", "tools", "add_generation_prompt", "bos_token", "eos_token"}) {
    EXPECT_NE(error_of(render("x", {}, {{name, 1}})).find(name), std::string::npos) << name;
  }
}

TEST(Template, ErrorsNameLineAndConstruct) {
  struct Case {
    std::string_view source, error;
  };
  const Case cases[] = {
      {"a\n\n{{ x|foo }}", "line 3: unknown filter 'foo'"},
      {"{% if x is foo %}{% endif %}\n{{ 1 is bar }}", "line 2: unknown test 'bar'"},
      {"\n{% if true %}\n{{ x|foo }}{% endif %}", "line 3: unknown filter 'foo'"},
      {"{% foo %}", "line 1: unknown tag 'foo'"},
      {"\n{% include 'x' %}", "line 2: the tag 'include' is not supported"},
      {"{% if x %}\n\n", "'endif' is missing"},
      {"\n{{ x", "line 2: expected end of print statement, got end of template"},
      {"{{ 'abc }}", "line 1: unexpected char"},
      {"{{ x ! y }}", "line 1: unexpected char '!'"},
      {"{{ (x] }}", "line 1: unexpected ']', expected ')'"},
      {"\n{# x", "line 2: missing end of comment tag"},
      {"{% raw %}x", "line 1: missing end of raw directive"},
      {"{{ 'a\nb' }}\n{{ x.y.z }}", "line 3: 'x' is undefined"},
      {"\n{{ messages.a.b }}", "line 2: 'list object' has no attribute 'a'"},
      {"\n\n{{ raise_exception('no ' ~ 'way') }}", "line 3: the template refuses: no way"},
      {"{% macro m() %}\n{{ 1 + 'a' }}{% endmacro %}\n\n{{ m() }}", "line 2: unsupported operand"},
      {"{{ [].append(1) }}", "line 1: access to attribute 'append' of 'list' object is unsafe"},
      {"{{ ''.__class__.__mro__ }}", "line 1: access to attribute '__class__'"},
      {"{% break %}", "line 1: 'break' outside of a loop"},
      {"{% for loop in x %}{% endfor %}", "line 1: the special variable 'loop'"},
      {"{% set x.y = 1 %}", "line 1: cannot assign attribute on non-namespace object"},
      {"{{ 1 / 0 }}", "line 1: division by zero"},
      {"{{ namespace(a=1).a() }}", "line 1: 'int' object is not callable"},
      {"\xff", "the template is not UTF-8 at byte 0"},
  };
  for (const Case& c : cases) {
    std::string error = error_of(render(c.source));
    EXPECT_NE(error.find(c.error), std::string::npos) << c.source << "\n  " << error;
  }
}

TEST(Template, TheSpecialCharactersOfHtmlStayAsTheyAre) {
  EXPECT_EQ(marked(render("{{ u }}{{ u|tojson }}", {}, {{"u", "<&'\""}})), "[<&'\"]\"[<&'\\\"]\"");
}

TEST(Template, BlocksOnTheirOwnLinesLeaveNone) {
  EXPECT_EQ(marked(render("a\n  {% if true %}\n  b\n  {% endif %}\n\nc\n")), "a\n  b\n\nc");
  EXPECT_EQ(marked(render("a \n {%- if true -%} \n b {%+ endif +%}\nz")), "ab \nz");
  EXPECT_EQ(marked(render("{{ 1 }}\n  {#- x #}\n  {{ 2 }}\r\nend\r\n")), "1  2\nend");
}

TEST(Template, BigIntegersOfToolsAreExact) {
  EXPECT_EQ(marked(render("{{ u|tojson }} {{ u + 1 }}", {}, {{"u", 18446744073709551615u}})),
            "18446744073709551615 18446744073709551616");
}

TEST(Template, OneTemplateServesManyThreadsAndRenders) {
  auto parsed = Template::parse("{% for m in messages %}{{ m.content }}{% endfor %}", "", "");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(marked((*parsed)->render({{"user", "a", {}}})), "[a]");
  EXPECT_EQ(marked((*parsed)->render({{"user", "b", {}}})), "[b]");
}

}  // namespace
}  // namespace handmill::chat
