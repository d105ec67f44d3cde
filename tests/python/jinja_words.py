"""The words of jinja_generator.py: variables, and what can be done to values of each kind."""


def words(text):
    """Two spaces or a new line lie between them."""
    return [word for line in text.split("\n") for word in line.split("  ") if word]


CONTEXT = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Grüße, 世界! <|im_start|> it's \"ok\"\n\tindent\n\nend"},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "abc123def", "type": "function",
             "function": {"name": "f", "arguments": {"x": 1, "y": [1.5, None, True]}}}]},
        {"role": "tool", "content": "42", "tool_call_id": "abc123def"},
    ],
    "tools": [
        {"type": "function", "function": {
            "name": "get", "description": "a \"tool\"",
            "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}},
    ],
    "n": 7, "k": -3, "f": 2.5, "big": 12345678901234567890, "zero": 0,
    "yes": True, "no": False, "nil": None,
    "s": "Hello, World", "t": "straße ΑΣ ǅ", "e": "", "w": "  a b\tc \n", "digits": " 42 ",
    "html": "<a href='x'>&</a>",
    "xs": [3, 1, 2], "ys": ["b", "A", "c", "a", "B"], "nested": [[1, [2, 3]], [4]], "empty": [],
    "mixed": [1, "a", None, 2.0, True, [1, 2], {"k": "v"}],
    "d": {"b": 1, "A": 2, "c": [1]}, "none_d": {},
    "users": [
        {"name": "Zoë", "age": 30, "tags": ["x", "y"]},
        {"name": "adam", "age": 25, "tags": []},
        {"name": "Bob", "age": 30},
    ],
}
NUMBERS = words(r"""
n  k  f  zero  yes  1  2  0  -1  3.5  10  1e3  0x1f  1_000  big
""")
STRINGS = words(r"""
s  t  e  w  digits  html  'a'  "b c"  'it\'s'  '\n'  '\u00e9x'  '%s-%s'  '{} {}'  ', '
""")
LISTS = words(r"""
xs  ys  mixed  nested  empty  users  messages  d  s  [1, 2, 3]  (1, 2)  range(4)  d.items()  []
['x', 'yy', 'zzz']  d.keys()  d.values()
""")
DICTS = words(r"""
d  none_d  users[0]  messages[2]  {'a': 1, 'b': [2]}  {1: 'x', 1.0: 'y', none: 2}  tools[0]
dict(a=1, b='z')
""")
NUMBER_FILTERS = words(r"""
length  int  float  abs  round  count  int(5)  round(1)  sum  round(1, 'ceil')  round(1, 'floor')
wordcount  round(-1)  float(1.5)  int(0, 16)
""")
STRING_FILTERS = words(r"""
upper  lower  title  capitalize  trim  string  replace('l', 'L')  replace('', '-', 3)  center(20)
indent  indent(2, true)  indent(width='>>', blank=true)  truncate(8)  truncate(9, true)
truncate(7, false, '!', 0)  e  escape  safe  urlencode  striptags  forceescape  first  last
reverse  list  default('dflt')  d('x', true)  length  wordcount  trim('H ')  join('.')  tojson
format('x', 'y')  format(1, 2)  sort  unique|list  batch(3)|list  int  float
""")
STRING_METHODS = words(r"""
upper()  lower()  title()  capitalize()  swapcase()  casefold()  strip()  lstrip()  rstrip()
strip('Hd ')  lstrip('\n')  split()  split(',')  split(',', 1)  rsplit(' ', 1)  split(' ')[-1]
split('l')[0]  splitlines()  splitlines(true)  replace('o', '0')  replace('l', 'LL', 1)
replace('', '.')  startswith('He')  endswith(('ld', 'x'))  startswith('l', 2)  find('o')
rfind('o')  find('o', 5)  count('l')  index('W')  join(['a', 'b'])  join(ys)  partition(', ')
rpartition('o')  removeprefix('He')  removesuffix('ld')  isdigit()  isalpha()  isspace()
isupper()  islower()  istitle()  isalnum()  isnumeric()  isdecimal()  isidentifier()  isascii()
isprintable()  center(21, '*')  ljust(15)  rjust(15, '.')  zfill(14)  expandtabs(4)
format(1, 'z')  split(none, 1)  rsplit()  rsplit(none, 1)  nothing()  nothing  encode  split('')
split(maxsplit=1)  split(sep=',')
""")
LIST_FILTERS = words(r"""
list  length  first  last  join  join(', ')  join('-', attribute='name')  reverse|list  sort
sort(reverse=true)  sort(attribute='name')  sort(attribute='age,name')  sort(case_sensitive=true)
unique|list  unique(attribute='age')|list  min  max  sum  sum(attribute='age')  map('upper')|list
map(attribute='name')|list  map(attribute='tags', default='-')|list  map(attribute='tags.0')|list
map('string')|join('|')  select|list  reject|list  select('string')|list  select('odd')|list
reject('none')|list  selectattr('age')|list  selectattr('age', 'gt', 26)|list
selectattr('name', '==', 'Bob')|list  rejectattr('tags', 'defined')|list
selectattr('role', 'equalto', 'user')|map(attribute='content')|list  groupby('age')|list
groupby('name')  groupby('nope', default='q')  batch(2)|list  batch(2, 'f')|list  slice(2)|list
slice(3, 0)|list  tojson  tojson(indent=2)  tojson(sort_keys=true)  tojson(separators=(',', ':'))
tojson(ensure_ascii=true)  string  default([])  map('abs')|list  map('replace', 'a', 'b')|list
map('default', 'z')|list  dictsort  dictsort(false, 'value')  items|list  random_nope
map('length')|list  max(attribute='age')  min(case_sensitive=true)  pprint_nope
map('tojson')|join(',')  map('first')|list  xmlattr  select('in', [1, 'a'])|list
reject('mapping')|list
""")
DICT_ACCESS = words(r"""
.items()|list  .keys()|list  .values()|list  .get('a')  .get('zz', 'q')  ['b']  .b  .nope  |length
|items|list  |tojson  |dictsort  |list  .copy()  .update({})  |tojson(indent=4)  .items()  .keys()
|xmlattr  |string  .name  .nope.nope  |first  |last  |map('string')|join
""")
TESTS = words(r"""
defined  undefined  none  string  number  integer  float  boolean  true  false  mapping  iterable
sequence  callable  odd  even  divisibleby(3)  divisibleby 2  eq(1)  ne 'a'  gt 1  lt(5)  ge 2
le 2  in [1, 'a', none]  sameas none  sameas(true)  lower  upper  equalto 'x'  escaped  filter
test  lessthan 3  greaterthan 3
""")
LOOP_PARTS = words(r"""
loop.index  loop.index0  loop.first  loop.last  loop.length  loop.revindex  loop.revindex0
loop.cycle('a', 'b')  loop.previtem  loop.nextitem  loop.depth  loop.changed(x)  loop.depth0
loop.nope
""")
