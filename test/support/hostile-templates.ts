// Chat templates that hang or swell what renders them: a dozen and more by hand, and mutations of
// sane ones. Each by hand takes minutes or gigabytes where nothing stops it.
// The dispatcher puts all of them in one model: the first message says which is run.

const SWELL = '{% set ns = namespace(x="ab") %}{% for a in range(40) %}';

/** What they do when rendered; all parse at once. */
export const renderBombs: Record<string, string> = {
  'nested loops':
    '{% for a in range(3000) %}{% for b in range(3000) %}{% for c in range(3000) %}{% endfor %}{% endfor %}{% endfor %}',
  'a long range': '{{ range(10**9)|length }}',
  'a range that never ends': '{{ range(0, 1, 0.000000001)|length }}',
  'a range of steps too small to count': '{{ range(9007199254740992, 9007199254740996)|length }}',
  'doubled text': `${SWELL}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x|upper|length }}`,
  'doubled text, told': `${SWELL}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}`,
  'doubled arrays':
    '{% set ns = namespace(x=[1]) %}{% for a in range(40) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x|length }}',
  'arrays in arrays':
    '{% set ns = namespace(x=[1]) %}{% for a in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x|tojson|length }}',
  'replaced text': `${SWELL}{% set ns.x = ns.x|replace("a", ns.x) %}{% endfor %}{{ ns.x|length }}`,
  'joined arrays': '{{ range(1000000)|join(range(5000)|join(""))|upper|length }}',
  'indented JSON': '{{ messages|tojson(indent=400000000)|length }}',
  'indented text': `${SWELL}{% set ns.x = (ns.x ~ "\\n" ~ ns.x)|indent(10000, true) %}{% endfor %}{{ ns.x|length }}`,
  'a macro that calls itself': '{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}',
  'a macro that calls itself twice':
    '{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}',
  'more than a prompt': '{% for a in range(30000) %}some words {% endfor %}',
  'text of bytes': '{% for a in range(60000) %}\u1234\u1235{% endfor %}',
  'a split text': `${SWELL}{% set ns.x = ns.x ~ ns.x %}{% if ns.x.split("a")|length > 10**9 %}{% endif %}{% endfor %}`,
  'sorted again and again':
    '{% for a in range(100000) %}{% if range(100000)|sort(reverse=true)|first == 0 %}{% endif %}{% endfor %}',
};

/** What their lexer or parser does not come to an end of. */
export const parseBombs: Record<string, string> = {
  '128 KiB of spaces': `a${' '.repeat(128 << 10)}b`,
  '256 KiB of spaces': `a${' '.repeat((256 << 10) - 3)}b`,
  'lines of spaces': `${' \n'.repeat(60_000)}b`,
  'nested brackets': `{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`,
  'nested arrays': `{{ ${'['.repeat(50_000)}${']'.repeat(50_000)} }}`,
  'nested ifs': `${'{% if 1 %}'.repeat(12_000)}${'{% endif %}'.repeat(12_000)}`,
};

/** One template that is each of them, for a first message of that name; another is its own prompt. */
export function dispatcher(bombs: Record<string, string>): string {
  const branches = Object.entries(bombs).map(
    ([name, body], i) => `{% ${i === 0 ? 'if' : 'elif'} which == "${name}" %}${body}`,
  );
  return `{% set which = messages[0].content %}${branches.join('')}{% else %}[INST] {{ which }} [/INST]{% endif %}`;
}

/** `seed` decides all of it. */
export function mutated(seed: number): string {
  const random = mulberry32(seed);
  const pick = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(random() * items.length)] as Item;
  let text = pick(SANE);
  for (let i = 0; i < 1 + random() * 6; i++) text = pick(MUTATIONS)(text, random, pick);
  return text;
}

type Random = () => number;
type Pick = <Item>(items: readonly Item[]) => Item;

const SANE = [
  "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] | trim }} [/INST]{% elif m['role'] == 'assistant' %} {{ m['content'] }}{{ eos_token }}{% endif %}{% endfor %}",
  "{% set ns = namespace(found=false, text='') %}{% for m in messages %}{%- if m.role == 'system' -%}{% set ns.text = ns.text + m.content %}{% else %}<|{{ m.role }}|>\n{{ m.content }}{% endif %}{% endfor %}{{ ns.text }}{% if add_generation_prompt %}<|assistant|>{% endif %}",
  '{%- macro line(m, indent=2) -%}{{ " " ~ m.role|upper ~ ": " ~ m.content|replace("a", "b")|indent(indent) }}{%- endmacro -%}{% for m in messages[-4:] %}{{ line(m) }}{% if not loop.last %}{{ "\n" }}{% endif %}{% endfor %}',
  "{% if tools %}{{ tools | tojson(indent=2) }}{% endif %}{% for i in range(0, messages|length) %}{% set m = messages[i] %}{{ m.content.split('x') | join('-') }}{{ loop.index * 2 ** 3 }}{% endfor %}{# end #}",
  "{% for a in range(30) %}{% for b in range(30) %}{% set c = [a, b] + [a] %}{{ c | join(',') }}{% endfor %}{% endfor %}{{ messages | map(attribute='content') | list | tojson }}",
];

/** Whole in themselves: what they are put into still parses. */
const BLOCKS = [
  '{% for a in range(3000) %}{% for b in range(3000) %}{{ a }}{% endfor %}{% endfor %}',
  '{% for m in messages %}{{ m.content }}{% endfor %}',
  '{% set x = bos_token %}{% for a in range(29) %}{% set x = x ~ x %}{% endfor %}',
  '{% set ns = namespace(text="ab") %}{% for a in range(29) %}{% set ns.text = ns.text ~ ns.text %}{% endfor %}{{ ns.text }}',
  '{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(9) }}',
  '{{ range(10**9) }}',
  '{{ range(100000)|list|length }}',
  '{{ range(100)|join(messages[0].content) }}',
  '{{ messages|tojson(indent=1000000) }}',
  '{{ messages[0].content|indent(1000000, true) }}',
  '{{ messages[0].content|replace("", "aaaaaaaa") }}',
  '{% if messages %}yes{% else %}no{% endif %}',
  '{# a comment #}',
];

const FRAGMENTS = [
  ...['{% endfor %}', '{% if messages %}', '{% endif %}', '{% for a in range(3000) %}'],
  ...['{{', '}}', '{%', '%}', '{#', '-%}', '((((', '"', '\\', ' ** ', ' + ', '|list', '|length'],
  ...['\u{1f525}', '\ud800'],
];

const NUMBERS = ['0', '-1', '7', '3000', '1000000', '10**9', '0.001'];

type Mutation = (text: string, random: Random, pick: Pick) => string;

/** Between two tags, mostly; few that tear one apart parse at all. */
const MUTATIONS: Mutation[] = [
  ...Array<Mutation>(4).fill((text, _random, pick) => betweenTags(text, pick(BLOCKS), pick)),
  ...Array<Mutation>(3).fill((text, _random, pick) =>
    text.replace(pick(text.match(/\d+/g) ?? ['0']), () => pick(NUMBERS)),
  ),
  (text, random, pick) => betweenTags(text, ' '.repeat(random() ** 4 * 40_000), pick),
  (text, _random, pick) =>
    `{% for z in range(${pick(NUMBERS)}) %}${text}${pick(BLOCKS)}{% endfor %}`,
  (text, random, pick) => `${text}${pick(BLOCKS)}`.repeat(Math.ceil(random() ** 3 * 50)),
  (text, random, pick) => inserted(text, pick(FRAGMENTS), random),
  (text, random) => {
    const [start, end] = span(text, random);
    return text.slice(0, start) + text.slice(end);
  },
  (text, random) => {
    const [start, end] = span(text, random);
    return text.slice(0, end) + text.slice(start);
  },
];

function betweenTags(text: string, part: string, pick: Pick): string {
  const places = [...text.matchAll(/(?<=[%}]\})|(?=\{[%{])/g)].map(({ index }) => index);
  const at = pick([0, text.length, ...places]);
  return text.slice(0, at) + part + text.slice(at);
}

function inserted(text: string, part: string, random: Random): string {
  const at = Math.floor(random() * (text.length + 1));
  return text.slice(0, at) + part + text.slice(at);
}

function span(text: string, random: Random): [start: number, end: number] {
  const start = Math.floor(random() * (text.length + 1));
  return [start, Math.min(text.length, start + Math.floor(random() * 60))];
}

/** Random numbers from 0 to 1 that are the same everywhere. */
function mulberry32(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
