/** LOAD DATA LOCAL INFILE: the server asks for a file, the client sends it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MARK_MALFORMED, type StatementEvent } from '../../contracts/event.ts';
import * as t from './testing.ts';

/** The statements of a session that has logged in. */
function session(capabilities: number, ...turns: t.Turns): StatementEvent[] {
  return t.statements(t.run([...t.opening(capabilities), ...turns]));
}

function first(statements: readonly StatementEvent[]): StatementEvent {
  const [statement] = statements;
  assert.ok(statement);
  return statement;
}

test('LOCAL INFILE: the file is named and its bytes counted', () => {
  const text = "LOAD DATA LOCAL INFILE '/tmp/x' INTO TABLE t";
  const statements = session(
    t.CLASSIC,
    t.client(t.query(text)),
    t.server(t.packet(1, 0xfb, '/tmp/x')),
    t.client(t.packet(2, '1,2\n'), t.packet(3, '3,4,5\n'), t.packet(4)),
    t.server(t.ok(5, { affectedRows: 2 })),
    t.client(t.query('SELECT 1')),
    t.server(t.result(['1'])),
  );
  const load = first(statements);
  assert.equal(load.call, 'bulk');
  assert.deepEqual(load.parameters, ['/tmp/x']);
  assert.equal(load.outcomes[0]?.bulkBytes, 10);
  assert.equal(load.outcomes[0]?.affectedRows, 2);
  assert.equal(load.marks, 0);
  assert.equal(statements[1]?.outcomes[0]?.returnedRows, 1);
});

test('LOCAL INFILE: sequence numbers wrap within a long file', () => {
  const sequenceOf = (piece: number): number => (piece + 2) & 0xff;
  const pieces = Array.from({ length: 600 }, (_, i) => t.packet(sequenceOf(i), '1,2\n'));
  const statements = session(
    t.CLASSIC,
    t.client(t.query("LOAD DATA LOCAL INFILE '/tmp/x' INTO TABLE t")),
    t.server(t.packet(1, 0xfb, '/tmp/x')),
    t.client(...pieces, t.packet(sequenceOf(600))),
    t.server(t.ok(sequenceOf(601), { affectedRows: 600 })),
    t.client(t.query('SELECT 1')),
    t.server(t.result(['1'])),
  );
  assert.deepEqual(
    statements.map((statement) => [statement.operation, statement.marks]),
    [
      [undefined, 0],
      [undefined, 0],
    ],
  );
  assert.equal(statements[0]?.outcomes[0]?.bulkBytes, 2400);
  assert.equal(statements[1]?.outcomes[0]?.returnedRows, 1);
});

test('a server that asks for a file unprompted is marked', () => {
  const statement = first(
    session(
      t.CLASSIC,
      t.client(t.query('SELECT 1')),
      t.server(t.packet(1, 0xfb, '/etc/passwd')),
      t.client(t.packet(2, 'root:x'), t.packet(3)),
      t.server(t.ok(4)),
    ),
  );
  assert.equal(statement.marks, MARK_MALFORMED);
  assert.equal(statement.outcomes[0]?.tag, 'UNREQUESTED LOCAL INFILE');
  assert.deepEqual(statement.parameters, ['/etc/passwd']);
  assert.equal(statement.outcomes[0]?.bulkBytes, 6);
});
