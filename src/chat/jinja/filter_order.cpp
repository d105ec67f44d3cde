// Filters that compare items: sort, dictsort, groupby, unique, min, max. Strings compare without
// case unless the caller asks otherwise.
#include <algorithm>
#include <unordered_set>

#include "chat/jinja/arguments.h"
#include "chat/jinja/attribute_path.h"
#include "chat/jinja/compare.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/objects.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

Result<Value> ignoring_case(Interpreter& in, Value value, bool case_sensitive) {
  if (case_sensitive || !value.text()) return value;
  return in.text(in_case(*value.text(), Case::kLower));
}

struct Keyed {
  Value key, item;
};

/// Stable; the first comparison that fails decides.
Status sort_by_key(Interpreter& in, std::vector<Keyed>& items, bool reverse) {
  Status failure;
  auto less = [&](const Keyed& a, const Keyed& b) {
    if (!failure.ok()) return false;
    auto result =
        reverse ? compare(in, Op::kLess, b.key, a.key) : compare(in, Op::kLess, a.key, b.key);
    if (!result.ok()) failure = result.error();
    return result.ok() && *result;
  };
  std::stable_sort(items.begin(), items.end(), less);
  return failure;
}

Result<Value> list_of(std::vector<Keyed> keyed) {
  std::vector<Value> items;
  items.reserve(keyed.size());
  for (Keyed& entry : keyed) items.push_back(std::move(entry.item));
  return make_sequence(std::move(items));
}

/// Each item with the value at its path.
Result<std::vector<Keyed>> keyed_by(Interpreter& in, const Value& subject,
                                    const AttributePath& path, bool case_sensitive,
                                    const Value& fallback = {}) {
  HANDMILL_TRY(Items items, in.iterate(subject));
  std::vector<Keyed> keyed;
  for (const Value& item : items) {
    HANDMILL_OK(in.spend());
    HANDMILL_TRY(Value key, path.get(in, item, fallback));
    HANDMILL_TRY(key, ignoring_case(in, std::move(key), case_sensitive));
    keyed.push_back({std::move(key), item});
  }
  return keyed;
}

/// "a.b,c": several paths, whose values make a list to compare.
Result<std::vector<AttributePath>> paths_of(const Value& attribute) {
  std::vector<AttributePath> paths;
  if (!attribute.text()) {
    HANDMILL_TRY(AttributePath path, AttributePath::parse(attribute));
    paths.push_back(std::move(path));
    return paths;
  }
  std::string_view rest = attribute.text()->view();
  for (bool more = true; more;) {
    size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    HANDMILL_TRY(AttributePath path, AttributePath::parse(Value::text(rest.substr(0, comma))));
    paths.push_back(std::move(path));
    if (more) rest.remove_prefix(comma + 1);
  }
  return paths;
}

Result<Value> extreme(Interpreter& in, const Value& subject, const Arguments& arguments, Op op) {
  HANDMILL_TRY(auto p, bind(arguments, "min", {"case_sensitive", "attribute"}));
  HANDMILL_TRY(AttributePath path, AttributePath::parse(p[1] ? *p[1] : Value()));
  HANDMILL_TRY(std::vector<Keyed> keyed, keyed_by(in, subject, path, truth_or(p[0], false)));
  if (keyed.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  size_t best = 0;
  for (size_t i = 1; i < keyed.size(); ++i) {
    HANDMILL_TRY(bool better, compare(in, op, keyed[i].key, keyed[best].key));
    if (better) best = i;
  }
  return std::move(keyed[best].item);
}

}  // namespace

Result<Value> filter_sort(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "sort", {"reverse", "case_sensitive", "attribute"}));
  HANDMILL_TRY(std::vector<AttributePath> paths, paths_of(p[2] ? *p[2] : Value()));
  HANDMILL_TRY(Items items, in.iterate(subject));
  bool case_sensitive = truth_or(p[1], false);
  std::vector<Keyed> keyed;
  for (const Value& item : items) {
    HANDMILL_OK(in.spend());
    std::vector<Value> keys;
    for (const AttributePath& path : paths) {
      HANDMILL_TRY(Value key, path.get(in, item));
      HANDMILL_TRY(key, ignoring_case(in, std::move(key), case_sensitive));
      keys.push_back(std::move(key));
    }
    HANDMILL_TRY(Value key, make_sequence(std::move(keys)));
    keyed.push_back({std::move(key), item});
  }
  bool reverse = false;
  if (p[0]) {
    HANDMILL_TRY(Int flag, require_integer(*p[0]));
    reverse = flag != 0;
  }
  HANDMILL_OK(sort_by_key(in, keyed, reverse));
  return list_of(std::move(keyed));
}

Result<Value> filter_dictsort(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "dictsort", {"case_sensitive", "by", "reverse"}));
  HANDMILL_TRY(TextPtr by, text_or(p[1], "key"));
  if (by->view() != "key" && by->view() != "value") {
    return base::invalid("dictsort: by must be \"key\" or \"value\"");
  }
  if (!subject.dict()) {
    return base::invalid("'{}' object has no attribute 'items'", subject.type_name());
  }
  bool case_sensitive = truth_or(p[0], false);
  std::vector<Keyed> keyed;
  for (const Dict::Entry& entry : subject.dict()->entries()) {
    HANDMILL_OK(in.spend());
    HANDMILL_TRY(Value key,
                 ignoring_case(in, by->view() == "key" ? entry.key : entry.value, case_sensitive));
    HANDMILL_TRY(Value pair, make_sequence({entry.key, entry.value}, Sequence::Kind::kTuple));
    keyed.push_back({std::move(key), std::move(pair)});
  }
  HANDMILL_OK(sort_by_key(in, keyed, truth_or(p[2], false)));
  return list_of(std::move(keyed));
}

Result<Value> filter_groupby(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "groupby", {"attribute", "default", "case_sensitive"}, 1));
  HANDMILL_TRY(AttributePath path, AttributePath::parse(*p[0]));
  Value fallback = p[1] ? *p[1] : Value();
  HANDMILL_TRY(std::vector<Keyed> keyed,
               keyed_by(in, subject, path, truth_or(p[2], false), fallback));
  HANDMILL_OK(sort_by_key(in, keyed, false));
  std::vector<Value> groups;
  for (size_t i = 0; i < keyed.size();) {
    HANDMILL_TRY(Value key, path.get(in, keyed[i].item, fallback));
    Value group_key = keyed[i].key;
    std::vector<Value> members;
    for (; i < keyed.size(); ++i) {
      HANDMILL_TRY(bool same, equal(in, group_key, keyed[i].key));
      if (!same && !members.empty()) break;
      members.push_back(keyed[i].item);
    }
    HANDMILL_TRY(Value list, make_sequence(std::move(members)));
    HANDMILL_TRY(Value group,
                 make_sequence({std::move(key), std::move(list)}, Sequence::Kind::kGroup));
    groups.push_back(std::move(group));
  }
  return make_sequence(std::move(groups));
}

Result<Value> filter_unique(Interpreter&, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "unique", {"case_sensitive", "attribute"}));
  bool case_sensitive = truth_or(p[0], false);
  Value attribute = p[1] ? *p[1] : Value();
  auto produce = [=](Interpreter& run) -> Result<std::vector<Value>> {
    HANDMILL_TRY(AttributePath path, AttributePath::parse(attribute));
    HANDMILL_TRY(std::vector<Keyed> keyed, keyed_by(run, subject, path, case_sensitive));
    std::unordered_set<std::string> seen;
    std::vector<Value> items;
    for (Keyed& entry : keyed) {
      HANDMILL_TRY(std::string code, key_code(entry.key));
      HANDMILL_OK(run.spend_bytes(code.size()));
      if (seen.insert(std::move(code)).second) items.push_back(std::move(entry.item));
    }
    return items;
  };
  return make_generator("generator object sync_do_unique", subject.depth() + 1, produce);
}

Result<Value> filter_min(Interpreter& in, const Value& subject, const Arguments& arguments) {
  return extreme(in, subject, arguments, Op::kLess);
}
Result<Value> filter_max(Interpreter& in, const Value& subject, const Arguments& arguments) {
  return extreme(in, subject, arguments, Op::kGreater);
}

}  // namespace handmill::chat::jinja
