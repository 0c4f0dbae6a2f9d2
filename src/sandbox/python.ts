import { RESULT_FD } from './program.ts'

/** Deepest recursion. Python 3.9 to 3.13 do it with less than the sandbox's stack, also through `functools.cache`. */
const RECURSION_LIMIT = 200_000

/**
 * Defines `usual(source)`: the names that judges such as LeetCode's give a program without an import. They are the modules of
 * the standard library for algorithms with all that they export, and the other usual modules and names where the source
 * mentions them (their import takes time). A built-in function keeps its name: `pow` is not that of `math`.
 */
const USUAL = `
import sys, _thread
sys.setrecursionlimit(${RECURSION_LIMIT})
_thread.stack_size(8 << 20)

def usual(source):
    import builtins, importlib, re
    names = {}
    def export(module, found):
        for name in found:
            if not hasattr(builtins, name): names[name] = getattr(module, name)
    whole = 'typing string operator math itertools functools collections heapq bisect'.split()
    for module in map(importlib.import_module, whole):
        export(module, getattr(module, '__all__', [n for n in dir(module) if n[0] != '_']))
    mentioned = set(re.findall(r'[A-Za-z_]\\w*', source))
    parts = {
        'array': '', 'cmath': '', 'copy': 'deepcopy', 'dataclasses': 'dataclass field', 'datetime': 'timedelta',
        'decimal': 'Decimal getcontext', 'enum': 'Enum', 'fractions': 'Fraction', 'io': 'StringIO BytesIO', 'json': '',
        'os': '', 'queue': 'Queue PriorityQueue', 'random': 'randint', 're': '', 'statistics': 'mean median',
        'threading': '', 'time': '',
    }
    for name, found in parts.items():
        found = mentioned.intersection(found.split())
        if found: export(importlib.import_module(name), found)
    for name in mentioned.intersection(parts) | set(whole): names[name] = importlib.import_module(name)
    names['sys'] = sys
    return names
`

/** A program that runs another one as the main module, with the usual names. */
export const pythonMain = (source: string): string => `${USUAL}
def start(source):
    code = compile(source, 'program.py', 'exec')
    names = usual(source)
    space = globals()
    for helper in ('usual', 'start', '_thread'): del space[helper]
    space.update(names)
    exec(code, space)
# JSON's escapes are among Python's.
start(${JSON.stringify(source)})
`

/**
 * A program that reads `{source, call, args}` from standard input, runs the source, makes the call and writes its result as
 * JSON. It then ends the process, so that nothing runs after the result.
 */
export const PYTHON_CALL = `${USUAL}
import json, os, types
request = json.load(sys.stdin)
module = sys.modules['program'] = types.ModuleType('program')
module.__dict__.update(usual(request['source']))
exec(compile(request['source'], 'program.py', 'exec'), module.__dict__)
name, _, method = request['call'].partition('.')
if not method and hasattr(getattr(module, 'Solution', None), name):
    name, method = 'Solution', name
target = getattr(module, name)
if method:
    target = getattr(target() if isinstance(target, type) else target, method)
text = json.dumps(target(*request['args']), allow_nan=False)
with open(${RESULT_FD}, 'w', closefd=False) as out:
    out.write(text)
os._exit(0)
`
