import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { MARK_MASKED, MARK_REDACTED } from '../../contracts/event.ts';
import { AuditRecord } from '../../contracts/record.ts';
import type { SqlStatement } from '../../contracts/sql.ts';
import { stubAnalyzer } from '../stub-analyzer.ts';
import { Masker } from './mask.ts';
import { findSensitive, passesLuhn, SENSITIVE_KINDS } from './sensitive.ts';

const ALL = new Set(SENSITIVE_KINDS);

const FOUND: readonly [text: string, found: readonly string[]][] = [
  ["VALUES ('4111111111111111')", ['card 4111111111111111']],
  ["VALUES ('4111 1111-1111 1111', 5555555555554444)", ['card 4111111111111111', 'card 5555555555554444']],
  [
    '378282246310005 6011111111111117 2223003122003222',
    ['card 378282246310005', 'card 6011111111111117', 'card 2223003122003222'],
  ],
  ['4111111111111111 12/27', ['card 4111111111111111']],
  ['2222 4111 1111 1111 1111 9', ['card 4111111111111111']],
  ['1, 2026-01-05 4111111111111111', ['card 4111111111111111']],
  ['DE89370400440532013000 GB82WEST12345698765432', ['iban DE89370400440532013000', 'iban GB82WEST12345698765432']],
  ['4111111111111112', []],
  ['1234567812345670', []],
  ['x4111111111111111', []],
  ['41111111111111110000000', []],
  ['0.4111111111111111', []],
  ["'DE89370400440532013000'", ['iban DE89370400440532013000']],
  ['de89 3704 0044 0532 0130 00 and more', ['iban DE89370400440532013000']],
  ['GB82 WEST 1234 5698 7654 32', ['iban GB82WEST12345698765432']],
  ['DE89370400440532013001', []],
  ['DE893704004405320130001', []],
  ['ZZ89370400440532013000', []],
  ["'Ann.Example+x@mail.example.org'", ['email ann.example+x@mail.example.org']],
  ['ssn 123-45-6789, no 000-12-3456 or 123-45-67890', ['national-id 123456789']],
  ["('AB 12 34 56 C')", ['national-id AB123456C']],
  ["'12345678Z' '12345678A' 'X1234567L'", ['national-id 12345678Z', 'national-id X1234567L']],
  ['1 84 12 76 451 089 46', ['national-id 184127645108946']],
  ["'RSSMRA85T10A562S'", ['national-id RSSMRA85T10A562S']],
  ["'AKIAIOSFODNN7EXAMPLE' 'AKIA'", ['key AKIAIOSFODNN7EXAMPLE']],
  ["'joe'@'localhost' @v a@b @@version x@y.z", []],
];

test('finds card numbers, IBANs and e-mail addresses by their checksums and forms', () => {
  for (const [text, found] of FOUND)
    assert.deepEqual(
      findSensitive(text, ALL).map(({ kind, value }) => `${kind} ${value}`),
      found,
      text,
    );
});

test('only the wanted kinds', () => {
  const text = 'a@example.org 4111111111111111';
  assert.deepEqual(
    findSensitive(text, new Set(['card'])).map(({ kind }) => kind),
    ['card'],
  );
});

test('every card number with a right check digit is found, whatever it is written in', () => {
  const body = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 12, maxLength: 17 });
  fc.assert(
    fc.property(fc.constantFrom('4', '5', '34', '6011', '2221'), body, (prefix, rest) => {
      const digits = (prefix + rest).slice(0, 18);
      const check = [...'0123456789'].find((digit) => passesLuhn(digits + digit)) ?? '';
      const card = digits + check;
      const [span] = findSensitive(`INSERT INTO t VALUES ('${card}', 1)`, ALL);
      assert.equal(span?.value, card);
    }),
    { seed: 42, numRuns: 500 },
  );
});

test('hostile text is linear', () => {
  for (const text of [
    '@'.repeat(50_000),
    'a.'.repeat(50_000),
    '4 '.repeat(50_000),
    'DE00 '.repeat(20_000),
    `${'a'.repeat(99)}@`.repeat(900),
    '-eyJ'.repeat(20_000),
  ])
    assert.equal(findSensitive(text, ALL).length, 0);
});

function recordOf(text: string, parameters: AuditRecord['parameters']): AuditRecord {
  return Object.assign(new AuditRecord(), { text, parameters, textSha256: 'ab' });
}

test('patterns: text, binds and errors are masked, equal values alike, with one key', () => {
  const masker = new Masker({ kinds: SENSITIVE_KINDS, key: 'secret' });
  const record = recordOf("SELECT '4111-1111-1111-1111'", [
    '4111111111111111',
    4111111111111111,
    'x',
    null,
    true,
    { type: 'text', text: 'a@example.org', length: 99, sha256: 'cd' },
    { type: 'oid 999', hex: Buffer.from('\u0001 4111111111111111 ').toString('hex') },
  ]);
  record.errorText = 'Key (mail)=(a@example.org) already exists';
  masker.mask(record, undefined);
  const token = /<card:[0-9a-f]{16}>/.exec(record.text ?? '')?.[0];
  assert.equal(record.text, `SELECT '${token}'`);
  const mail = /<email:[0-9a-f]{16}>/.exec(record.errorText)?.[0];
  assert.equal(record.errorText, `Key (mail)=(${mail}) already exists`);
  assert.deepEqual(record.parameters, [token, token, 'x', null, true, mail, `\u0001 ${token} `]);
  assert.equal(record.marks, MARK_MASKED);
  assert.equal(record.textSha256, undefined);
  const again = recordOf('4111111111111111', undefined);
  new Masker({ kinds: SENSITIVE_KINDS, key: 'other' }).mask(again, undefined);
  assert.notEqual(again.text, token, 'another key, another hash');
});

test('patterns: what only looks like a hash is masked, and a hash that looks like a card number is not', () => {
  const key = 'k';
  const forged = Object.assign(new AuditRecord(), { text: "SELECT '<card:4111111111111111>'" });
  new Masker({ kinds: ['card'], key }).mask(forged, undefined);
  assert.match(forged.text ?? '', /^SELECT '<card:<card:[0-9a-f]{16}>>'$/);

  const hashOf = (value: string): string => createHmac('sha256', key).update(value).digest('hex').slice(0, 16);
  let n = 0;
  while (findSensitive(`<value:${hashOf(`v${n}`)}>`, ALL).length === 0) n++;
  const text = `SELECT * FROM t WHERE a = 'v${n}'`;
  const start = text.indexOf("'");
  const finder = { find: () => ({ literals: [{ start, end: text.length }], binds: [] }) };
  const record = Object.assign(new AuditRecord(), { text });
  new Masker({ kinds: SENSITIVE_KINDS, columns: ['a'], finder, key }).mask(record, undefined);
  assert.equal(record.text, `SELECT * FROM t WHERE a = '<value:${hashOf(`v${n}`)}>'`);
});

test('patterns: a record without such values is left alone', () => {
  const record = recordOf('SELECT 1', [1, 'x']);
  const { parameters } = record;
  new Masker({ kinds: SENSITIVE_KINDS }).mask(record, undefined);
  assert.equal(record.parameters, parameters);
  assert.equal(record.marks, 0);
  assert.equal(record.textSha256, 'ab');
});

/** The stub analysis knows no literals; these are found by their quotes. */
function analyse(text: string, nth = 0): SqlStatement | undefined {
  const statement = stubAnalyzer.analyze(text, 'generic')[nth];
  if (statement === undefined) return undefined;
  const spans = [...text.matchAll(/'[^']*'/g)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
  return { ...statement, literals: spans.filter(({ start, end }) => start >= statement.start && end <= statement.end) };
}

test('rule: all literals and binds are masked, the rest of the text stays', () => {
  const masker = new Masker({ kinds: [], key: 'k' });
  const text = "UPDATE t SET a = 'x', b = 'y' WHERE c = 'x'";
  const statement = analyse(text);
  const record = recordOf(text, ['x', 5, null]);
  record.summary = statement?.summary;
  record.errorText = "duplicate 'x'";
  masker.maskAll(record, statement);
  const [x, y, again] = [...(record.text ?? '').matchAll(/'<value:[0-9a-f]{16}>'/g)].map((match) => match[0]);
  assert.equal(record.text, `UPDATE t SET a = ${x}, b = ${y} WHERE c = ${again}`);
  assert.equal(x, again);
  assert.notEqual(x, y);
  assert.deepEqual(
    record.parameters?.map((value) => typeof value),
    ['string', 'string', 'object'],
  );
  assert.equal(record.errorText, undefined);
  assert.equal(record.marks, MARK_MASKED);
  assert.equal(record.textSha256, undefined, 'by which values could be tried');
});

test('rule: a statement cut out of a batch keeps its literals in place', () => {
  const text = "SELECT 1; SELECT 'secret' FROM t";
  const statement = analyse(text, 1);
  const record = recordOf("SELECT 'secret' FROM t", undefined);
  record.summary = statement?.summary;
  new Masker({ kinds: [] }).maskAll(record, statement);
  assert.match(record.text ?? '', /^SELECT '<value:[0-9a-f]{16}>' FROM t$/);
});

test('rule: where literals are not sure, the normal form stands for the text', () => {
  const text = "SELECT 'secret' FROM t";
  const statement = analyse(text);
  for (const [change, known] of [
    [{ marks: MARK_REDACTED }, statement],
    [{ summary: 'SELECT ?; SELECT ?' }, statement],
    [{ textLength: 99_999 }, statement],
    [{}, undefined],
  ] as const) {
    const record = recordOf(text, undefined);
    record.summary = statement?.summary;
    Object.assign(record, change);
    new Masker({ kinds: [] }).maskAll(record, known);
    assert.equal(record.text, record.summary);
    assert.ok(!JSON.stringify(record).includes('secret'));
  }
});
