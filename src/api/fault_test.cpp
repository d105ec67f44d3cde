// Faults in every dialect.
#include <gtest/gtest.h>

#include "api/dialect.h"

namespace handmill::api {
namespace {

TEST(Fault, IsOneShapeInEachDialect) {
  const Fault fault{Fault::Kind::kInvalid, "n is \"x\"", "n"};
  EXPECT_EQ(error_body(Dialect::kOpenAI, fault),
            R"({"error":{"message":"n is \"x\"","type":"invalid_request_error","param":"n",)"
            R"("code":"invalid_value"}})");
  EXPECT_EQ(error_body(Dialect::kOllama, fault), R"({"error":"n is \"x\""})");
  EXPECT_EQ(error_body(Dialect::kAnthropic, fault),
            R"({"type":"error","error":{"type":"invalid_request_error","message":"n is \"x\""}})");
}

TEST(Fault, HasNoParamWhereNoFieldIsWrong) {
  EXPECT_EQ(error_body(Dialect::kOpenAI, {Fault::Kind::kBusy, "full"}),
            R"({"error":{"message":"full","type":"overloaded_error","param":null,)"
            R"("code":"server_busy"}})");
}

TEST(Fault, HasAStatus) {
  const std::pair<Fault::Kind, int> rows[] = {
      {Fault::Kind::kInvalid, 400},     {Fault::Kind::kContext, 400},
      {Fault::Kind::kUnsupported, 400}, {Fault::Kind::kUnauthorized, 401},
      {Fault::Kind::kForbidden, 403},   {Fault::Kind::kNotFound, 404},
      {Fault::Kind::kMethod, 405},      {Fault::Kind::kTooLarge, 413},
      {Fault::Kind::kBusy, 503},        {Fault::Kind::kUnavailable, 503},
      {Fault::Kind::kInternal, 500},
  };
  for (const auto& [kind, status] : rows) EXPECT_EQ(http_status(kind), status);
}

TEST(Fault, TellsAContextThatIsTooSmall) {
  const std::string body = error_body(Dialect::kOpenAI, {Fault::Kind::kContext, "9 of 8 tokens"});
  EXPECT_NE(body.find(R"("code":"context_length_exceeded")"), std::string::npos) << body;
}

}  // namespace
}  // namespace handmill::api
