import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outcome, StatementEvent } from '../contracts/event.ts';
import type { SqlStatement } from '../contracts/sql.ts';
import { createAnalyzer } from '../sql/analyzer.ts';
import { merged, pair } from './split.ts';

function event(...errorCodes: (string | undefined)[]): StatementEvent {
  const made = new StatementEvent(
    {
      system: 'postgresql',
      user: 'ann',
      effectiveUser: undefined,
      osUser: undefined,
      clientHost: undefined,
      program: undefined,
      endUser: undefined,
      database: undefined,
    },
    1,
    'simple',
  );
  made.outcomes = errorCodes.map((code) => {
    const outcome = new Outcome();
    outcome.errorCode = code;
    return outcome;
  });
  return made;
}

function statements(count: number): SqlStatement[] {
  return Array.from({ length: count }, (_, i) => ({ start: i, end: i + 1 }) as unknown as SqlStatement);
}

const table: readonly [string, StatementEvent, number, readonly string[]][] = [
  ['one statement, one result', event(undefined), 1, ['whole 0']],
  ['one statement, several result sets', event(undefined, undefined), 1, ['whole 0']],
  ['each statement its result', event(undefined, undefined, undefined), 3, ['0', '1', '2']],
  ['the second failed, the third never ran', event(undefined, '23505'), 3, ['0', '1,2']],
  ['the first of two failed', event('22012'), 2, ['0,1']],
  ['a syntax error refuses the whole text', event('42601'), 3, ['whole 0,1,2']],
  ['results that cannot be told apart', event(undefined, undefined), 3, ['whole 0,1,2']],
  ['no reply seen', event(), 2, ['whole 0,1']],
  ['no text', event(undefined), 0, ['whole ']],
];

for (const [name, given, count, expected] of table) {
  test(`pairing: ${name}`, () => {
    const parts = pair(given, statements(count));
    const told = parts.map((part) => (part.whole ? 'whole ' : '') + part.statements.map((s) => s.start).join(','));
    assert.deepEqual(told, expected);
    const shared = parts.flatMap((part) => part.outcomes);
    assert.equal(shared.length, given.outcomes.length, 'each result is told once');
  });
}

test('statements that are judged together show what all of them do', () => {
  const [first, second] = createAnalyzer().analyze('SELECT a FROM t; DELETE FROM u', 'postgresql');
  const both = merged([first as SqlStatement, second as SqlStatement]);
  assert.deepEqual(both?.operations, ['SELECT', 'DELETE']);
  assert.deepEqual(both?.objectsWritten, ['u']);
  assert.equal(merged([]), undefined);
});
