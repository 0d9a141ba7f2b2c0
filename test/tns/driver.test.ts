/**
 * Oracle's thin driver against the scripted server, the bytes between them as a capture, the capture through the
 * sensor: every statement once, with what the program bound. The truth is what the program passed to the driver.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import * as t from '#src/protocols/tns/testing.js';
import type { JsonRecord } from '../support/replay.ts';
import { done, observe, oracledb, statements, texts } from './observe.ts';

for (const fieldVersion of [7, 8, 12, 24]) {
  test(`field version ${fieldVersion}: login, bind types, cursor cache, errors, transactions`, async () => {
    const records = await observe({ fieldVersion }, async (c, server) => {
      const insert = 'insert into t values (:1, :2, :3, :4, :5)';
      done(server, { rows: 1, cursor: 3, callStatus: 3 });
      await c.execute(insert, [42, 'blue ✓', null, Buffer.from('c0ffee', 'hex'), -123.45]);
      done(server, { rows: 1, cursor: 3, callStatus: 3 });
      await c.execute(insert, [43, 'red', 'x', Buffer.from('00', 'hex'), 1e20]);
      server.replies.push((seq) => server.oer(seq, { error: 942, text: 'ORA-00942: no such table\n', cursor: 4 }));
      await assert.rejects(c.execute('delete from missing'), /ORA-00942/);
      server.replies.push((seq) => t.bytes(9, t.ub(1), t.ub(seq)));
      await c.commit();
      server.replies.push((seq) => t.bytes(9, t.ub(1), t.ub(seq)));
      await c.rollback();
    });
    const login = records[0] as JsonRecord;
    assert.equal(login['audit.kind'], 'login');
    assert.equal(login['user.name'], 'scott');
    assert.equal(login['db.namespace'], 'shop');
    const seen = statements(records);
    assert.deepEqual(texts(seen), [
      'insert into t values (:1, :2, :3, :4, :5)',
      'insert into t values (:1, :2, :3, :4, :5)',
      'delete from missing',
      'COMMIT',
      'ROLLBACK',
    ]);
    assert.deepEqual(seen[0]?.['db.query.parameters'], [42, 'blue ✓', null, { type: 'RAW', hex: 'c0ffee' }, -123.45]);
    assert.deepEqual(seen[1]?.['db.query.parameters'], [43, 'red', 'x', { type: 'RAW', hex: '00' }, 1e20]);
    assert.equal(seen[0]?.['audit.affected_rows'], 1);
    assert.equal(seen[0]?.['audit.transaction'], 'open');
    assert.equal(seen[2]?.['db.response.status_code'], 'ORA-00942');
    assert.equal(seen[2]?.['error.message'], 'ORA-00942: no such table');
    for (const record of seen) assert.equal(record['audit.marks'], undefined, String(record['db.query.text']));
    assert.equal(records.at(-1)?.['audit.reason'], 'quit');
  });
}

test('queries: rows of all fetches are counted once, 1403 is no error', async () => {
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    const row = (text: string): Uint8Array[] => [t.clr(text)];
    server.replies.push((seq) =>
      t.bytes(
        t.describe(12, [['NAME', 1]]),
        t.rows([row('ann'), row('bob')]),
        t.PARAMETERS,
        server.oer(seq, { rows: 2, cursor: 5 }),
      ),
    );
    server.replies.push((seq) =>
      t.bytes(
        t.rows([row('eve')]),
        server.oer(seq, { rows: 3, cursor: 5, error: 1403, text: 'ORA-01403: no data found\n' }),
      ),
    );
    const result = await c.execute('select name from people where age > :1', [30], {
      prefetchRows: 2,
      fetchArraySize: 2,
    });
    assert.deepEqual(result.rows, [['ann'], ['bob'], ['eve']]);
  });
  const [query, ...others] = statements(records);
  assert.deepEqual(others, []);
  assert.equal(query?.['db.response.returned_rows'], 3);
  assert.equal(query?.['db.response.status_code'], undefined);
  assert.deepEqual(query?.['db.query.parameters'], [30]);
});

test('every bind type that the driver sends', async () => {
  const type = (name: string): unknown => oracledb[name];
  const at = new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789));
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    done(server, { rows: 1, cursor: 3 });
    await c.execute('insert into all_types values (:a, :b, :c, :d, :e, :f, :g, :h)', {
      a: { val: 1.5, type: type('DB_TYPE_BINARY_DOUBLE') },
      b: { val: -2.5, type: type('DB_TYPE_BINARY_FLOAT') },
      c: { val: at, type: type('DB_TYPE_TIMESTAMP_TZ') },
      d: { val: 'größe', type: type('DB_TYPE_NVARCHAR') },
      e: { val: 0, type: type('NUMBER') },
      f: { val: 'x', type: type('DB_TYPE_CHAR') },
      g: { val: true, type: type('DB_TYPE_BOOLEAN') },
      h: { val: null, type: type('STRING') },
    });
  });
  const [insert] = statements(records);
  assert.deepEqual(insert?.['db.query.parameters'], [
    1.5,
    -2.5,
    '2024-02-29T12:34:56.789Z',
    'größe',
    0,
    'x',
    true,
    null,
  ]);
});

test('array DML: the rows in order, one record', async () => {
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    done(server, { rows: 3, cursor: 3 });
    await c.executeMany('insert into t values (:1, :2)', [
      [1, 'a'],
      [2, null],
      [3, 'c'],
    ]);
  });
  const [insert, ...others] = statements(records);
  assert.deepEqual(others, []);
  assert.deepEqual(insert?.['db.query.parameters'], [1, 'a', 2, null, 3, 'c']);
  assert.equal(insert?.['audit.affected_rows'], 3);
});

test('long texts and values: several packets, cut with length and digest', async () => {
  const sql = `insert /* ${'x'.repeat(20_000)} */ into t values (:1, :2)`;
  const value = 'y'.repeat(40_000);
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    done(server, { rows: 1, cursor: 3 });
    await c.execute(sql, [value, 7]);
  });
  const [insert] = statements(records);
  assert.equal(insert?.['db.query.text'], sql);
  const sha256 = createHash('sha256').update(value).digest('hex');
  assert.deepEqual(insert?.['db.query.parameters'], [
    { type: 'VARCHAR2', text: 'y'.repeat(4096), length: 40_000, sha256 },
    7,
  ]);
});

test('RETURNING INTO: binds that only come back have no value', async () => {
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    server.replies.push((seq) =>
      t.bytes(7, t.ub(1), t.clr([0xc1, 9]), t.PARAMETERS, server.oer(seq, { rows: 1, cursor: 3 })),
    );
    await c
      .execute('insert into t values (:v) returning id into :id', {
        v: 'new',
        id: { type: oracledb['NUMBER'], dir: oracledb['BIND_OUT'] },
      })
      .catch(() => undefined);
  });
  const [insert] = statements(records);
  assert.deepEqual(insert?.['db.query.parameters'], ['new']);
});

test('end-to-end attributes, current schema, closed cursors travel with the next call', async () => {
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    c.clientId = 'web-user-7';
    c.module = 'orders';
    c.action = 'checkout';
    c.currentSchema = 'sales';
    done(server, { rows: 1, cursor: 3 });
    await c.execute('update basket set paid = 1');
  });
  const seen = statements(records);
  assert.deepEqual(texts(seen), ['SET CURRENT_SCHEMA', 'update basket set paid = 1']);
  assert.deepEqual(seen[0]?.['db.query.parameters'], ['sales']);
  assert.equal(seen[1]?.['audit.end_user'], 'web-user-7');
});

test('a login that fails, and a service that does not exist', async () => {
  const denied = await observe(
    { fieldVersion: 12, refuseLogin: [1017, 'ORA-01017: invalid username/password; logon denied\n'] },
    () => Promise.resolve(),
  );
  assert.equal(denied.length, 1);
  assert.equal(denied[0]?.['audit.kind'], 'login');
  assert.equal(denied[0]?.['db.response.status_code'], 'ORA-01017');
  assert.equal(denied[0]?.['user.name'], 'scott');
  const refused = await observe({ fieldVersion: 12, refuse: '(DESCRIPTION=(ERR=12514)(VSNNUM=0))' }, () =>
    Promise.resolve(),
  );
  assert.equal(refused[0]?.['db.response.status_code'], 'ORA-12514');
  assert.equal(refused[0]?.['db.namespace'], 'shop');
});

test('a privileged login', async () => {
  const records = await observe({ fieldVersion: 12 }, () => Promise.resolve(), { privilege: oracledb['SYSDBA'] });
  assert.equal(records[0]?.['audit.auth_method'], 'o5logon as sysdba');
});

test('PL/SQL: in and out binds, and again by cursor', async () => {
  const block = 'begin double_it(:i, :o); end;';
  const binds = (i: number): Record<string, unknown> => ({
    i,
    o: { type: oracledb['NUMBER'], dir: oracledb['BIND_OUT'] },
  });
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    const answer = (seq: number, value: Uint8Array): Uint8Array => {
      const vector = t.bytes(11, 0, t.ub(2), t.ub(0), t.ub(0), t.ub(0), t.ub(0), t.ub(0), 32, 16);
      return t.bytes(vector, 7, value, t.ub(0), t.PARAMETERS, server.oer(seq, { rows: 1, cursor: 8 }));
    };
    server.replies.push((seq) => answer(seq, t.clr([0xc1, 15])));
    await c.execute(block, binds(7));
    server.replies.push((seq) => answer(seq, t.clr([0xc1, 17])));
    await c.execute(block, binds(8));
  });
  const seen = statements(records);
  assert.deepEqual(texts(seen), [block, block]);
  assert.deepEqual(seen[0]?.['db.query.parameters'], [7, null]);
  assert.equal(seen[1]?.['db.query.parameters'] !== undefined && (seen[1]['db.query.parameters'] as unknown[])[0], 8);
});

test('array DML with batch errors: the status behind the error arrays', async () => {
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    const text = 'ORA-24381: error(s) in array DML\n';
    done(server, { rows: 2, cursor: 3, error: 24381, text, failedRows: [1] });
    await c.executeMany('insert into t values (:1)', [[1], [1], [2]], { batchErrors: true });
  });
  const [insert] = statements(records);
  assert.deepEqual(insert?.['db.query.parameters'], [1, 1, 2]);
  assert.equal(insert?.['db.response.status_code'], 'ORA-24381');
  assert.equal(insert?.['audit.affected_rows'], 2);
});

test('JSON, intervals and REF CURSOR binds', async () => {
  const type = (name: string): unknown => oracledb[name];
  const IntervalDS = oracledb['IntervalDS'] as new (parts: Record<string, number>) => unknown;
  const interval = new IntervalDS({ days: 2, hours: 3, minutes: 4, seconds: 5, fseconds: 6 });
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    done(server, { rows: 1, cursor: 3 });
    await c.execute('insert into t values (:a, :b)', {
      a: { val: interval, type: type('DB_TYPE_INTERVAL_DS') },
      b: { val: { k: 1 }, type: type('DB_TYPE_JSON') },
    });
    server.replies.push((seq) => t.bytes(server.oer(seq, { error: 6550, text: 'ORA-06550: line 1\n', cursor: 4 })));
    await assert.rejects(
      c.execute('begin open_it(:rc); end;', { rc: { type: type('CURSOR'), dir: oracledb['BIND_OUT'] } }),
    );
  });
  const [insert, block] = statements(records);
  const values = insert?.['db.query.parameters'] as unknown[];
  assert.equal(values[0], '2 03:04:05.000000006');
  assert.equal(values[1], '{"k":1}');
  assert.deepEqual(block?.['db.query.parameters'], [null]);
  assert.equal(block?.['db.response.status_code'], 'ORA-06550');
});

test('a temporary LOB that the driver writes', async () => {
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    const locator = new Uint8Array(40).fill(1);
    const created = (seq: number): Uint8Array => t.bytes(8, locator, t.ub(873), 0, server.oer(seq));
    const written = (seq: number): Uint8Array => t.bytes(8, locator, server.oer(seq));
    server.replies.push(created, (seq) => t.bytes(8, locator, t.ub(8132), server.oer(seq)), written, written);
    await (c as unknown as { createLob(type: unknown): Promise<{ end(text: string, done: () => void): void }> })
      .createLob(oracledb['CLOB'])
      .then((lob) => new Promise<void>((resolve) => lob.end('content', resolve)));
  });
  assert.ok(texts(statements(records)).includes('LOB WRITE'), JSON.stringify(texts(statements(records))));
});

test('a call that the client gives up', async () => {
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    (c as unknown as { callTimeout: number }).callTimeout = 100;
    server.silentCalls = 1;
    await assert.rejects(c.execute('delete from slow'));
  });
  const [slow] = statements(records);
  assert.equal(slow?.['db.query.text'], 'delete from slow');
  assert.ok((slow?.['audit.marks'] ?? []).includes('cancelled'));
  assert.equal(slow?.['db.response.status_code'], 'ORA-01013');
});
