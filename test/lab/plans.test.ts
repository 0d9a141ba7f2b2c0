import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPlan } from './plans.ts';

function processed(plan: unknown): number | undefined {
  return readPlan(`duration: 0.042 ms  plan:\n${JSON.stringify({ 'Query Text': 'q', Plan: plan })}`)?.processed;
}

const scan = { 'Node Type': 'Seq Scan', 'Parent Relationship': 'Outer', 'Actual Rows': 7, 'Actual Loops': 1 };
const initPlan = { 'Node Type': 'Result', 'Parent Relationship': 'InitPlan', 'Actual Rows': 1, 'Actual Loops': 1 };

const plans: readonly (readonly [string, unknown, number])[] = [
  ['a query', { 'Node Type': 'Limit', 'Actual Rows': 3, 'Actual Loops': 1, Plans: [scan] }, 3],
  ['a query whose rows are an average', { 'Node Type': 'Gather', 'Actual Rows': 2.5, 'Actual Loops': 2 }, 5],
  ['a query that never ran', { 'Node Type': 'Result', 'Actual Rows': 0, 'Actual Loops': 0 }, 0],
  ['a change', { 'Node Type': 'ModifyTable', 'Actual Rows': 0, 'Actual Loops': 1, Plans: [initPlan, scan] }, 7],
  ['a change with RETURNING', { 'Node Type': 'ModifyTable', 'Actual Rows': 4, 'Actual Loops': 1, Plans: [scan] }, 4],
  [
    'ON CONFLICT DO NOTHING',
    { 'Node Type': 'ModifyTable', 'Actual Rows': 0, 'Actual Loops': 1, 'Tuples Inserted': 2, Plans: [scan] },
    2,
  ],
  [
    'ON CONFLICT DO UPDATE',
    {
      'Node Type': 'ModifyTable',
      'Conflict Resolution': 'UPDATE',
      'Tuples Inserted': 2,
      'Conflicting Tuples': 3,
      Plans: [scan],
    },
    5,
  ],
  [
    'MERGE',
    { 'Node Type': 'ModifyTable', 'Actual Rows': 0, 'Tuples Inserted': 1, 'Tuples Updated': 2, 'Tuples Deleted': 3 },
    6,
  ],
];

for (const [name, plan, rows] of plans) test(`plans: ${name}`, () => assert.equal(processed(plan), rows));

test('plans: other rows of the log are none', () => {
  assert.equal(readPlan('statement: select 1'), undefined);
  assert.equal(readPlan('duration: 0.042 ms'), undefined);
});
