import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { parse } from 'yaml';
import { policySchema } from './files/schema.ts';
import { formatProblem, PolicyError } from './files/source.ts';
import { loadPolicies, type Policy, parsePolicies } from './policy.ts';

const RULE = 'version: 1\nrules:\n  - id: a\n    title: t\n    reason: r\n    action: record\n    when: ';

function problemsOf(...texts: string[]): string[] {
  try {
    parsePolicies(texts.map((text, i) => ({ name: `${'abc'[i]}.yaml`, text })));
  } catch (error) {
    assert.ok(error instanceof PolicyError, String(error));
    assert.ok(!error.message.includes('\n'), 'the message is one line');
    return error.problems.map(formatProblem);
  }
  return [];
}

const WHENS_REFUSED: readonly [when: string, problem: string][] = [
  ['{ usr: x }', 'a.yaml:7:13: unknown key "usr" in "when"; did you mean "user"?'],
  ['{ kind: query }', 'a.yaml:7:19: unknown kind "query"; known: login, statement, logout, opaque, loss'],
  ['{}', 'a.yaml:7:11: no conditions: it would match every record'],
  ['[]', 'a.yaml:7:11: "when" must be a mapping (key: value)'],
  ['{ any: [] }', 'a.yaml:7:18: "any" is empty'],
  ['{ all: { user: x } }', 'a.yaml:7:18: "all" must be a list'],
  ['{ not: 5 }', 'a.yaml:7:18: a condition must be a mapping (key: value)'],
  ['{ user: [] }', 'a.yaml:7:19: "user": the list is empty, so nothing can match'],
  ['{ user: $dbas }', 'a.yaml:7:19: unknown set $dbas; known: none'],
  ['{ user: [[x]] }', 'a.yaml:7:20: "user" must be one value'],
  ['{ user: }', 'a.yaml:7:19: "user" is empty'],
  ['{ user: "a**" }', 'a.yaml:7:19: "a**": ** means no more than *'],
  ['{ object: "t[0-9]*" }', 'a.yaml:7:21: "t[0-9]*": only * and ? are wildcards, not brackets'],
  ['{ client: 10.0.0.0/33 }', 'a.yaml:7:21: "10.0.0.0/33": the prefix is longer than 32 bits'],
  ['{ client: 10.0.0.1/8 }', 'a.yaml:7:21: "10.0.0.1/8" has bits beyond its prefix'],
  ['{ client: 10.0.0.300 }', 'a.yaml:7:21: "10.0.0.300" is not an address, a CIDR block or a range'],
  ['{ server: 10.0.0.9-10.0.0.1 }', 'a.yaml:7:21: "10.0.0.9-10.0.0.1" ends before it begins'],
  ['{ server_port: 70000 }', 'a.yaml:7:26: "70000" is not a port or a range of ports'],
  ['{ rows: 5 }', 'a.yaml:7:19: "rows" must be a mapping (key: value)'],
  ['{ rows: { over: many } }', 'a.yaml:7:27: "many" is not a value for "rows": write it as 5000, 10k, 64MiB'],
  ['{ rows: { over: 5, under: 6 } }', 'a.yaml:7:19: "rows": no number is over 5 and under 6'],
  ['{ duration: { over: 5 } }', 'a.yaml:7:31: "5" is not a value for "duration": write it as 250ms, 5s, 10m'],
  ['{ regex: "(a" }', 'a.yaml:7:20: regular expression: "(" without ")"'],
  ['{ regex: "a*" }', 'a.yaml:7:20: regular expression: it matches an empty text, and so everything'],
  ['{ keyword: { word: true } }', 'a.yaml:7:22: "keyword" needs "words"'],
  ['{ keyword: "" }', 'a.yaml:7:22: empty keyword'],
  ['{ keyword: { words: x, in: body } }', 'a.yaml:7:38: unknown in "body"; known: text, code'],
  ['{ time: { from: 25:00 } }', 'a.yaml:7:27: from: "25:00" is not a time of day such as 08:30'],
  ['{ time: { from: "08:00", zone: Mars/Base } }', 'a.yaml:7:19: unknown time zone "Mars/Base"'],
  ['{ time: { days: [tues] } }', 'a.yaml:7:28: unknown day "tues"; did you mean "tue"?'],
  ['{ count: { over: 5 } }', 'a.yaml:7:20: "count" needs "over" and "within"'],
  ['{ count: { over: 5, within: 60s, by: usr } }', 'a.yaml:7:48: unknown by "usr"; did you mean "user"?'],
  ['{ count: { over: 5, within: 60s, keys: 0 } }', 'a.yaml:7:50: keys: must be 1 to 1000000'],
  ['{ first_seen: { for: user } }', 'a.yaml:7:25: "first_seen" needs "what"'],
  [
    '{ kind: login, operation: SELECT }',
    'a.yaml:7:11: can never match: its conditions are about different kinds of records',
  ],
  [
    '{ not: { kind: statement }, rows: { over: 3 } }',
    'a.yaml:7:11: can never match: its conditions are about different kinds of records',
  ],
  [`${'{ not: '.repeat(20)}{ user: x }${' }'.repeat(20)}`, 'a.yaml:7:130: conditions nested deeper than 16'],
];

test('a broken condition is refused with file, line, column and reason', () => {
  for (const [when, problem] of WHENS_REFUSED) assert.equal(problemsOf(`${RULE}${when}\n`)[0], problem, when);
});

const FILES_REFUSED: readonly [text: string, problem: string][] = [
  ['', 'a.yaml:1:1: the file is empty'],
  ['rules: [', 'a.yaml:1:9: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ['version: 1\nversion: 1\n', 'a.yaml:2:1: Map keys must be unique'],
  ['version: 2\n', 'a.yaml:1:10: unknown version "2"; known: 1'],
  ['rules: []\n', 'a.yaml:1:1: "version: 1" is missing'],
  ['version: 1\nrule: []\n', 'a.yaml:2:1: unknown key "rule" in a policy file; did you mean "rules"?'],
  ['version: 1\nrecord: some\n', 'a.yaml:2:9: unknown record "some"; known: all, matched'],
  ['version: 1\nenabled: yes\n', 'a.yaml:2:10: enabled must be true or false'],
  ['version: 1\nsets: { A: [x] }\n', 'a.yaml:2:9: set name "A": small letters, digits and _ only'],
  ['version: 1\nsets: { a: [$b] }\n', 'a.yaml:2:13: a set cannot contain another set'],
  ['version: 1\nsets: { a: x }\n', 'a.yaml:2:12: set "a" must be a list'],
  ['version: 1\nrules:\n  - { id: a, title: t, action: alert }\n', 'a.yaml:3:5: rule a lacks "reason", "when"'],
  [`${RULE}{ user: x }\n    action: alert\n`, 'a.yaml:8:5: Map keys must be unique'],
  [RULE.replace('record', 'alert').concat('{ user: x }\n'), 'a.yaml:3:5: an alert needs a "severity"'],
  [
    RULE.replace('id: a', 'id: A b').concat('{ user: x }\n'),
    'a.yaml:3:9: id "A b": small letters and digits, joined by - / or .',
  ],
  [
    RULE.replace('record', 'shout').concat('{ user: x }\n'),
    'a.yaml:6:13: unknown action "shout"; known: record, alert, ignore, mask',
  ],
  [
    `${RULE}{ user: &u x, os_user: *u }\n`,
    'a.yaml:7:34: YAML aliases are not supported; name a set and refer to it as $name',
  ],
  [`${RULE}{ user: x }\n    tests: { hit: [] }\n`, 'a.yaml:8:14: unknown key "hit" in "tests"; known: match, miss'],
  [
    `${RULE}{ user: x }\n    tests: { match: [{ rows: few }] }\n`,
    'a.yaml:8:30: rows: "few" is not a number with its unit',
  ],
  [
    `${RULE}{ user: x }\n    tests: { miss: [{ repeat: 0 }] }\n`,
    'a.yaml:8:31: repeat: "0" is not a number from 1 to 100000',
  ],
  [
    `${RULE}{ user: x }\n    tests: { match: [{ repeat: 1M }] }\n`,
    'a.yaml:8:32: repeat: "1M" is not a number from 1 to 100000',
  ],
  [
    'version: 1\n---\nversion: 1\n',
    'a.yaml:2:1: Source contains multiple documents; please use YAML.parseAllDocuments()',
  ],
];

test('a broken file is refused with file, line, column and reason', () => {
  for (const [text, problem] of FILES_REFUSED) {
    const problems = problemsOf(text);
    assert.equal(problems[0], problem, text);
    assert.equal(new Set(problems).size, problems.length, 'nothing is said twice');
  }
});

test('all problems are listed, the message is the first', () => {
  const text = `${RULE}{ usr: x, client: y }\n`;
  assert.equal(problemsOf(text).length, 2);
  assert.throws(
    () => parsePolicies([{ name: 'a.yaml', text }]),
    /^PolicyError: a\.yaml:7:13: unknown key .* \(and 1 more\)$/,
  );
});

test("problems between files: the same rule twice, contradicting record, values of another file's set", () => {
  const rule = `${RULE}{ user: x }\n`;
  assert.deepEqual(problemsOf(rule, rule), ['b.yaml:3:5: rule "a" exists already, in a.yaml:3']);
  assert.match(
    problemsOf('version: 1\nrecord: all\n', 'version: 1\nrecord: matched\n')[0] ?? '',
    /^b\.yaml:2:9: .*contradicts/,
  );
  const sets = 'version: 1\nsets:\n  office: [10.0.0.0/8, lan]\n';
  assert.deepEqual(problemsOf(`${RULE}{ client: $office }\n`, sets), [
    'b.yaml:3:24: "lan" is not an address, a CIDR block or a range',
  ]);
});

test('the schema refuses what it can see too, and takes what the reader takes', () => {
  const validate = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(policySchema());
  for (const when of [
    '{ usr: x }',
    '{ kind: query }',
    '{}',
    '[]',
    '{ any: [] }',
    '{ user: [] }',
    '{ rows: 5 }',
    '{ keyword: { word: true } }',
    '{ count: { over: 5 } }',
  ])
    assert.equal(validate(parse(`${RULE}${when}\n`)), false, when);
  for (const when of [
    '{ user: x }',
    '{ any: [{ rows: { over: 10k } }, { not: { client: 10.0.0.0/8 } }] }',
    '{ keyword: { words: [a, b], in: code } }',
  ]) {
    assert.deepEqual(problemsOf(`${RULE}${when}\n`), [], when);
    assert.equal(validate(parse(`${RULE}${when}\n`)), true, when);
  }
});

test('any text is either read or refused with positions inside it', () => {
  const piece = fc.constantFrom(
    'version: 1\n',
    'rules:\n',
    '- id: a\n',
    '  when: ',
    '{ user: $x }',
    '[',
    '*a',
    '&a ',
    '\t',
    ': ',
    '"',
    '\n',
    '? ',
    '!!int ',
    '|',
    'é',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      const lines = text.split('\n').length;
      for (const problem of problemsOf(text)) {
        const line = Number(/^a\.yaml:(\d+):\d+: ./.exec(problem)?.[1]);
        assert.ok(line >= 1 && line <= lines, problem);
      }
    }),
    { seed: 42, numRuns: 500 },
  );
});

function inFolder(files: Readonly<Record<string, string>>, use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-policy-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    mkdirSync(join(folder, 'sub.yaml.d'));
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const ids = (policy: Policy): string[] => policy.rules.map((rule) => rule.id);
const ruleNamed = (id: string): string => `${RULE.replace('id: a', `id: ${id}`)}{ user: x }\n`;

test('a folder is read in order of names; enabled: false is left out unless named', () => {
  const off = ruleNamed('off').replace('version: 1', 'version: 1\nenabled: false');
  inFolder({ 'b.yaml': ruleNamed('two'), 'a.yml': ruleNamed('one'), 'c.yaml': off, 'notes.txt': ':' }, (folder) => {
    const policy = loadPolicies(folder);
    assert.deepEqual(ids(policy), ['one', 'two']);
    assert.deepEqual(policy.disabled, [join(folder, 'c.yaml')]);
    assert.deepEqual(ids(loadPolicies(folder, { disabledToo: true })), ['one', 'two', 'off']);
    assert.deepEqual(ids(loadPolicies(join(folder, 'c.yaml'))), ['off']);
    assert.deepEqual(ids(loadPolicies([join(folder, 'c.yaml'), join(folder, 'a.yml')])), ['one', 'off']);
    assert.deepEqual(ids(parsePolicies(policy.sources)), ids(policy), 'as another thread reads it');
  });
  assert.throws(() => loadPolicies('no-such-folder'), /ENOENT/);
});

test('the version follows the texts and names, not the place', () => {
  const version = (name: string, text: string): string => parsePolicies([{ name, text }]).version;
  assert.match(version('a.yaml', ruleNamed('x')), /^[0-9a-f]{64}$/);
  assert.equal(version('here/a.yaml', ruleNamed('x')), version('there/a.yaml', ruleNamed('x')));
  assert.notEqual(version('a.yaml', ruleNamed('x')), version('a.yaml', ruleNamed('y')));
  assert.notEqual(version('a.yaml', ruleNamed('x')), version('b.yaml', ruleNamed('x')));
});

test('a file that is left out is checked with its own sets, which add nothing to those in force', () => {
  const on = 'version: 1\nsets: { people: [ann] }\n';
  const off = `${ruleNamed('off').replace('{ user: x }', '{ user: [$people, $others] }')}enabled: false\nsets: { people: [bob], others: [eve] }\n`;
  const using = `${ruleNamed('on').replace('{ user: x }', '{ user: $people }')}`;
  const expected = (sources: readonly string[], disabledToo: boolean): string[] => {
    const policy = parsePolicies(
      sources.map((text, i) => ({ name: `${i}.yaml`, text })),
      { disabledToo },
    );
    return policy.rules.map(({ when }) => (when.kind === 'leaf' ? when.expected : ''));
  };
  assert.deepEqual(expected([on, using, off], false), ['ann']);
  assert.deepEqual(expected([on, using, off], true), ['ann, bob', 'ann, bob, eve']);
  assert.match(
    problemsOf(on, `${ruleNamed('on').replace('{ user: x }', '{ user: $others }')}`, off)[0] ?? '',
    /unknown set \$others; known: people/,
  );
});

test('mask: kinds as a list, or kinds and columns with sets of any file', () => {
  const sources = [
    'version: 1\nmask: [card]\nsets: { hidden: [pin] }\n',
    'version: 1\nmask: { kinds: [iban], columns: [$hidden, t.card, "*_no"] }\n',
  ].map((text, i) => ({ name: `${i}.yaml`, text }));
  const policy = parsePolicies(sources);
  assert.deepEqual(policy.mask, ['card', 'iban']);
  assert.deepEqual(policy.maskColumns, ['pin', 't.card', '*_no']);
  assert.deepEqual(problemsOf('version: 1\nmask: { columns: [$gone, "a**"], kind: [card] }\n'), [
    'a.yaml:2:34: unknown key "kind" in "mask"; did you mean "kinds"?',
    'a.yaml:2:19: unknown set $gone; known: none',
    'a.yaml:2:26: "a**": ** means no more than *',
  ]);
  const validate = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(policySchema());
  for (const { text } of sources) assert.ok(validate(parse(text)), text);
  assert.ok(!validate(parse('version: 1\nmask: { columns: card }\n')));
});
