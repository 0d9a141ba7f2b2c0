/** What a session keeps in memory is bounded by bytes, whatever it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unlimitedMemory } from '../../base/memory-budget.ts';
import { type AuditEvent, MARK_TRUNCATED } from '../../contracts/event.ts';
import { END_FIN } from '../../contracts/protocol.ts';
import { type DriverCounters, newDriverCounters } from '../sdk/counters.ts';
import { Driver } from '../sdk/driver.ts';
import { connectionInfo } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import mysql from './protocol.ts';
import { Prepared, StatementTable } from './statements.ts';
import * as t from './testing.ts';

const TEXT = 'INSERT INTO t VALUES (?)';
/** As many as a statement may have. */
const PARAMETERS_MAX = 0xffff;

function play(turns: t.Turns): { readonly events: AuditEvent[]; readonly counters: DriverCounters } {
  const events: AuditEvent[] = [];
  const counters = newDriverCounters();
  const sink = { emit: (event: AuditEvent): void => void events.push(event) };
  const driver = new Driver(mysql, mysql.open(connectionInfo('mysql')), sink, counters, false);
  for (const [i, { direction, bytes }] of turns.entries()) driver.data(direction, bytes, 0, bytes.length, i);
  driver.end(END_FIN, turns.length);
  return { events, counters };
}

test('what waits for the reply to a prepare counts with all its bytes', () => {
  const reset = t.command(c.COM_STMT_RESET, t.u32(1), new Uint8Array(1024 * 1024 - 100));
  const ahead = Array.from({ length: 9 }, () => t.client(reset));
  const { counters } = play([...t.opening(), t.client(t.command(c.COM_STMT_PREPARE, TEXT)), ...ahead]);
  assert.equal(counters.pendingOverflows, 1);
});

test('values count beside their bytes: NULLs have none', () => {
  const nulls = Array.from({ length: PARAMETERS_MAX }, () => undefined);
  const types = Array.from({ length: PARAMETERS_MAX }, () => 3);
  const prepare = [t.client(t.command(c.COM_STMT_PREPARE, TEXT)), t.server(t.prepared(1, PARAMETERS_MAX, 0))];
  const one = [t.client(t.execute(1, types, nulls)), t.server(t.ok(1))];
  const all = play([...t.opening(), ...prepare, ...one]);
  const [first] = t.statements(all.events);
  assert.deepEqual([first?.marks, first?.parameters?.length], [0, PARAMETERS_MAX]);
  assert.equal(all.counters.pendingOverflows, 0);
  const ahead = Array.from({ length: 3 }, () => t.client(t.execute(1, undefined, nulls)));
  assert.equal(play([...t.opening(), ...prepare, ...one, ...ahead]).counters.pendingOverflows, 1);
});

test('values that were in flight with their prepare are left out when there is no room for them', () => {
  const nulls = Array.from({ length: PARAMETERS_MAX }, () => undefined);
  const types = Array.from({ length: PARAMETERS_MAX }, () => 3);
  const ahead = [t.execute(1, types, nulls), t.execute(1, undefined, nulls), t.execute(1, undefined, nulls)];
  const { events } = play([
    ...t.opening(),
    t.client(t.command(c.COM_STMT_PREPARE, TEXT), ...ahead),
    t.server(t.prepared(1, PARAMETERS_MAX, 0)),
    t.server(t.ok(1), t.ok(1), t.ok(1)),
  ]);
  assert.deepEqual(
    t.statements(events).map(({ marks, parameters, outcomes }) => [marks, parameters?.length, outcomes.length]),
    [
      [0, PARAMETERS_MAX, 1],
      [0, PARAMETERS_MAX, 1],
      [MARK_TRUNCATED, undefined, 1],
    ],
  );
});

test('executions whose cursor is open are bounded by bytes: what is too much is emitted at once', () => {
  const value = 'v'.repeat(1024 * 1024 - 100);
  const opened: t.Turns = Array.from({ length: 10 }, (_, i) => [
    t.client(t.command(c.COM_STMT_PREPARE, TEXT)),
    t.server(t.prepared(i, 1, 0)),
    t.client(t.execute(i, [253], [t.str(value)], 1)),
    t.server(t.packet(1, 1), t.column(2, 'x'), t.eof(3, c.STATUS_CURSOR_EXISTS)),
  ]).flat();
  const { events, counters } = play([...t.opening(), ...opened]);
  assert.equal(t.statements(events).length, 10);
  assert.deepEqual(
    [
      ...new Set(
        t
          .statements(events)
          .slice(0, 3)
          .map(({ marks }) => marks),
      ),
    ],
    [MARK_TRUNCATED],
  );
  assert.equal(counters.pendingOverflows, 3);
});

test('types are kept as far as there is room in the table', () => {
  const table = new StatementTable(4096, unlimitedMemory());
  const types = Array.from({ length: 300_000 }, () => 3);
  const prepared = Array.from({ length: 5 }, () => new Prepared());
  for (const [id, one] of prepared.entries()) {
    table.set(id, one, () => assert.fail('it stays'));
    table.keepTypes(one, types);
  }
  assert.deepEqual(
    prepared.map((one) => [one.types?.length, one.typesDropped]),
    [
      [300_000, false],
      [300_000, false],
      [300_000, false],
      [undefined, true],
      [undefined, true],
    ],
  );
  table.loseExecutions();
  assert.ok(prepared.every((one) => one.types === undefined));
  table.keepTypes(prepared[4] as Prepared, types);
  assert.equal(prepared[4]?.types?.length, 300_000, 'what was lost weighs nothing any more');
});

test('what the driver inside compression could not read is counted with the connection', () => {
  const capabilities = t.CLASSIC | c.CLIENT_COMPRESS;
  const payload = (...parts: readonly Uint8Array[]): Uint8Array => {
    const inside = t.bytes(...parts);
    return t.bytes(t.u24(inside.length), 0, t.u24(0), inside);
  };
  const noStream = t.bytes(t.u24(20), 1, t.u24(500), 0x78, 0x9c, new Uint8Array(18).fill(0xff));
  const { counters } = play([
    ...t.opening(capabilities),
    t.client(payload(t.query('SELECT 1'))),
    t.server(noStream),
    t.client(payload(t.query('SELECT 2'))),
  ]);
  assert.equal(counters.malformedFrames, 1);
  assert.equal(counters.unparsedBytes, 20);
});
