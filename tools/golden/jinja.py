"""Golden outputs of small chat templates: src/renderer/fixtures/jinja.json.

    pip install transformers jinja2      (made with transformers 5.24.0, jinja2 3.1.6 on Python 3.11)
    python tools/golden/jinja.py

Each template below is rendered by the environment of Transformers' `apply_chat_template` on a fixed date. The file holds
the date, the variables, and for each template its source with its `output`, or with the `error` that Python raises
and its `kind`: `raised` by `raise_exception`, `syntax`, or `rendering`.
"""

import json
import os
from datetime import datetime
from pathlib import Path

os.environ["TZ"] = "UTC"
from transformers.utils import chat_template_utils as utils

OUT = Path(__file__).resolve().parents[2] / "src/renderer/fixtures/jinja.json"
NOW = datetime(2026, 3, 5, 14, 7, 9)

VARIABLES = {
    "text": "  Hello, World!\n",
    "code": "    return x\n",
    "words": "one two  three",
    "astral": "a😀b日本",
    "think": "<think>\nhm\n</think>\n\nans</think>wer",
    "quotes": "it's \"<b>\" & \\ \t\u007f\u2028é",
    "both": ["it's", 'a "b"', "\n\u00a0\u200b\U0001f600"],
    "empty": "",
    "nothing": None,
    "yes": True,
    "numbers": [3, 1, 2],
    "floats": [0.1, 1e-05, 2.5e-08, 123456.789, -0.5, 1.5],
    "mixed": [1, "a", None, True, 2.5, [], {}],
    "names": ["beta", "Alpha", "alpha", "Gamma"],
    "map": {"b": 1, "a": [True, None], "C": {"x": "é"}},
    "items_map": {"items": "shadowed", "keys": 2, "get": 3},
    "people": [{"name": "Ann", "age": 30, "ok": True}, {"name": "bob", "age": 25}, {"name": "Cy", "age": 35, "ok": False}],
    "messages": [{"role": "user", "content": "Q\r\n"}, {"role": "assistant", "content": "A", "tool_calls": []}],
}

CASES = {
    "white space": [
        "a\n  {% if yes %}\n  b\n  {% endif %}\nc\n",
        "a\n  {%+ if yes %}\n  b\n  {%+ endif %}\nc",
        "a {%- if yes %} b {%- endif %} c",
        "a {% if yes -%} \n b {% endif -%} \n c",
        "{% if yes +%}\nb{% endif %}",
        "  {{ 1 }}\n  {{- 2 }}  \n  {{ 3 -}}  \n 4\n\n",
        "a {# x #}\n  {# y -#}  \n b {#- z #}\nc",
        "x  {% if yes %}  {% if yes %}  y{% endif %}{% endif %}",
        "{% set x = 1 %}   \n   {% set y = 2 %} z",
        "a\r\n{% if yes %}\r\nb\r{% endif %}\r\nc\r\n",
        "{{ 'a\r\nb' }}",
        "{%- raw %} {{ x }} {% if %}\n{% endraw %}\n y",
        "a\n   {% raw -%}  {{ b }}  {%- endraw -%}  c",
        "\ufeff  {% if yes %}a{% endif %}\ufeff {{- 'b' }}",
        "\u00a0{% if yes %}a{% endif %}\u3000{{- 'b' }}",
        "\n\n{{ 'x' }}\n\n",
        "{\n{ {% if yes %}{{ '{%' }}{% endif %} %} }}",
        "{% if yes %}\n{% generation %}\n  a\n{% endgeneration %}\n{% endif %}",
        "x {%- generation -%} \n a {% endgeneration %} b",
        "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}",
    ],
    "printing": [
        "{{ nothing }} {{ yes }} {{ not yes }} {{ undefined_name }}|{{ 5 }} {{ 2.0 }} {{ -0.0 }} {{ 1e3 }} {{ 1e-05 }} {{ 1E16 }} {{ 12345678901234567890 }}",
        "{{ floats }} {{ 0.1 + 0.2 }} {{ 1/3 }} {{ 100000.0 * 1e10 }} {{ 123456789.123 }} {{ 1e22 }} {{ 1e-7 }}",
        "{{ mixed }} {{ map }} {{ (1,) }} {{ () }} {{ (1, 'a') }} {{ [] }} {{ {} }}",
        "{{ both }} {{ [quotes] }}",
        "{{ map.items() }} {{ map.keys() }} {{ map.values() }} {{ range(3) }} {{ range(1, 9, 2) }}",
        "{{ 'a' 'b' \"c\" }} {{ '\\n\\t\\x41\\u00e9\\'\\\"\\\\\\d\\101' }}",
        "{{ {1: 'a', none: 'b', true: 'c', 2.5: 'd', (1, 2): 'e'} }}",
        "{{ true }}{{ True }}{{ false }}{{ none }}{{ None }}",
        "{{ 1_000 }} {{ 0x1f }} {{ 0b101 }} {{ 0o17 }} {{ 1_0.5 }}",
        "{% print 'x', 1 %}",
        "{{ 1, 2 }}",
    ],
    "operators": [
        "{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 4 / 2 }} {{ 2 ** 3 }} {{ 2 ** -1 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}",
        "{{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 }} {{ -2 ** 2 }} {{ 2 ** 3 ** 2 }} {{ 10 - 3 - 2 }} {{ -1 }} {{ - 1 }} {{ 1 -1 }} {{ +1 }}",
        "{{ 'a' ~ 1 ~ none ~ true ~ 1.0 ~ [1] }} {{ 1 ~ 2 + 3 ~ 4 }}",
        "{{ 'a' + 'b' }} {{ 'ab' * 2 }} {{ [1] + [2] }} {{ [0] * 3 }} {{ (1,) + (2,) }}",
        "{{ 1 == 1.0 }} {{ 1 == true }} {{ '1' == 1 }} {{ [1, 2] == [1, 2] }} {{ {'a': 1} == {'a': 1.0} }} {{ (1, 2) == [1, 2] }} {{ none == none }} {{ u == none }} {{ u == v }}",
        "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ '😀' > '\uffee' }} {{ 2 >= 2.0 }} {{ 1 != 2 }}",
        "{{ 'a' in 'cat' }} {{ 'a' not in 'cat' }} {{ 1 in [1.0] }} {{ 'b' in map }} {{ 3 in (1, 2) }} {{ 'x' in u }} {{ 2 in range(3) }} {{ 'items' in map.keys() }}",
        "{{ yes and 'x' }} {{ nothing or 'y' }} {{ not nothing and 0 }} {{ '' or [] or 'z' }} {{ not 1 == 2 }} {{ not not 5 }}",
        "{{ 'a' if yes else 'b' }} {{ 'a' if not yes }}| {{ 'a' if nothing else 'b' if nothing else 'c' }} {{ ('x' if u else 'y') ~ 'z' }}",
        "{{ '%s is %d and %.2f, %5s|%-5s|%05d %x %%' % ('a', 3, 2.345, 'r', 'l', 42, 255) }} {{ '%(a)s' % {'a': 1} }} {{ '%r' % 'q' }} {{ '%s' % 1.0 }}",
        "{{ 0.1 * 3 }} {{ 1e308 * 10 }} {{ 5 * true }} {{ 3 - 0.5 }} {{ 10 ** 20 }}",
    ],
    "access": [
        "{{ text[0] }}|{{ text[-2] }}|{{ words[1:3] }}|{{ words[-5:] }}|{{ words[::-1] }}|{{ words[:-3] }}|{{ words[::2] }}|{{ words[100:] }}|{{ words[5:2] }}",
        "{{ numbers[-1] }} {{ numbers[1:] }} {{ numbers[::-1] }} {{ numbers[:2] }} {{ numbers[-2:-1] }} {{ numbers[9] }}| {{ numbers.0 }} {{ (1, 2, 3)[1:] }}",
        "{{ astral[1] }} {{ astral[1:3] }} {{ astral[::-1] }} {{ astral | length }} {{ astral.find('b') }} {{ astral | list }}",
        "{{ map.a[0] }} {{ map['C'].x }} {{ map['missing'] }}| {{ map.missing }}| {{ map.C['x'] }} {{ messages[0].content | tojson }} {{ messages[0]['role'] }}",
        "{{ items_map.items() | list }} {{ items_map['items'] }} {{ items_map.get('get') }} {{ items_map['keys'] }}",
        "{{ map.get('zz') }} {{ map.get('zz', 1) }} {{ map.get('b') }} {{ map.get('none', none) }} {{ mixed[2] }}",
        "{{ map.copy() == map }} {{ numbers.index(2) }} {{ numbers.count(1) }} {{ (1, 2, 1).count(1) }}",
        "{{ range(10)[2] }} {{ range(10)[-1] }} {{ range(0) | list }} {{ range(5, 0, -2) | list }}",
        "{{ {'a': {'b': [1, {'c': 'deep'}]}}.a.b[1].c }}",
        "{% set x = {'a': 1} %}{{ x['a'] }}{{ x.b is defined }}{{ x['b'] is defined }}{{ u is defined }}",
    ],
    "text methods": [
        "{{ text.strip() }}|{{ text.lstrip() }}|{{ text.rstrip() }}|{{ code.lstrip('\\n') }}|{{ code.rstrip('\\n') }}|{{ code.strip('\\n') }}|{{ 'xxaxyx'.strip('xy') }}|{{ 'aXbX'.rstrip('X') }}|{{ '\ufeffa\u00a0\x1c'.strip() }}|{{ 'a'.strip(none) }}",
        "{{ think.split('</think>') }} {{ think.split('</think>')[-1] }} {{ think.split('</think>', 1) }} {{ think.rsplit('</think>', 1) }} {{ think.split('</think>', maxsplit=1)[0].split('<think>')[-1].lstrip('\\n') }}",
        "{{ words.split() }} {{ words.split(' ') }} {{ words.split(none, 1) }} {{ words.rsplit(None, 1) }} {{ words.rsplit(' ', 2) }} {{ ''.split() }} {{ ''.split(',') }} {{ ' a  b '.split(maxsplit=1) }} {{ ' a  b '.rsplit(maxsplit=1) }}",
        "{{ 'a\\nb\\r\\nc\\n'.splitlines() }} {{ 'a\\nb\\n\\n'.splitlines(true) }} {{ 'a\\x0cb\\u2028c'.splitlines() }} {{ ''.splitlines() }}",
        "{{ words.startswith('one') }} {{ words.startswith(('x', 'o')) }} {{ words.endswith('e') }} {{ words.endswith(()) }} {{ words.startswith('two', 4) }} {{ words.endswith('one', 0, 3) }} {{ ''.startswith('') }}",
        "{{ words.find('t') }} {{ words.rfind('t') }} {{ words.find('zz') }} {{ words.index('two') }} {{ words.count('o') }} {{ words.find('t', 5) }} {{ 'aaa'.count('aa') }} {{ 'abc'.count('') }}",
        "{{ words.replace('o', '0') }} {{ words.replace('o', '0', 1) }} {{ 'ab'.replace('', '-') }} {{ 'a.b'.replace('.', '$&') }} {{ 'aaa'.replace('a', 'b', 0) }}",
        "{{ 'hELLO wORLD'.capitalize() }} {{ \"they're bill's\".title() }} {{ 'hELLO'.swapcase() }} {{ 'straße'.upper() }} {{ 'ǅ İ'.lower() }} {{ 'ßa'.capitalize() }} {{ 'É'.casefold() }}",
        "{{ 'a-b-c'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'abc'.partition('-') }} {{ 'abc'.rpartition('-') }} {{ 'prefix_x'.removeprefix('prefix_') }} {{ 'x.py'.removesuffix('.py') }}",
        "{{ ', '.join(['a', 'b']) }} {{ ''.join('xyz') }} {{ '-'.join(map) }}",
        "{{ 'ab'.center(5, '*') }} {{ 'abc'.center(6) }}| {{ 'a'.ljust(3, '.') }} {{ 'a'.rjust(3) }} {{ '-7'.zfill(4) }} {{ 'a\\tb'.expandtabs(4) }}",
        "{{ '12'.isdigit() }} {{ '1.2'.isdigit() }} {{ 'ab'.isalpha() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ 'Ab'.isupper() }} {{ 'ab'.islower() }} {{ 'Ab Cd'.istitle() }} {{ ''.isalpha() }} {{ '½'.isnumeric() }} {{ 'é'.isascii() }} {{ 'a b'.isidentifier() }}",
        "{{ '{} {}'.format(1, 'b') }} {{ '{1}{0}'.format('a', 'b') }} {{ '{x:>5}|{y!r}'.format(x='a', y='b') }} {{ '{{}}{:03d} {:.2f} {:,} {:x} {:^7}|{:<4}|{:+d} {:%}'.format(7, 2.5, 1234567, 255, 'mid', 'l', 3, 0.25) }} {{ '{0[a]} {0[a][0]}'.format(map) }} {{ '{:e} {:g} {:.3}'.format(12345.678, 0.00001, 'abcdef') }}",
    ],
    "filters on text": [
        "{{ text | trim }}|{{ '--a-' | trim('-') }}|{{ 'hello wORLD' | capitalize }}|{{ 'a bc-de (fg' | title }}|{{ 'Ab' | upper }}{{ 'Ab' | lower }}|{{ 'ab' | center(6) }}|",
        "{{ 'a\\nb\\n\\nc' | indent }}|{{ 'a\\nb\\n\\nc' | indent(2, true) }}|{{ 'a\\nb\\n\\nc' | indent(2, first=false, blank=true) }}|{{ 'a\\nb' | indent('> ') }}|{{ 'a\\n' | indent(3) }}",
        "{{ 'aXbXc' | replace('X', '-') }} {{ 'aXbXc' | replace('X', '-', 1) }} {{ 5 | replace('5', '6') }}",
        "{{ 'foo bar baz qux' | truncate(9) }} {{ 'foo bar baz qux' | truncate(9, true) }} {{ 'foo bar baz qux' | truncate(11) }} {{ 'foo bar baz qux' | truncate(11, false, '…', 0) }}",
        "{{ 'abc' | length }} {{ 'abc' | reverse }} {{ 'abc' | first }} {{ 'abc' | last }} {{ 'abc' | list }} {{ 'a b c' | wordcount }} {{ 'a b/ü' | urlencode }} {{ {'a': 'b c', 'd': 1} | urlencode }}",
        "{{ '<a href=\"x\">it\\'s & co</a>' | e }} {{ '<b>x</b>  y' | striptags }} {{ '<b>' | safe }} {{ '<b>' | safe + '<i>' }} {{ ('<b>' | safe) ~ '<i>' }} {{ ('a' | safe).upper() + '&' }} {{ '<' | escape | escape }} {{ 'x' | safe is string }}",
        "{{ 42 | string + 'x' }} {{ none | string }} {{ [1, 'a'] | string }} {{ '%s-%s' | format('a', 1) }} {{ '%(x)s' | format(x=2) }}",
        "{{ '42' | int }} {{ ' 42.7 ' | int }} {{ 'x' | int }} {{ 'x' | int(-1) }} {{ 'ff' | int(0, 16) }} {{ '0x1A' | int(base=16) }} {{ 3.9 | int }} {{ -3.9 | int }} {{ none | int }} {{ true | int }} {{ '1_000' | int }}",
        "{{ '4.25' | float }} {{ 'x' | float }} {{ 'x' | float(1.5) }} {{ 3 | float }} {{ '1e3' | float }} {{ 'inf' | float }}",
        "{{ 2.5 | round }} {{ 3.5 | round }} {{ 42.555 | round(2) }} {{ 2.675 | round(2) }} {{ 42.1 | round(method='ceil') }} {{ 42.19 | round(1, 'floor') }} {{ 5 | round }} {{ 42.5 | round | int }} {{ -3 | abs }} {{ -2.5 | abs }} {{ 0.125 | round(2) }} {{ 1250 | round(-2) }}",
    ],
    "filters on lists": [
        "{{ numbers | sort }} {{ numbers | sort(reverse=true) }} {{ names | sort }} {{ names | sort(case_sensitive=true) }} {{ people | sort(attribute='age') | map(attribute='name') | list }} {{ numbers | sort(true) }} {{ people | sort(attribute='name,age') | map(attribute='age') | join }}",
        "{{ numbers | max }} {{ numbers | min }} {{ numbers | sum }} {{ people | sum(attribute='age') }} {{ numbers | sum(start=10) }} {{ [] | max }}| {{ people | max(attribute='age') }} {{ names | min }}",
        "{{ names | unique | list }} {{ names | unique(true) | list }} {{ [1, 1.0, 2, true] | unique | list }}",
        "{{ numbers | join }} {{ numbers | join(', ') }} {{ people | join('; ', attribute='name') }} {{ mixed | join('|') }} {{ [] | join(',') }}",
        "{{ people | map(attribute='name') | join(' ') }} {{ people | map(attribute='ok', default='?') | list }} {{ names | map('upper') | list }} {{ words.split() | map('replace', 'o', '0') | list }} {{ none | map('upper') | list }} {{ names | map('length') | sum }}",
        "{{ people | selectattr('ok') | map(attribute='name') | list }} {{ people | selectattr('ok', 'defined') | list | length }} {{ people | rejectattr('ok') | map(attribute='name') | list }} {{ people | selectattr('age', '>', 26) | map(attribute='age') | list }} {{ people | selectattr('name', 'equalto', 'Ann') | first }} {{ none | selectattr('x') | list }}",
        "{{ numbers | select('odd') | list }} {{ numbers | reject('odd') | list }} {{ mixed | select | list }} {{ mixed | select('string') | list }} {{ numbers | select('gt', 1) | list }} {{ [none, 1] | reject('none') | list }} {{ names | select('in', ['beta']) | list }}",
        "{{ numbers | first }} {{ numbers | last }} {{ [] | first }}| {{ [] | last }}| {{ numbers | reverse | list }} {{ [none] | first }} {{ [none, none] | last }} {{ numbers | length }} {{ numbers | count }} {{ map | length }} {{ u | length }}",
        "{{ numbers | batch(2) | list }} {{ numbers | batch(2, 'x') | list }} {{ [1, 2, 3, 4, 5] | slice(2) | list }} {{ [1, 2, 3, 4, 5] | slice(3, 0) | list }} {{ map | list }} {{ range(3) | list }}",
        "{{ map | dictsort }} {{ map | dictsort(true) }} {{ {'x': 2, 'y': 1} | dictsort(by='value') }} {{ {'x': 2, 'y': 1} | dictsort(false, 'key', true) }} {{ map | items | list }} {{ u | items | list }}",
        "{{ u | default('d') }} {{ '' | default('d') }} {{ '' | default('d', true) }} {{ none | default('d') }} {{ none | d('d', boolean=true) }} {{ map.x | default(map.b) }} {{ u | default }}| {{ 0 | default(1, false) }}",
        "{{ [[1, 'a'], [2, 'b']] | map('first') | list }} {{ [[1, 'a'], [2, 'b']] | map(attribute=1) | list }} {{ [{'a': {'b': 5}}] | map(attribute='a.b') | list }} {{ 'x' | attr('upper') is defined }} {{ map | attr('b') is defined }}",
    ],
    "json": [
        "{{ map | tojson }} {{ mixed | tojson }} {{ quotes | tojson }} {{ 'é\\u2028\\x01' | tojson }} {{ floats | tojson }} {{ 1.0 | tojson }} {{ none | tojson }} {{ (1, 2) | tojson }}",
        "{{ map | tojson(indent=2) }}",
        "{{ map | tojson(ensure_ascii=true) }} {{ quotes | tojson(true) }} {{ astral | tojson(ensure_ascii=True) }}",
        "{{ map | tojson(separators=(',', ':')) }} {{ map | tojson(sort_keys=true) }} {{ map | tojson(indent='\t') }} {{ [] | tojson(indent=4) }} {{ [{}, [1]] | tojson(indent=1) }} {{ [1, 2] | tojson(indent=0) }} {{ [1, 2] | tojson(indent=2, separators=(', ', ' = ')) }}",
        "{{ {1: 'a', none: 2, true: 3, 1.5: 4} | tojson }} {{ '<b>&\\'' | tojson }} {{ [true, false, none] | tojson }} {{ (10 ** 20) | tojson }} {{ 1e100 | tojson }}",
        "{{ messages | tojson }} {{ messages[0].content | tojson | length }}",
    ],
    "tests": [
        "{{ u is defined }} {{ yes is defined }} {{ u is undefined }} {{ nothing is none }} {{ nothing is not none }} {{ u is none }} {{ yes is true }} {{ 1 is true }} {{ false is false }} {{ 0 is false }} {{ yes is boolean }} {{ not u is defined }}",
        "{% for x in mixed + ['', 1.0, (1,), map, u, range(2)] %}{{ x is string }} {{ x is number }} {{ x is integer }} {{ x is float }} {{ x is mapping }} {{ x is iterable }} {{ x is sequence }} {{ x is boolean }} {{ x is callable }}\n{% endfor %}",
        "{{ 4 is even }} {{ 4 is odd }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 'a' is in 'abc' }} {{ 1 is in [2] }} {{ 'ab' is lower }} {{ 'AB' is upper }} {{ 1 is eq 1 }} {{ 1 is ne(1) }} {{ 2 is gt 1 }} {{ 2 is lessthan 1 }} {{ nothing is sameas none }} {{ yes is sameas(true) }} {{ 1 is sameas 1.0 }}",
        "{{ map.items is callable }} {{ raise_exception is callable }} {{ 'x' is not string and yes }} {{ 5 is not divisibleby 2 or nope }} {{ 'x' is string ~ 'y' }} {{ 1 + 1 is number }}",
        "{{ 'yes' if u is defined and u else 'no' }} {{ ('a' is string) if yes else 'b' }} {{ messages[1].tool_calls is defined and messages[1].tool_calls }}",
    ],
    "loops": [
        "{% for x in numbers %}{{ loop.index }}/{{ loop.length }} {{ loop.index0 }} {{ loop.revindex }} {{ loop.revindex0 }} {{ loop.first }} {{ loop.last }} {{ loop.previtem }} {{ loop.nextitem }} {{ loop.cycle('a', 'b') }} {{ loop.changed(x > 1) }} {{ loop.depth }}{{ loop.depth0 }}\n{% endfor %}",
        "{% for x in numbers if x > 1 %}{{ x }}{{ loop.index }}{{ loop.last }} {% else %}none{% endfor %}{% for x in [] %}{% else %}empty{% endfor %}{% for x in numbers if x > 9 %}{% else %}no match{% endfor %}",
        "{% for x in range(9) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}a{{ x }}{% endfor %}",
        "{% for x in [1, 2] %}{% for y in [1, 2, 3] %}{% if y == 2 %}{% break %}{% endif %}{{ x }}{{ y }}{{ loop.index }} {% endfor %}{{ loop.index }};{% endfor %}",
        "{% for key, value in map.items() %}{{ key }}={{ value }};{% endfor %}{% for key in map %}{{ key }}{% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% for c in 'a😀' %}[{{ c }}]{% endfor %}",
        "{% set x = 0 %}{% for i in [1, 2] %}{{ x }}{% set x = i %}{{ x }} {% endfor %}{{ x }}",
        "{% set ns = namespace(n=0, found=false) %}{% for i in numbers %}{% set ns.n = ns.n + i %}{% if i == 1 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.n }} {{ ns.found }} {{ ns.missing is defined }}",
        "{% if yes %}{% set y = 'in if' %}{% endif %}{{ y }}",
        "{% for m in messages %}{% if loop.first and m.role != 'system' %}S {% endif %}{{ m['role'] }}:{{ m.content }}{% if not loop.last %}, {% endif %}{% endfor %}",
        "{% for i in tree recursive %}{{ i.n }}{% if i.c %}({{ loop(i.c) }}){% endif %}{{ loop.depth }}{% endfor %}".replace("tree", "[{'n': 1, 'c': [{'n': 2}, {'n': 3, 'c': [{'n': 4}]}]}, {'n': 5}]"),
        "{% for x in u %}x{% else %}undefined{% endfor %}{% for m in messages[1:] %}{{ m.role }}{% endfor %}{% for m in messages[::-1] %}{{ m.role }}{% endfor %}",
        "{% for x in numbers | map('string') %}{{ x }}{{ loop.last }}{% endfor %}{% for i in range(numbers | length - 1, -1, -1) %}{{ numbers[i] }}{% endfor %}",
        "{% for x in nothing or [] %}{% else %}-{% endfor %}{% for x in 1, 2 %}{{ x }}{% endfor %}{% for x in (3, 4) if x != 3 %}{{ x }}{% endfor %}",
    ],
    "assignments": [
        "{% set a = 1, 2 %}{{ a }}{% set b, c = a %}{{ b }}{{ c }}{% set d = [1, 2][0] if yes else 3 %}{{ d }}",
        "{% set x %}  a {{ 1 + 1 }}\n  {% endset %}[{{ x }}]{% set y | trim | upper %} b {% endset %}[{{ y }}]{% set z %}{% set inner = 1 %}{% endset %}{{ inner is defined }}",
        "{% with a = 1, b = 2 %}{{ a + b }}{% set c = 5 %}{% endwith %}{{ a is defined }}{{ c is defined }}{% with %}{% set q = 1 %}{{ q }}{% endwith %}",
        "{% filter upper | replace('B', '-') %}a{{ 'b' }}c{% endfilter %}",
        "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a + ns.b }} {{ ns }} {{ dict(a=1, b=[2]) }} {{ dict([('x', 1)]) }} {{ dict({'a': 1}, b=2) }}",
        "{% set ns = namespace(s='') %}{% set ns.s = ns.s ~ 'x' ~ 1 %}{% set ns.s = ns.s + 'y' %}{{ ns.s }}{{ ns['s'] }}",
        "{% block head %}in {{ yes }}{% endblock %}{% block b %}x{% endblock b %}",
        "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set j = joiner(', ') %}{% for x in numbers %}{{ j() }}{{ x }}{% endfor %}",
        "{%- set tools = none if u is not defined else u -%}{{ tools }}{%- if not tools is defined %}x{% endif -%}",
    ],
    "macros": [
        "{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c=4) }}{{ m(b=5, a=6) }}{{ m() }}",
        "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}",
        "{% macro box(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call box('p') %}in {{ yes }}{% endcall %}",
        "{% macro each(xs) %}{% for x in xs %}{{ caller(x, loop.index) }}{% endfor %}{% endmacro %}{% call(x, i) each(numbers) %}{{ i }}:{{ x }} {% endcall %}",
        "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}{{ f.name }}{{ f.arguments }}",
        "{% macro f() %}{{ x }}{% endmacro %}{% set x = 'late' %}{{ f() }}{% for x in [1] %}{{ f() }}{% endfor %}",
        "{% macro f() %}{% set x = 'inner' %}{{ x }}{% endmacro %}{% set x = 'outer' %}{{ f() }}{{ x }}",
        "{% macro f(x) %}\n  {{ x }}\n{% endmacro %}\n[{{ f('a') }}][{{ f('b') | trim }}]{{ f('c').strip() ~ '!' }}",
        "{% macro f(a=[], b={}) %}{{ a }}{{ b }}{% endmacro %}{{ f(*[1, 2]) }}{{ f(**{'b': 3}) }}{% set g = f %}{{ g(none) }}",
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}",
        "{% for i in [1, 2] %}{% macro f() %}{{ i }}{% endmacro %}{{ f() }}{% endfor %}{{ f is defined }}",
    ],
    "the clock": [
        "{{ strftime_now('%Y-%m-%d') }} {{ strftime_now('%d %b %Y') }} {{ strftime_now('%-d %B %y') }} {{ strftime_now('%H:%M:%S') }} {{ strftime_now('%I:%M %p') }} {{ strftime_now('%A %a %j %U %W %w %u %V %G') }}",
        "{{ strftime_now('%c|%x|%X|%f|%z|%Z|%%|%e|%D|%F|%T|%R|%h|%C|%n|%t|%k|%l|%P|%-m/%-I|%_d|%^a') }}",
        "{% if strftime_now is defined %}{% set date = strftime_now('%d %b %Y') %}{% endif %}{{ date }}",
    ],
    "errors": [
        "{{ raise_exception('Only user and assistant roles!') }}",
        "{% if yes %}\n{{ raise_exception('a ' ~ 1) }}{% endif %}",
        "{{ u.x }}", "{{ u() }}", "{{ u + 1 }}", "{{ 'a' + u }}", "{{ map.x.y }}", "{{ nothing.x.y }}", "{{ text.nope() }}",
        "{{ 'a' + 1 }}", "{{ 1 + 'a' }}", "{{ [1] + 'a' }}", "{{ 'a' < 1 }}", "{{ 1 / 0 }}", "{{ 5 | length }}", "{{ -'a' }}",
        "{% for x in 5 %}{% endfor %}", "{% for x in nothing %}{% endfor %}", "{% for a, b in [(1, 2, 3)] %}{% endfor %}", "{% set a, b = [1] %}",
        "{{ u | tojson }}", "{{ map.keys() | tojson }}", "{{ 1 in nothing }}", "{{ 1 in 'a' }}", "{{ {[]: 1} }}",
        "{{ numbers.append(1) }}", "{{ map.update({'x': 1}) }}", "{{ map.pop('b') }}", "{{ text.__class__() }}",
        "{% set x = {} %}{% set x.y = 1 %}", "{% set ns = namespace(_x=1) %}", "{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", "{% macro f(a) %}{% endmacro %}{{ f(b=2) }}",
        "{{ 'abc'.index('z') }}", "{{ ''.split('') }}", "{{ range(200000) }}", "{{ numbers['a'].b }}", "{{ 5() }}", "{{ '%d' % 'a' }}", "{{ '%s %s' % 'a' }}", "{{ ', '.join([1]) }}", "{{ names | map('upper') | length }}",
        "{% if yes %}", "{% endif %}", "{{ 1", "{{ }}", "{{ 1 + }}", "{{ (1 }}", "{% foo %}", "{% for x numbers %}{% endfor %}", "{{ 'abc }}", "{{ a b }}", "{% set 1 = 2 %}", "{% if yes %}{% else %}", "{# open", "{% raw %}x", "{{ 'a' is string if yes else 'b' }}", "{{ 1 | nope }}", "{{ 1 is nope }}", "{% break %}", "{% set true = 1 %}", "{{ $x }}", "{{ [1, 2 }}", "{% macro f(a=1, b) %}{% endmacro %}", "{% do x %}", "{{ x is string is string }}", "{% endgeneration %}", "{{ f(a=1, 2) }}", "{% if %}{% endif %}", "{{ x[ }}", "{{ x. }}", "{% call 5 %}{% endcall %}",
    ],
}


class FixedClock(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


def render(template):
    try:
        compiled = utils._cached_compile_jinja_template(template)
        return {"template": template, "output": compiled.render(**json.loads(json.dumps(VARIABLES)))}
    except Exception as error:
        kind = {"TemplateError": "raised", "TemplateSyntaxError": "syntax", "TemplateAssertionError": "syntax", "SyntaxError": "syntax"}
        message = getattr(error, "message", None) or str(error)
        return {"template": template, "error": message, "kind": kind.get(type(error).__name__, "rendering")}


utils.datetime = FixedClock
cases = {kind: [render(template) for template in templates] for kind, templates in CASES.items()}
for row in sum(cases.values(), []):
    if "error" in row and row not in cases["errors"]:
        print("an error outside of the errors:", row)
    if "output" in row and row in cases["errors"]:
        print("an output among the errors:", row)
OUT.parent.mkdir(exist_ok=True)
OUT.write_text(json.dumps({"now": NOW.isoformat(), "variables": VARIABLES, "cases": cases}, ensure_ascii=False, indent=1) + "\n")
