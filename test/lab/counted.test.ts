import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordLine } from './align.ts';
import { differingCounts } from './counted.ts';

function record(text: string, more: RecordLine): RecordLine {
  const operation = text.split(' ')[0]?.toUpperCase();
  return {
    'audit.kind': 'statement',
    'server.port': 5432,
    'db.query.text': text,
    'db.operation.name': operation,
    ...more,
  };
}

const FETCHED: readonly RecordLine[] = [
  record('fetch 3 from walker', { 'db.response.returned_rows': 3 }),
  record('FETCH 3 FROM walker', { 'db.response.returned_rows': 2 }),
];

test('counted: sums over one statement, however it is written', () => {
  const counted = [{ text: 'fetch  3 from walker', calls: 2, rows: 5 }];
  assert.deepEqual(differingCounts(counted, FETCHED), { calls: 2, differing: [] });
});

test('counted: a row too many, and a statement that was not counted at all', () => {
  const fetched = [{ text: 'fetch 3 from walker', calls: 2, rows: 6 }];
  assert.equal(differingCounts(fetched, FETCHED).differing.length, 1);
  assert.equal(differingCounts([], FETCHED).differing.length, 1);
});

test('counted: what failed, other statements and other servers are left out', () => {
  const others = [
    record('copy t from stdin', { 'db.response.status_code': '22P04' }),
    record('select 1', { 'db.response.returned_rows': 1 }),
    record('fetch 1 from walker', { 'server.port': 3306 }),
  ];
  assert.deepEqual(differingCounts([], others), { calls: 0, differing: [] });
});
