#!/bin/sh
# Does a changed TensorRT-LLM still say the same? Run from the checkout's root. Exit 0 yes, 1 no, one sentence on stderr.
#
#   autoresearch.checks.sh record     with the unchanged build, once: store its answers as the reference
#   autoresearch.checks.sh            compare
#
# Some prompts are continued greedily. Sums in another order may turn a token round where two are almost as likely, so
# equal text is not asked for: up to the first difference the log-probabilities must agree (CHECK_LIMIT, mean of the
# absolute differences), and so many of the tokens must come before it (CHECK_SHARE). What is not a number is a difference.
#
# From the environment, with defaults: TRTLLM_MODEL (a local folder), CHECK_REFERENCE (a file), CHECK_GENERATE (a command that prints
# the answers: an array, for each prompt an array of [token, log-probability]), CHECK_TIMEOUT in seconds.
# The comparison was tried on made-up answers; generating was not tried on the real thing.
set -u
export TRTLLM_MODEL="${TRTLLM_MODEL:-/usr/local/share/skydeck/model}" HF_HUB_OFFLINE=1
reference=${CHECK_REFERENCE:-/usr/local/share/skydeck/tensorrt-llm-reference.json}

fail() {
	echo "autoresearch.checks.sh: $*" >&2
	exit 1
}

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cat >"$folder/generate.py" <<'PY'
import json, os, sys

PROMPTS = ["The capital of France is", "def fibonacci(n):\n", "Water boils at", "Once upon a time there was a",
           "1, 2, 4, 8, 16,", "The three laws of thermodynamics say", "SELECT name FROM", "Dear Sir or Madam,"]
TOKENS = 48


def answers():
    from tensorrt_llm import LLM, SamplingParams
    llm = LLM(model=os.environ["TRTLLM_MODEL"])
    asked = SamplingParams(temperature=0, max_tokens=TOKENS, ignore_eos=True, logprobs=1)
    outputs = [o.outputs[0] for o in llm.generate(PROMPTS, asked)]
    return [[[t, step[t].logprob] for t, step in zip(o.token_ids, o.logprobs)] for o in outputs]


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what an engine prints on its way is not the answer
    json.dump(answers(), out)
    out.flush()
    os._exit(0)  # engines' own threads may hang at the end
PY
timeout -k 5 "${CHECK_TIMEOUT:-900}" sh -c "${CHECK_GENERATE:-python3 $folder/generate.py}" >"$folder/answers.json"
status=$?
[ "$status" -eq 0 ] || fail "generating the answers ended with status $status"
[ "${1:-}" = record ] || [ -f "$reference" ] || fail "no reference in $reference: run 'autoresearch.checks.sh record' with the unchanged build"

python3 - "$folder/answers.json" "$reference" "${1:-}" "${CHECK_LIMIT:-0.05}" "${CHECK_SHARE:-0.5}" <<'PY'
import json, math, sys

now, reference, what, limit, share = *sys.argv[1:4], *map(float, sys.argv[4:6])


def fail(sentence):
    sys.exit("autoresearch.checks.sh: " + sentence)


def read(path):
    try:
        with open(path) as f:
            answers = json.load(f)
        answers = [[(int(token), float(p)) for token, p in answer] for answer in answers]
    except (OSError, ValueError, TypeError) as e:
        fail(f"{path} holds no answers: {e}")
    if not answers or not all(answers) or not all(math.isfinite(p) for answer in answers for _, p in answer):
        fail(f"{path}: an answer is empty, or a log-probability is not finite")
    return answers


answers = read(now)
if what == "record":
    with open(reference, "w") as f:
        json.dump(answers, f)
    sys.exit(0)
wanted = read(reference)
if [len(a) for a in answers] != [len(a) for a in wanted]:
    fail("there are more or fewer tokens than in the reference")
differences, count = [], sum(map(len, wanted))
for answer, other in zip(answers, wanted):
    for (token, p), (token_before, p_before) in zip(answer, other):
        if token != token_before:
            break
        differences.append(abs(p - p_before))
mean = sum(differences) / len(differences) if differences else math.inf
print(f"answers: {len(differences)} of {count} tokens before a difference, mean difference {mean:.5f}")
if not len(differences) >= share * count:
    fail(f"only {len(differences)} of {count} tokens come before a difference")
if not mean <= limit:
    fail(f"log-probabilities differ by {mean:.5f} in the mean, over {limit}")
PY
