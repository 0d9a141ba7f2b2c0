/** Query attributes of COM_QUERY; those of an execution are in `prepared.test.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatementEvent } from '../../contracts/event.ts';
import * as c from './constants.ts';
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

test('query attributes are passed over, only when both sides agreed on them', () => {
  const attributes = t.bytes(2, 1, 0b10, 1, t.u16(8), t.str('trace'), t.u16(253), t.str('user'), t.u64(5n));
  const both = t.CLASSIC | c.CLIENT_QUERY_ATTRIBUTES;
  const some = first(session(both, t.client(t.command(c.COM_QUERY, attributes, 'SELECT 7')), t.server(t.ok(1))));
  assert.equal(some.text, 'SELECT 7');
  const none = first(session(both, t.client(t.command(c.COM_QUERY, 0, 1, 'SELECT 8')), t.server(t.ok(1))));
  assert.equal(none.text, 'SELECT 8');
  const plain = t.statements(
    t.run([
      t.server(t.greeting(t.CLASSIC)),
      t.client(t.login(both)),
      t.server(t.ok(2)),
      t.client(t.query('SELECT 9')),
      t.server(t.ok(1)),
    ]),
  );
  assert.equal(plain[0]?.text, 'SELECT 9');
});

test('query attributes with a text as value are tags of the statement, within bounds', () => {
  const both = t.CLASSIC | c.CLIENT_QUERY_ATTRIBUTES;
  const named = (name: string, value: string): [Uint8Array, Uint8Array] => [
    t.bytes(t.u16(253), t.str(name)),
    t.str(value),
  ];
  const ask = (list: readonly (readonly [Uint8Array, Uint8Array])[]): StatementEvent => {
    const nulls = new Uint8Array(Math.ceil(list.length / 8));
    const types = t.bytes(...list.map(([type]) => type));
    const values = t.bytes(...list.map(([, value]) => value));
    const head = t.bytes(t.lenenc(list.length), 1, nulls, 1, types, values);
    return first(session(both, t.client(t.command(c.COM_QUERY, head, 'SELECT 7')), t.server(t.ok(1))));
  };
  const some = ask([
    named('enduser.id', 'ann'),
    [t.bytes(t.u16(8), t.str('n')), t.u64(5n)],
    named('x'.repeat(300), 'y'),
  ]);
  assert.equal(some.text, 'SELECT 7');
  assert.deepEqual([...(some.tags ?? [])], [['enduser.id', 'ann']]);
  const many = ask(Array.from({ length: 60 }, (_, i) => named(`key${i}`, 'v')));
  assert.equal(many.text, 'SELECT 7');
  assert.equal(many.tags?.size, 32);
});
