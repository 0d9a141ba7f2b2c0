import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Identity, LoginEvent, LogoutEvent, MARK_REDACTED, Outcome, StatementEvent } from '../contracts/event.ts';
import { DISPOSITION_DROP, type PolicyEngine } from '../contracts/policy.ts';
import type { EventSink } from '../contracts/protocol.ts';
import type { AuditRecord } from '../contracts/record.ts';
import { connectionInfo } from '../protocols/sdk/testkit.ts';
import { createAnalyzer } from '../sql/analyzer.ts';
import { Auditor } from './auditor.ts';
import { recordToJson } from './json.ts';

const ann: Identity = {
  system: 'postgresql',
  user: 'ann',
  effectiveUser: undefined,
  osUser: undefined,
  clientHost: undefined,
  program: 'psql',
  endUser: undefined,
  database: 'shop',
};

function open(policy?: PolicyEngine): { records: AuditRecord[]; sink: EventSink; auditor: Auditor } {
  const records: AuditRecord[] = [];
  const write = (record: AuditRecord): boolean => records.push(record) > 0;
  const auditor = new Auditor({ sensor: 's1', analyzer: createAnalyzer(), policy, sink: { write } });
  return { records, sink: auditor.open(connectionInfo('postgres')), auditor };
}

function statement(text: string, ...outcomes: Partial<Outcome>[]): StatementEvent {
  const event = new StatementEvent(ann, 1_700_000_000_000_100, 'simple');
  event.text = text;
  event.outcomes = outcomes.map((given) => Object.assign(new Outcome(), { firstByteUs: 1, endUs: 1 }, given));
  return event;
}

test('a record says who, where, what and what came of it', () => {
  const { records, sink } = open();
  const rows = {
    returnedRows: 3,
    responseBytes: 120,
    firstByteUs: 1_700_000_000_000_300,
    endUs: 1_700_000_000_000_500,
  };
  sink.emit(statement('SELECT name FROM shop.customer WHERE id = 7', rows));
  const json = recordToJson(records[0] as AuditRecord);
  assert.equal(json['time'], '2023-11-14T22:13:20.000100Z');
  assert.equal(json['duration_us'], 400);
  assert.equal(json['audit.first_byte_us'], 200);
  assert.equal(json['user.name'], 'ann');
  assert.equal(json['audit.program'], 'psql');
  assert.equal(json['client.address'], '10.0.0.1');
  assert.equal(json['server.port'], 5000);
  assert.equal(json['db.namespace'], 'shop');
  assert.equal(json['db.operation.name'], 'SELECT');
  assert.deepEqual(json['db.collection.names'], ['shop.customer']);
  assert.equal(json['db.response.returned_rows'], 3);
  assert.equal(json['audit.sensor'], 's1');
  assert.match(String(json['network.community_id']), /^1:/);
  assert.equal(json['audit.marks'], undefined);
});

test('ids follow from what was seen: the same events give the same ids', () => {
  const ids = [1, 2].map(() => {
    const { records, sink } = open();
    sink.emit(new LoginEvent(ann, 1));
    sink.emit(statement('SELECT 1; SELECT 2', {}, {}));
    return records.map((record) => record.id);
  });
  assert.deepEqual(ids[0], ids[1]);
  assert.equal(new Set(ids[0]).size, 3);
  for (const id of ids[0] as string[]) assert.match(id, /^[0-9a-f]{32}$/);
});

test('statements of one request become records of their own, each with its result', () => {
  const { records, sink } = open();
  sink.emit(
    statement("INSERT INTO t VALUES ('a;b'); DELETE FROM t; SELECT 1", { affectedRows: 1 }, { errorCode: '42501' }),
  );
  assert.deepEqual(
    records.map((r) => [r.text, r.operation, r.affectedRows, r.errorCode]),
    [
      ["INSERT INTO t VALUES ('a;b')", 'INSERT', 1, undefined],
      ['DELETE FROM t; SELECT 1', 'DELETE', undefined, '42501'],
    ],
  );
});

test('secrets never reach a record, nor the error that quotes them', () => {
  const { records, sink } = open();
  const failed = { errorCode: '42601', errorText: `syntax error at or near "s3cret"` };
  sink.emit(statement(`ALTER ROLE bob PASSWORD 's3cret'`, {}));
  sink.emit(statement(`ALTER ROLE bob PASSWORD 's3cret' WITH`, failed));
  for (const record of records) {
    assert.doesNotMatch(JSON.stringify(recordToJson(record)), /s3cret/);
    assert.equal(record.marks & MARK_REDACTED, MARK_REDACTED);
  }
  assert.equal(records[0]?.text, `ALTER ROLE bob PASSWORD '***'`);
});

test('an error quotes a secret as it is meant, or that of an earlier statement of the request', () => {
  const { records, sink } = open();
  const quoted = { errorCode: '42704', errorText: `role "it's s3cret" does not exist` };
  sink.emit(statement(`ALTER ROLE bob PASSWORD 'it''s s3cret'`, quoted));
  const late = { errorCode: '22012', errorText: `division by zero, after PASSWORD 's3cret'` };
  sink.emit(statement(`SELECT 1; ALTER ROLE bob PASSWORD 's3cret'; SELECT 1/0`, {}, {}, late));
  assert.equal(records.length, 4);
  for (const record of records) assert.doesNotMatch(JSON.stringify(recordToJson(record)), /s3cret/);
  assert.equal(records[3]?.errorText, 'division by zero, after PASSWORD ***');
  assert.deepEqual(
    records.map(({ marks }) => marks & MARK_REDACTED),
    [MARK_REDACTED, 0, MARK_REDACTED, MARK_REDACTED],
  );
});

test('bind values of statements that set passwords are removed', () => {
  const texts = [
    'ALTER USER bob PASSWORD $1',
    'CREATE USER bob PASSWORD $1',
    'CREATE ROLE bob PASSWORD $1',
    'ALTER ROLE bob PASSWORD $1',
    'CREATE LOGIN bob WITH PASSWORD = ?',
    'ALTER LOGIN bob WITH PASSWORD = ?',
    'SET PASSWORD FOR bob = ?',
    'GRANT SELECT ON t TO bob IDENTIFIED BY ?',
    'CHANGE MASTER TO MASTER_PASSWORD = ?',
    'CREATE USER MAPPING FOR u SERVER s OPTIONS (password $1)',
    'CREATE CREDENTIAL c WITH IDENTITY = $1, SECRET = $2',
    'ALTER CREDENTIAL c WITH IDENTITY = $1, SECRET = $2',
    'CREATE SUBSCRIPTION s CONNECTION $1 PUBLICATION p',
    'ALTER SUBSCRIPTION s CONNECTION $1',
    'ALTER SERVER s OPTIONS (SET password $1)',
    'ALTER DATABASE LINK l CONNECT TO u IDENTIFIED BY :1',
    'CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (PASSWORD ?)',
    'ALTER USER MAPPING FOR u SERVER s OPTIONS (SET password $1)',
    'CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = ?',
    'CREATE DATABASE LINK l CONNECT TO u IDENTIFIED BY :1',
    'EXEC master.dbo.sp_addlogin @p1',
  ];
  const { records, sink } = open();
  for (const text of texts) {
    // Twice: what is remembered of a statement's template leaves nothing out.
    for (let i = 0; i < 2; i++) {
      const event = statement(text, {});
      event.identity = text.startsWith('EXEC') ? { ...ann, system: 'microsoft.sql_server' } : ann;
      event.parameters = ['s3cret', null];
      sink.emit(event);
    }
  }
  for (const { text, parameters, marks } of records) {
    assert.deepEqual(parameters, ['***', null], text);
    assert.equal(marks & MARK_REDACTED, MARK_REDACTED);
  }
});

test('what SQL changes of the session is followed when it succeeded', () => {
  const { records, sink } = open();
  sink.emit(statement('SET ROLE admin', { errorCode: '42501' }));
  sink.emit(statement('SELECT 1', {}));
  sink.emit(statement('SET ROLE admin', {}));
  sink.emit(statement('SELECT 2', {}));
  sink.emit(statement('RESET ROLE', {}));
  sink.emit(statement('SELECT 3', {}));
  assert.deepEqual(
    records.map((record) => record.effectiveUser),
    [undefined, undefined, undefined, 'admin', 'admin', undefined],
  );
});

test('EXECUTE of a statement prepared in SQL names what it touches', () => {
  const { records, sink } = open();
  sink.emit(statement('PREPARE q AS DELETE FROM orders WHERE id = $1', {}));
  sink.emit(statement('EXECUTE q(4)', {}));
  assert.equal(records[1]?.operation, 'EXECUTE');
  assert.deepEqual(records[1]?.objects, ['orders']);
  assert.deepEqual(records[1]?.operations, ['EXECUTE', 'DELETE']);
});

test('tables that the protocol itself names are objects of the record, those of a text go before them', () => {
  const { records, sink } = open();
  const load = new StatementEvent(ann, 1, 'bulk');
  load.objects = ['SHOP.ORDERS'];
  sink.emit(load);
  const query = statement('SELECT 1 FROM lines', {});
  query.objects = ['SHOP.ORDERS'];
  sink.emit(query);
  assert.deepEqual(
    records.map(({ objects }) => objects),
    [['SHOP.ORDERS'], ['lines']],
  );
});

test('a policy may leave a record out, and a full sink is counted', () => {
  const policy: PolicyEngine = { evaluate: () => DISPOSITION_DROP, matches: new Map(), worst: undefined };
  const { records, sink, auditor } = open(policy);
  sink.emit(statement('SELECT 1', {}));
  assert.equal(records.length, 0);
  assert.equal(auditor.counters.ignored, 1);

  const full = new Auditor({
    sensor: 's',
    analyzer: createAnalyzer(),
    policy: undefined,
    sink: { write: () => false },
  });
  full.open(connectionInfo('postgres')).emit(new LogoutEvent(ann, 1, 'fin'));
  assert.equal(full.counters.dropped, 1);
});

test('a loss is a record of its own', () => {
  const { records, auditor } = open();
  auditor.loss('kernel-drops', 1_700_000_000_000_000, undefined, '12 packets dropped by the kernel');
  const json = recordToJson(records[0] as AuditRecord);
  assert.equal(json['audit.kind'], 'loss');
  assert.equal(json['audit.reason'], 'kernel-drops');
  assert.match(String(json['audit.id']), /^[0-9a-f]{32}$/);
});

test('the end user: a comment before a query attribute before the application name', () => {
  const { records, sink } = open();
  const named = { ...ann, program: 'billing;user=from-name' };
  const emit = (text: string, tags?: ReadonlyMap<string, string>): void => {
    const event = statement(text, {});
    event.identity = named;
    event.tags = tags;
    sink.emit(event);
  };
  emit('SELECT 1');
  emit('SELECT 1', new Map([['enduser.id', 'from-attribute']]));
  emit("SELECT 1 /*user='from-comment'*/", new Map([['enduser.id', 'from-attribute']]));
  assert.deepEqual(
    records.map((r) => r.endUser),
    ['from-name', 'from-attribute', 'from-comment'],
  );
});

test('a cut text is told as such, also when its template is known', () => {
  const { records, sink } = open();
  for (let i = 0; i < 4; i++) {
    const event = statement(`SELECT a FROM t WHERE b = ${i}`, { returnedRows: 1 });
    event.textLength = 9000 + i;
    event.textSha256 = 'ab'.repeat(32);
    sink.emit(event);
  }
  assert.deepEqual(
    records.map(({ textLength, textSha256 }) => [textLength, textSha256?.length]),
    [0, 1, 2, 3].map((i) => [9000 + i, 64]),
  );
});

test('a cut text that lost a secret has its length, but no hash by which the secret could be tried', () => {
  const { records, sink } = open();
  for (const text of [`ALTER ROLE bob PASSWORD 's3cret' VALID UNTIL`, 'SELECT a FROM t WHERE b = 1 AND']) {
    const event = statement(text, {});
    event.textLength = 9000;
    event.textSha256 = 'ab'.repeat(32);
    sink.emit(event);
  }
  assert.deepEqual(
    records.map(({ textLength, textSha256 }) => [textLength, textSha256]),
    [
      [9000, undefined],
      [9000, 'ab'.repeat(32)],
    ],
  );
});
