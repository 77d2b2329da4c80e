#!/bin/sh
# Does a changed train.py still measure what it did? Run from the checkout's root. Exit 0 yes, 1 no, one sentence on stderr.
#
# Nothing is trained here. prepare.py holds the data and evaluate_bpb and may not be changed; train.py may, but must take
# evaluate_bpb from there, call it once for val_bpb, and set neither it nor the time budget anew. That finds the
# careless, not the determined: you read each patch. Tried on made-up files.
set -u
exec python3 - "${CHECK_TRAIN:-train.py}" <<'PY'
import ast, sys

GIVEN = {"evaluate_bpb", "TIME_BUDGET"}


def fail(sentence):
    sys.exit("autoresearch.checks.sh: " + sentence)


path = sys.argv[1]
try:
    with open(path) as f:
        tree = ast.parse(f.read(), path)
except (OSError, SyntaxError, ValueError) as e:
    fail(f"{path} cannot be read as Python: {e}")
nodes = list(ast.walk(tree))
imported = {a.asname or a.name for n in nodes if isinstance(n, ast.ImportFrom) and n.module == "prepare" for a in n.names}
if not GIVEN <= imported:
    fail(f"{path} does not take {' and '.join(sorted(GIVEN - imported))} from prepare")
for n in nodes:
    names = [n.id] if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load) else []
    names += [n.name] if isinstance(n, (ast.FunctionDef, ast.ClassDef)) else []
    names += [n.attr] if isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load) else []
    names += [n.arg] if isinstance(n, ast.arg) else []
    if GIVEN & set(names):
        fail(f"{path}:{n.lineno} sets {(GIVEN & set(names)).pop()} anew")


def is_call(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "evaluate_bpb"


sets = [n for n in nodes if isinstance(n, ast.Name) and n.id == "val_bpb" and not isinstance(n.ctx, ast.Load)]
assigned = [n for n in nodes if isinstance(n, ast.Assign) and is_call(n.value)
            and [t.id for t in n.targets if isinstance(t, ast.Name)] == ["val_bpb"]]
if len(sets) != 1 or len(assigned) != 1 or sum(map(is_call, nodes)) != 1:
    fail(f"{path} must set val_bpb once, to what evaluate_bpb gives")
PY
