// The filters behind |. A new one is a function in a filter_*.cpp and a line in the table.
#pragma once

#include <string_view>

#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

struct Filter {
  std::string_view name;
  Result<Value> (*apply)(Interpreter& in, const Value& subject, const Arguments& arguments);
};

/// Null: there is none of that name.
const Filter* find_filter(std::string_view name);

// filter_text.cpp
#define HANDMILL_FILTER(function) \
  Result<Value> function(Interpreter& in, const Value& subject, const Arguments& arguments)
HANDMILL_FILTER(filter_upper);
HANDMILL_FILTER(filter_lower);
HANDMILL_FILTER(filter_capitalize);
HANDMILL_FILTER(filter_title);
HANDMILL_FILTER(filter_trim);
HANDMILL_FILTER(filter_replace);
HANDMILL_FILTER(filter_center);
HANDMILL_FILTER(filter_indent);
HANDMILL_FILTER(filter_truncate);
HANDMILL_FILTER(filter_wordcount);
HANDMILL_FILTER(filter_string);
HANDMILL_FILTER(filter_format);
// filter_markup.cpp
HANDMILL_FILTER(filter_safe);
HANDMILL_FILTER(filter_escape);
HANDMILL_FILTER(filter_forceescape);
HANDMILL_FILTER(filter_striptags);
HANDMILL_FILTER(filter_urlencode);
HANDMILL_FILTER(filter_xmlattr);
HANDMILL_FILTER(filter_tojson);
// filter_number.cpp
HANDMILL_FILTER(filter_abs);
HANDMILL_FILTER(filter_int);
HANDMILL_FILTER(filter_float);
HANDMILL_FILTER(filter_round);
HANDMILL_FILTER(filter_sum);
HANDMILL_FILTER(filter_filesizeformat);
// filter_list.cpp
HANDMILL_FILTER(filter_length);
HANDMILL_FILTER(filter_first);
HANDMILL_FILTER(filter_last);
HANDMILL_FILTER(filter_list);
HANDMILL_FILTER(filter_join);
HANDMILL_FILTER(filter_reverse);
HANDMILL_FILTER(filter_items);
HANDMILL_FILTER(filter_batch);
HANDMILL_FILTER(filter_slice);
HANDMILL_FILTER(filter_default);
HANDMILL_FILTER(filter_attr);
// filter_order.cpp
HANDMILL_FILTER(filter_sort);
HANDMILL_FILTER(filter_dictsort);
HANDMILL_FILTER(filter_groupby);
HANDMILL_FILTER(filter_unique);
HANDMILL_FILTER(filter_min);
HANDMILL_FILTER(filter_max);
// filter_select.cpp
HANDMILL_FILTER(filter_map);
HANDMILL_FILTER(filter_select);
HANDMILL_FILTER(filter_reject);
HANDMILL_FILTER(filter_selectattr);
HANDMILL_FILTER(filter_rejectattr);
#undef HANDMILL_FILTER

}  // namespace handmill::chat::jinja
