import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoggedValue } from './log.ts';
import { inlinedValues, sameValue } from './values.ts';

const same: readonly (readonly [LoggedValue, unknown])[] = [
  [null, null],
  ['42', 42],
  ['42', '42'],
  ['-2.25e-07', -2.25e-7],
  ['1.1', 1.100000023841858],
  ['t', true],
  ['f', 'false'],
  ['', ''],
  [{ hex: '0001ff' }, { type: 'bytea', hex: '0001ff' }],
  ['ab', { type: 'text', hex: '6162' }],
  ['-42', { type: 'unspecified', hex: 'ffffffd6' }],
  ['abcd', { type: 'text', text: 'ab', length: 4, sha256: '' }],
  ['2024-02-29 12:34:56.789+00', '2024-02-29T12:34:56.789+00:00'],
  ['2024-02-29 12:34:56.789+00', '2024-02-29T13:34:56.789+01:00'],
  ['2024-02-29 12:34:56.789000', '2024-02-29 12:34:56.789'],
  ['{"a": [1, null]}', '{"a":[1,null]}'],
  ['{1,2,3}', '{"1","2","3"}'],
];

const different: readonly (readonly [LoggedValue, unknown])[] = [
  [null, ''],
  ['', null],
  ['42', 43],
  ['16777217', 16777216],
  ['a', 'b'],
  ['t', false],
  [{ hex: '00' }, { type: 'bytea', hex: '01' }],
  ['42', { type: 'unspecified', hex: 'ffffffd6' }],
  ['abcd', { type: 'text', text: 'ab', length: 5, sha256: '' }],
  ['2024-02-29 12:34:56+00', '2024-02-29T12:34:56+01:00'],
  ['2024-02-29 12:34:56', '2024-02-29 12:34:57'],
  ['{"a": 1}', '{"a":2}'],
  ['x', undefined],
];

test('values: what is one value is taken as one', () => {
  for (const [logged, recorded] of same) assert.ok(sameValue(logged, recorded), JSON.stringify([logged, recorded]));
});

test('values: what is not one value is told apart', () => {
  for (const [logged, recorded] of different)
    assert.ok(!sameValue(logged, recorded), JSON.stringify([logged, recorded]));
});

const inlined: readonly (readonly [string, string, readonly LoggedValue[] | undefined])[] = [
  ['select ?', 'select 5', ['5']],
  ['select ?, ?', "select NULL, 'it\\'s'", [null, "it's"]],
  ["select 'what?', ? /* ? */", "select 'what?', -1.5e-7 /* ? */", ['-1.5e-7']],
  ['insert into t values (?)', "insert into t values (TIMESTAMP'2024-01-02 03:04:05')", ['2024-01-02 03:04:05']],
  ['select ?', "select '\\0\\\\\\\\xFF'", [{ hex: '005cff' }]],
  ['select `?`, ?', 'select `?`, 1', ['1']],
  ['select 1', 'select 1', []],
  ['select ?', 'select 5, 6', undefined],
  ['select ?', 'select x', undefined],
];

for (const [template, text, values] of inlined) {
  test(`values: ${template} made into ${text}`, () => {
    assert.deepEqual(inlinedValues(template, text), values);
  });
}
