import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SEVERITIES } from '../contracts/record.ts';
import { QueryError } from './errors.ts';
import {
  ADDRESS_FIELDS,
  type AddressField,
  type Comparison,
  type Filter,
  NUMBER_FIELDS,
  type NumberField,
  type Pattern,
  TEXT_FIELDS,
  type TextField,
} from './filter.ts';
import { parseFilter } from './language.ts';

const NOW_US = Date.UTC(2026, 10, 22, 6) * 1000;

const table: readonly (readonly [query: string, filter: Filter | undefined])[] = [
  ['', undefined],
  [' \n\t', undefined],
  ['user:alice', { kind: 'match', field: 'user', patterns: [{ text: 'alice', wildcards: true }] }],
  ['USER="al*"', { kind: 'match', field: 'user', patterns: [{ text: 'al*', wildcards: false }] }],
  ['app:a,"b c"', match('program', { text: 'a', wildcards: true }, { text: 'b c', wildcards: false })],
  ['table:=Orders,"a b"', match('object', exactly('Orders'), exactly('a b'))],
  ['object:=t*', match('object', exactly('t*'))],
  ['user!=a', { kind: 'not', term: match('user', { text: 'a', wildcards: true }) }],
  ['not not user:a', match('user', { text: 'a', wildcards: true })],
  ['rows>=1.5k', number('rows', '>=', 1500)],
  ['rows>999999999999999G', number('rows', '>', 999_999_999_999_999e9)],
  ['duration<10ms', number('duration', '<', 10_000)],
  ['severity>=HIGH', number('severity', '>=', 3)],
  ['port:1,2', { kind: 'or', terms: [number('port', '=', 1), number('port', '=', 2)] }],
  ['failed:no', { kind: 'failed', value: false }],
  ['"drop \\"t\\" \\\\"', { kind: 'text', needle: 'drop "t" \\' }],
  ['sql:drop', { kind: 'text', needle: 'drop' }],
  ['é:1', { kind: 'text', needle: 'é:1' }],
  ['( ( failed:no ) )  ', { kind: 'failed', value: false }],
  ['order android nothing', { kind: 'and', terms: ['order', 'android', 'nothing'].map(text) }],
  ['a OR b AND c', { kind: 'or', terms: [text('a'), { kind: 'and', terms: [text('b'), text('c')] }] }],
  ['(a or b) c', { kind: 'and', terms: [{ kind: 'or', terms: [text('a'), text('b')] }, text('c')] }],
  ['since:2026-01-01', { kind: 'time', ranges: [{ fromUs: 1_767_225_600e6, toUs: Number.MAX_SAFE_INTEGER }] }],
];

function text(needle: string): Filter {
  return { kind: 'text', needle };
}

function match(field: TextField, ...patterns: readonly Pattern[]): Filter {
  return { kind: 'match', field, patterns };
}

function exactly(value: string): Pattern {
  return { text: value, wildcards: false, exact: true };
}

function number(field: NumberField, comparison: Comparison, value: number): Filter {
  return { kind: 'number', field, comparison, value };
}

test('a query is read as it is meant', () => {
  for (const [query, filter] of table) assert.deepEqual(parseFilter(query, NOW_US), filter, query);
});

const wrongs: readonly (readonly [query: string, message: string])[] = [
  ['user:', 'column 6: expected a value'],
  ['user:a,', 'column 8: expected a value'],
  ['not', 'column 4: expected a condition'],
  ['a and', 'column 6: expected a condition'],
  ['or a', 'column 1: expected a condition'],
  ['()', 'column 2: expected a condition before )'],
  ['(a', 'column 1: this ( is not closed'],
  ['a)', 'column 2: unexpected )'],
  ['"a', 'column 1: this " is not closed'],
  ['"a\\', 'column 1: this " is not closed'],
  ['user>a', 'column 1: user has no order; write user:VALUE'],
  ['rows:=1', 'column 1: := compares names; write rows:VALUE'],
  ['a client:=10.0.0.1', 'column 3: := compares names; write client:VALUE'],
  ['user:=', 'column 7: expected a value'],
  ['rows>=1e3', 'column 7: rows: expected a number'],
  ['duration>10MS', 'column 10: duration: expected a time such as 10ms'],
  ['failed:maybe', 'column 8: expected true or false'],
  ['time:-999999999y', 'column 6: time "-999999999y": out of range: the years are 1 to 9999'],
  [`${'('.repeat(60)}a${')'.repeat(60)}`, 'column 52: nested too deeply'],
  ['a '.repeat(501), 'column 1001: more than 500 conditions'],
];

test('what cannot be read is refused with its column', () => {
  for (const [query, message] of wrongs)
    assert.throws(
      () => parseFilter(query, NOW_US),
      (error) => error instanceof QueryError && error.message === `query, ${message}`,
      query,
    );
  assert.throws(() => parseFilter('colour:red', NOW_US), /column 1: unknown field colour; there are user, /);
  assert.throws(() => parseFilter('a'.repeat(20_000), NOW_US), /longer than 16384 characters/);
});

const pattern: fc.Arbitrary<Pattern> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }).map((written) => ({ text: written, wildcards: false })),
  fc
    .string({ unit: fc.constantFrom(...'ab*?:=<>!.\\/éıß😀-'), minLength: 1, maxLength: 8 })
    .map((written) => ({ text: written, wildcards: true })),
);
const patterns = fc.array(pattern, { minLength: 1, maxLength: 3 });
const leaf: fc.Arbitrary<Filter> = fc.oneof(
  fc.tuple(fc.constantFrom(...TEXT_FIELDS), patterns).map(([field, values]) => match(field, ...values)),
  fc
    .tuple(fc.constantFrom(...TEXT_FIELDS), fc.array(fc.string({ unit: 'binary', maxLength: 9 }), { minLength: 1 }))
    .map(([field, values]) => match(field, ...values.map(exactly))),
  fc
    .tuple(fc.constantFrom(...ADDRESS_FIELDS), patterns)
    .map(([field, values]: [AddressField, Pattern[]]): Filter => ({ kind: 'address', field, patterns: values })),
  fc
    .tuple(
      fc.constantFrom(...NUMBER_FIELDS.filter((field) => field !== 'severity')),
      fc.constantFrom<Comparison>('<', '<=', '>', '>=', '='),
      fc.nat(1e15 - 1),
    )
    .map(([field, comparison, value]) => number(field, comparison, value)),
  fc.nat(SEVERITIES.length - 1).map((rank) => number('severity', '>=', rank)),
  fc.string({ unit: 'binary', maxLength: 12 }).map(text),
  fc.boolean().map((value): Filter => ({ kind: 'failed', value })),
);
const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    // Two negations are none.
    tie('filter').map((term): Filter => (term.kind === 'not' ? term : { kind: 'not', term })),
    fc
      .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tie('filter'), { minLength: 2, maxLength: 3 }))
      .map(([kind, terms]): Filter => ({ kind, terms })),
  ),
}));

function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

function matchWritten(field: string, patterns: readonly Pattern[]): string {
  const values = patterns.map((each) => (each.wildcards ? each.text : quoted(each.text))).join(',');
  const isExact = patterns[0]?.exact === true;
  return `${field}${isExact ? ':=' : values.startsWith('=') ? '=' : ':'}${values}`;
}

function written(part: Filter): string {
  switch (part.kind) {
    case 'match':
    case 'address':
      return matchWritten(part.field, part.patterns);
    case 'number':
      return `${part.field}${part.comparison}${part.field === 'severity' ? SEVERITIES[part.value] : part.value}`;
    case 'text':
      return quoted(part.needle);
    case 'failed':
      return `failed:${part.value}`;
    case 'not':
      return `not (${written(part.term)})`;
    case 'and':
    case 'or':
      return part.terms.map((term) => `(${written(term)})`).join(part.kind === 'or' ? ' or ' : ' ');
    case 'time':
      throw new Error('not written here');
  }
}

test('every filter can be written as a query, and is read as the same', () => {
  fc.assert(
    fc.property(filter, (wanted) => {
      const query = written(wanted);
      assert.deepEqual(parseFilter(query, NOW_US), wanted, query);
    }),
    { seed: 5, numRuns: 2000 },
  );
});

test('any text is read, or refused in one line with a column inside it', () => {
  const piece = fc.oneof(
    fc.constantFrom('user', 'rows', 'time', 'severity', 'not', 'and', 'or', 'NOT', '"', '\\', '\n', '*'),
    fc.constantFrom(
      '(',
      ')',
      ':',
      ',',
      '=',
      ':=',
      '!=',
      '<',
      '<=',
      '>',
      '-1h',
      '10.0.0.0/8',
      '[::1]:5',
      'high',
      ' ',
      ' ',
    ),
    fc.string({ unit: 'binary', maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const query = pieces.join('');
      try {
        parseFilter(query, NOW_US);
      } catch (error) {
        assert.ok(error instanceof QueryError, String(error));
        const column = Number(/^query, column (\d+): ./.exec(error.message)?.[1]);
        assert.ok(column >= 1 && column <= query.length + 1, error.message);
      }
    }),
    { seed: 6, numRuns: 5000 },
  );
});
