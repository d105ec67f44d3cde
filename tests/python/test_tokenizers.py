"""Our tokenizers against the `tokenizers` and `sentencepiece` packages.

Vocabularies are trained here, on text made here, and written to GGUF files; the build's text_tool
reads them and must give the packages' ids and text on random multilingual text. HANDMILL_BUILD
names the build folder.
"""

import json
import os
import random
import subprocess
from pathlib import Path

import gguf
import pytest
import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

CASES = 400
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
SUFFIX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACES = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
LLAMA3 = SUFFIX + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + SPACES
QWEN2 = SUFFIX + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + SPACES
QWEN35 = (SUFFIX + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
          + SPACES)
TEKKEN = (UPPER + "*" + LOWER + "+|" + UPPER + "+" + LOWER
          + r"*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + SPACES)
GPT4O = (UPPER + "*" + LOWER + "+" + SUFFIX + "?|" + UPPER + "+" + LOWER + "*" + SUFFIX
         + r"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + SPACES)
DEEPSEEK_LETTERS = (
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿ\u0386Έ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-"
    "Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u1f7dᾀ-ᾴᾶ-ᾼ\u1fbeῂ-ῄῆ-ῌῐ-\u1fd3ῖ-\u1fdbῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u2126ℨ\u212a-"
    "ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃")
DEEPSEEK_CJK = "[一-龥ࠀ-一가-\ud7ff]+"
DEEPSEEK3 = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"
             r"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*" + SPACES)
# tokenizer.ggml.pre: the published patterns, applied one after another
PATTERNS = {
    "gpt-2": [GPT2],
    "smollm": [r"\p{N}", GPT2],
    "llama-bpe": [LLAMA3],
    "dbrx": [LLAMA3],
    "glm4": [LLAMA3],
    "qwen2": [QWEN2],
    "deepseek-r1-qwen": [QWEN2],
    "qwen35": [QWEN35],
    "tekken": [TEKKEN],
    "gpt-4o": [GPT4O],
    "deepseek-llm": [r"[\r\n]", rf"\s?[{DEEPSEEK_LETTERS}]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
                     r"\s+$", DEEPSEEK_CJK, r"\p{N}+"],
    "deepseek-coder": [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", DEEPSEEK_CJK, r"\p{N}"],
    "deepseek-v3": [r"\p{N}{1,3}", r"[一-龥\u3040-ゟ゠-ヿ]+", DEEPSEEK3],
}
IGNORE_MERGES = {"llama-bpe", "tekken"}
CONTROL = ["<|begin|>", "<|end|>"]
USER_DEFINED = ["<tool_call>", "<tool_call>x"]
NORMAL, UNKNOWN, CONTROL_TYPE, USER_DEFINED_TYPE, UNUSED, BYTE = range(1, 7)

WORDS = """
    the quick brown fox jumps over lazy dogs and I'm sure they'll say don't we've it's HTTPServer
    camelCase naïve café Ångström İstanbul Привет мир как дела γλώσσα ελληνικά שלום עולם مرحبا
    بالعالم ह\u093fन्दी पाठ भाषा ภาษาไทย 你好 世界 大模型 量化 日本語の テキスト 한국어 텍스트 emoji🙂 👩\u200d👩\u200d👧 ½ ²
    ™ ﬁ ǅ ʰ ªº e\u0301 'S 'ſ O'Reilly's 2026-11-22 3.14159 1,234,567 x86_64 #include <b> != && //
    /* */ __init__ https://example.com/a?b=c user@example.com "quoted" (parentheses) [brackets]
    {braces} $9.99 €8.50 … — “ ” 。 ！""".split()
SEPARATORS = [*[" "] * 12, "  ", "   ", "\n",
    "\n\n", "\r\n", "\t", " \n ", "", "", ".", ", ", "/", "//\n", "\u00a0", "\u2003"]
ALPHABETS = ["abcdefghijklmnopqrstuvwxyz", "ABCXYZ", "0123456789", " \n\r\t",
    "!?.,;:'\"/\\-_()[]{}<>@#$%^&*+=|~`", "\u0301\u0308\u093f\u0e48", "жяйЖЯ", "字符漢", "かなカナ",
    "한글", "🙂👍🏽\u200d", "\u0085\u00a0\u2028\u3000\u200b\ufeff", "ªºʰǅſK"]


def random_text(rng):
    parts = []
    for _ in range(rng.randint(0, 14)):
        if rng.random() < 0.6:
            parts.append(rng.choice(WORDS if rng.random() < 0.9 else USER_DEFINED + CONTROL))
        else:
            parts.append("".join(rng.choices(rng.choice(ALPHABETS), k=rng.randint(1, 5))))
        parts.append(rng.choice(SEPARATORS))
    return "".join(parts)


def corpus(rng):
    return [random_text(rng) for _ in range(3000)]


def ask(model, requests):
    """What text_tool answers to each request."""
    tools = list(Path(os.environ["HANDMILL_BUILD"]).rglob("text_tool"))
    assert len(tools) == 1, f"one text_tool under HANDMILL_BUILD, not {tools}"
    lines = "".join(json.dumps(each) + "\n" for each in requests)
    done = subprocess.run([tools[0], model], input=lines, capture_output=True, encoding="utf-8",
                          check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def require_same(model, texts, ids_of, text_of, special):
    answers = ask(model, [{"text": text, "special": special} for text in texts])
    for text, answer in zip(texts, answers, strict=True):
        expected = ids_of(text)
        assert answer["ids"] == expected, repr(text)
        assert answer["text"] == text_of(expected), repr(text)


def write_bpe(path, pre, tokenizer):
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    types = [CONTROL_TYPE if each in CONTROL else USER_DEFINED_TYPE if each in USER_DEFINED
             else NORMAL for each in tokens]
    merges = [each if isinstance(each, str) else " ".join(each) for each in model["merges"]]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    finish(writer)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def train_bpe(pre, texts):
    """A tokenizer as tokenizer.json files describe it: Split for every pattern, then bytes."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=pre in IGNORE_MERGES))
    splits = [pre_tokenizers.Split(Regex(each), "isolated") for each in PATTERNS[pre]]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [*splits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=1500, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_tokens([AddedToken(each, normalized=False) for each in USER_DEFINED])
    tokenizer.add_special_tokens(
        [AddedToken(each, special=True, normalized=False) for each in CONTROL])
    return tokenizer


def without_control_tokens(tokenizer):
    spelled = json.loads(tokenizer.to_str())
    spelled["added_tokens"] = [each for each in spelled["added_tokens"] if not each["special"]]
    return Tokenizer.from_str(json.dumps(spelled))


@pytest.mark.parametrize("pre", PATTERNS)
def test_byte_level_bpe(pre, tmp_path):
    rng = random.Random(pre)
    tokenizer = train_bpe(pre, corpus(rng))
    path = tmp_path / "bpe.gguf"
    write_bpe(path, pre, tokenizer)
    texts = [random_text(rng) for _ in range(CASES)]
    require_same(path, texts, lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
                 lambda ids: tokenizer.decode(ids, skip_special_tokens=True), special=True)
    # In plain text a control token is its letters: the package, without having heard of it.
    plain = without_control_tokens(tokenizer)
    require_same(path, texts, lambda text: plain.encode(text, add_special_tokens=False).ids,
                 lambda ids: plain.decode(ids), special=False)


SENTENCEPIECE = {
    # name: training options; the GGUF flags follow from them
    "prefix": {"add_dummy_prefix": True},
    "no_prefix": {"add_dummy_prefix": False,
                  "user_defined_symbols": ["<tool_call>", "▁▁", "\n\n"]},
    "no_bytes": {"add_dummy_prefix": True, "byte_fallback": False},
    "extra_whitespaces": {"add_dummy_prefix": True, "remove_extra_whitespaces": True},
    "digits": {"add_dummy_prefix": True, "split_digits": True,
               "allow_whitespace_only_pieces": True},
}


def train_sentencepiece(folder, options, texts):
    source = folder / "corpus.txt"
    source.write_text("\n".join(" ".join(text.split()) for text in texts), encoding="utf-8")
    merged = {"byte_fallback": True, "remove_extra_whitespaces": False, "vocab_size": 1200,
              **options}
    sentencepiece.SentencePieceTrainer.train(
        input=str(source), model_prefix=str(folder / "sp"), model_type="bpe",
        normalization_rule_name="identity", character_coverage=0.995, hard_vocab_limit=False,
        minloglevel=2, **merged)
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "sp.model")), merged


def write_sentencepiece(path, model, options):
    tokens, scores, types = [], [], []
    for i in range(model.vocab_size()):
        piece = model.id_to_piece(i)
        kind = (UNKNOWN if model.is_unknown(i) else CONTROL_TYPE if model.is_control(i)
                else BYTE if model.is_byte(i)
                else USER_DEFINED_TYPE if piece in options.get("user_defined_symbols", [])
                else NORMAL)
        tokens.append(piece.encode())
        scores.append(model.get_score(i))
        types.append(kind)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_unk_token_id(model.unk_id())
    writer.add_bos_token_id(model.bos_id())
    writer.add_eos_token_id(model.eos_id())
    writer.add_add_space_prefix(options["add_dummy_prefix"])
    writer.add_bool("tokenizer.ggml.remove_extra_whitespaces", options["remove_extra_whitespaces"])
    finish(writer)


@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_sentencepiece(name, tmp_path):
    rng = random.Random(name)
    model, options = train_sentencepiece(tmp_path, SENTENCEPIECE[name], corpus(rng))
    path = tmp_path / "sp.gguf"
    write_sentencepiece(path, model, options)
    texts = [random_text(rng) for _ in range(CASES)]
    require_same(path, texts, model.encode, model.decode, special=False)


def test_segments_are_one_text(tmp_path):
    """Plain pieces, cut anywhere, give the whole's ids; only special ones hold control tokens."""
    rng = random.Random(5)
    tokenizer = train_bpe("qwen2", corpus(rng))
    path = tmp_path / "bpe.gguf"
    write_bpe(path, "qwen2", tokenizer)
    plain = without_control_tokens(tokenizer)
    texts = [random_text(rng) for _ in range(CASES)]
    requests = []
    for text in texts:
        cut = rng.randint(0, len(text))
        user = [{"text": text[:cut]}, {"text": text[cut:]}]
        template = [{"text": each, "special": True} for each in CONTROL]
        requests.append({"segments": [template[0], *user, template[1]]})
    begin, end = (tokenizer.token_to_id(each) for each in CONTROL)
    for text, answer in zip(texts, ask(path, requests), strict=True):
        ids = plain.encode(text, add_special_tokens=False).ids
        assert answer["ids"] == [begin, *ids, end], repr(text)
