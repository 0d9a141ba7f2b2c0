import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Identity, LoginEvent, Outcome, StatementEvent } from '../contracts/event.ts';
import type { ConnectionInfo, EventSink } from '../contracts/protocol.ts';
import type { AuditRecord } from '../contracts/record.ts';
import { connectionInfo } from '../protocols/sdk/testkit.ts';
import { createAnalyzer } from '../sql/analyzer.ts';
import { Auditor } from './auditor.ts';
import { recordToJson } from './json.ts';

const ANN: Identity = {
  system: 'postgresql',
  user: 'ann',
  effectiveUser: undefined,
  osUser: undefined,
  clientHost: undefined,
  program: 'psql',
  endUser: undefined,
  database: 'shop',
};

function open(connection: Partial<ConnectionInfo> = {}): { records: AuditRecord[]; sink: EventSink } {
  const records: AuditRecord[] = [];
  const write = (record: AuditRecord): boolean => records.push(record) > 0;
  const auditor = new Auditor({ sensor: 's1', analyzer: createAnalyzer(), policy: undefined, sink: { write } });
  return { records, sink: auditor.open({ ...connectionInfo('postgres'), ...connection }) };
}

function statement(identity: Identity, text: string, ...outcomes: Partial<Outcome>[]): StatementEvent {
  const event = new StatementEvent(identity, 1_700_000_000_000_100, 'simple');
  event.text = text;
  event.outcomes = outcomes.map((given) => Object.assign(new Outcome(), { firstByteUs: 1, endUs: 1 }, given));
  return event;
}

/** What the record says of a statement that follows these, all of which succeed. */
function after(identity: Identity, ...texts: readonly string[]): AuditRecord {
  const { records, sink } = open();
  for (const text of [...texts, 'SELECT 1']) sink.emit(statement(identity, text, {}));
  return records.at(-1) as AuditRecord;
}

test('the current database follows USE, and a schema the database that it was chosen in', () => {
  const tsql = { ...ANN, system: 'microsoft.sql_server' };
  assert.equal(after(ANN).namespace, 'shop');
  assert.equal(after(ANN, 'SET search_path TO sales').namespace, 'shop|sales');
  assert.equal(after({ ...ANN, database: undefined }, 'SET search_path TO sales').namespace, 'sales');
  assert.equal(after(tsql, 'USE stock').namespace, 'stock');
  assert.equal(after({ ...ANN, system: 'mysql' }, 'USE stock').namespace, 'stock');
  // A schema chosen before is none of the other database.
  const { records, sink } = open();
  sink.emit(statement(ANN, 'SET search_path TO sales', {}));
  sink.emit(statement({ ...ANN, system: 'mysql' }, 'USE stock', {}));
  sink.emit(statement({ ...ANN, system: 'mysql' }, 'SELECT 1', {}));
  assert.equal(records[2]?.namespace, 'stock');
});

test('what the protocol says later overrules what SQL had set, of that alone', () => {
  const { records, sink } = open();
  for (const text of ['SET ROLE admin', 'SET search_path TO sales', "SET application_name = 'report'"]) {
    sink.emit(statement(ANN, text, {}));
  }
  const emit = (identity: Identity): unknown[] => {
    sink.emit(statement(identity, 'SELECT 1', {}));
    const { user, effectiveUser, namespace, program } = records.at(-1) as AuditRecord;
    return [user, effectiveUser, namespace, program];
  };
  assert.deepEqual(emit(ANN), ['ann', 'admin', 'shop|sales', 'report']);
  const moved = { ...ANN, database: 'stock' };
  assert.deepEqual(emit(moved), ['ann', 'admin', 'stock', 'report']);
  const named = { ...moved, program: 'pool' };
  assert.deepEqual(emit(named), ['ann', 'admin', 'stock', 'pool']);
  const acting = { ...named, effectiveUser: 'operator' };
  assert.deepEqual(emit(acting), ['ann', 'operator', 'stock', 'pool']);
  sink.emit(statement({ ...acting, system: 'mysql' }, 'USE archive', {}));
  assert.deepEqual(emit(acting), ['ann', 'operator', 'archive', 'pool']);
  assert.deepEqual(emit({ ...acting, database: 'shop' }), ['ann', 'operator', 'shop', 'pool']);
});

test('another user on the connection begins anew: role, schema, program and what was prepared are forgotten', () => {
  const { records, sink } = open();
  const texts = ['SET ROLE admin', 'SET search_path TO sales', "SET application_name = 'report'"];
  for (const text of [...texts, 'PREPARE q AS DELETE FROM orders']) sink.emit(statement(ANN, text, {}));
  const bob = { ...ANN, user: 'bob' };
  sink.emit(statement(bob, 'EXECUTE q', {}));
  const { user, effectiveUser, namespace, program, objects } = records.at(-1) as AuditRecord;
  assert.deepEqual([user, effectiveUser, namespace, program, objects], ['bob', undefined, 'shop', 'psql', undefined]);
});

test('DISCARD ALL forgets everything, DEALLOCATE what it names', () => {
  const role = ['SET ROLE admin', 'SET search_path TO sales', "SET application_name = 'report'"];
  const prepare = ['PREPARE q AS DELETE FROM orders', 'PREPARE r AS DELETE FROM lines'];
  const discarded = after(ANN, ...role, 'DISCARD ALL');
  assert.deepEqual([discarded.effectiveUser, discarded.namespace, discarded.program], [undefined, 'shop', 'psql']);
  const executed = (...texts: readonly string[]): unknown[] =>
    ['EXECUTE q', 'EXECUTE r'].map((execute) => {
      const { records, sink } = open();
      for (const text of [...prepare, ...texts, execute]) sink.emit(statement(ANN, text, {}));
      return records.at(-1)?.objects;
    });
  assert.deepEqual(executed(), [['orders'], ['lines']]);
  assert.deepEqual(executed('DEALLOCATE q'), [undefined, ['lines']]);
  assert.deepEqual(executed('DEALLOCATE ALL'), [undefined, undefined]);
  assert.deepEqual(executed('DISCARD ALL'), [undefined, undefined]);
});

test('a statement that failed, or whose reply was not seen, changes nothing', () => {
  const { records, sink } = open();
  sink.emit(statement(ANN, 'SET ROLE admin', { errorCode: '42501' }));
  sink.emit(statement(ANN, 'SET ROLE admin'));
  sink.emit(statement(ANN, 'SELECT 1', {}));
  assert.equal(records[2]?.effectiveUser, undefined);
});

test('who acts is named where it is somebody else than the login user', () => {
  assert.equal(after(ANN, 'SET ROLE admin').effectiveUser, 'admin');
  assert.equal(after(ANN, 'SET ROLE ann').effectiveUser, undefined);
});

test('VLAN and tunnel are those of the connection', () => {
  const json = (connection: Partial<ConnectionInfo>): unknown[] => {
    const { records, sink } = open(connection);
    sink.emit(new LoginEvent(ANN, 1));
    const record = recordToJson(records[0] as AuditRecord);
    return [record['network.vlan.id'], record['audit.tunnel']];
  };
  assert.deepEqual(json({}), [undefined, undefined]);
  assert.deepEqual(json({ vlanId: 1 }), [1, undefined]);
  assert.deepEqual(json({ vlanId: 12, tunnel: 'vxlan:100' }), [12, 'vxlan:100']);
});

test('records of a long session have ids of their own, which end with their number', () => {
  const { records, sink } = open();
  for (let n = 0; n < 70_000; n++) sink.emit(new LoginEvent(ANN, 1));
  assert.equal(new Set(records.map(({ id }) => id)).size, records.length);
  const session = records[0]?.session ?? '';
  assert.equal(records[0x1234]?.id, `${session}00001234`);
  assert.equal(records[0x1_0000]?.id, `${session}00010000`);
});
