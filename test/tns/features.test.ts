/**
 * What Oracle's thin driver can do beside plain statements, against the scripted server: REF CURSORs, implicit results,
 * LOBs, direct path load, pipelines, proxy users, and every type it binds.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import * as t from '#src/protocols/tns/testing.js';
import type { JsonRecord } from '../support/replay.ts';
import { type Cursor, done, type Lob, observe, oracledb, type Pipeline, statements } from './observe.ts';

const VERSIONS: readonly number[] = [7, 8, 12, 24];
const type = (name: string): unknown => oracledb[name];
/** Parameters of a PL/SQL reply: one OUT bind. */
const OUT_VECTOR = t.bytes(11, 0, t.ub(1), t.ub(0), t.ub(0), t.ub(0), t.ub(0), t.ub(0), 16);

function facts(records: readonly JsonRecord[], ...keys: readonly string[]): unknown[][] {
  return records.map((record) => keys.map((key) => (record as Record<string, unknown>)[key]));
}

for (const fieldVersion of VERSIONS) {
  test(`field version ${fieldVersion}: a REF CURSOR is fetched under the text of the block that opened it`, async () => {
    const block = 'begin open_people(:rc); end;';
    const columns = [['NAME', 1]] as const;
    const records = await observe({ fieldVersion }, async (c, server) => {
      server.replies.push((seq) =>
        t.bytes(
          OUT_VECTOR,
          t.bytes(7, 1, t.description(fieldVersion, columns), t.ub(17), t.ub(0)),
          t.PARAMETERS,
          server.oer(seq, { rows: 1, cursor: 8 }),
        ),
      );
      server.replies.push((seq) =>
        t.bytes(
          t.rows([[t.clr('ann')], [t.clr('bob')]]),
          server.oer(seq, { rows: 2, cursor: 17, error: 1403, text: 'ORA-01403: no data found\n' }),
        ),
      );
      const result = await c.execute(block, { rc: { type: type('CURSOR'), dir: oracledb['BIND_OUT'] } });
      const cursor = (result.outBinds as { rc: Cursor }).rc;
      assert.deepEqual(await cursor.getRows(10), [['ann'], ['bob']]);
      await cursor.close();
    });
    assert.deepEqual(
      facts(
        statements(records),
        'db.query.text',
        'db.operation.name',
        'audit.call',
        'db.response.returned_rows',
        'audit.marks',
      ),
      [
        [block, 'BLOCK', 'simple', undefined, undefined],
        [block, 'FETCH', 'cursor', 2, undefined],
      ],
    );
  });

  test(`field version ${fieldVersion}: an implicit result is fetched under the text of its block`, async () => {
    const block = 'begin return_people; end;';
    const records = await observe({ fieldVersion }, async (c, server) => {
      server.replies.push((seq) =>
        t.bytes(
          t.bytes(27, t.ub(1), 2, [0, 0], t.description(fieldVersion, [['NAME', 1]]), t.ub(21)),
          t.PARAMETERS,
          server.oer(seq, { rows: 1, cursor: 8 }),
        ),
      );
      server.replies.push((seq) =>
        t.bytes(
          t.rows([[t.clr('eve')]]),
          server.oer(seq, { rows: 1, cursor: 21, error: 1403, text: 'ORA-01403: no data found\n' }),
        ),
      );
      const result = await c.execute(block);
      assert.deepEqual(result.implicitResults, [[['eve']]]);
    });
    assert.deepEqual(facts(statements(records), 'db.query.text', 'audit.call', 'db.response.returned_rows'), [
      [block, 'simple', undefined],
      [block, 'cursor', 1],
    ]);
  });

  test(`field version ${fieldVersion}: LOBs: what is written and read, with bytes and the locator that was bound`, async () => {
    const locator = Uint8Array.from({ length: 40 }, (_, i) => i + 1);
    const hex = Buffer.from(locator).toString('hex');
    const records = await observe({ fieldVersion }, async (c, server) => {
      server.replies.push(
        (seq) => t.bytes(8, locator, t.ub(873), 0, server.oer(seq)),
        (seq) => t.bytes(8, locator, t.ub(8132), server.oer(seq)),
        (seq) => t.bytes(8, locator, server.oer(seq)),
      );
      const lob = await c.createLob(type('BLOB'));
      await new Promise<void>((resolve) => lob.end(Buffer.alloc(5000, 7), resolve));
      done(server, { rows: 1, cursor: 3 });
      await c.execute('insert into files values (:1)', [{ val: lob, type: type('BLOB') }]);
      server.replies.push((seq) =>
        t.bytes(14, t.bigClr(new Uint8Array(3000)), 8, locator, t.ub(3000), server.oer(seq)),
      );
      await (lob as Lob).getData();
      await (lob as Lob).close();
      done(server, { rows: 0, cursor: 4 });
      await c.execute('delete from files');
    });
    const seen = statements(records);
    const write = seen.find((record) => record['db.operation.name'] === 'LOB WRITE');
    assert.equal(write?.['audit.bulk_bytes'], 5000);
    assert.deepEqual(write?.['db.query.parameters'], [{ type: 'LOB locator', hex }, 1]);
    const insert = seen.find((record) => record['db.query.text'] !== undefined);
    assert.deepEqual(insert?.['db.query.parameters'], [{ type: 'BLOB locator', hex }]);
    const read = seen.find((record) => record['db.operation.name'] === 'LOB READ');
    const parameters = (read?.['db.query.parameters'] ?? []) as unknown[];
    assert.deepEqual(parameters[0], { type: 'LOB locator', hex });
    assert.ok(Number(read?.['audit.response_bytes']) > 3000);
    // The driver frees the LOB in front of its next call.
    assert.equal(seen.at(-1)?.['db.query.text'], 'delete from files');
    for (const record of seen) assert.equal(record['audit.marks'], undefined);
  });
}

test('a LOB of more than a request may hold: its bytes are counted to the end', async () => {
  const locator = new Uint8Array(40).fill(1);
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    server.replies.push(
      (seq) => t.bytes(8, locator, t.ub(873), 0, server.oer(seq)),
      (seq) => t.bytes(8, locator, t.ub(8132), server.oer(seq)),
      (seq) => t.bytes(8, locator, server.oer(seq)),
    );
    const lob = await c.createLob(type('BLOB'));
    await new Promise<void>((resolve) => lob.end(Buffer.alloc(3_000_000, 7), resolve));
  });
  const write = statements(records).find((record) => record['db.operation.name'] === 'LOB WRITE');
  assert.equal(write?.['audit.bulk_bytes'], 3_000_000);
});

test('a text of more than a request may hold: length and digest of the whole', async () => {
  const sql = `insert into t values ('${'0123456789'.repeat(300_000)}')`;
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    done(server, { rows: 1, cursor: 3 });
    await c.execute(sql);
  });
  const [insert] = statements(records);
  assert.equal(insert?.['audit.query.length'], sql.length);
  assert.equal(insert?.['audit.query.sha256'], createHash('sha256').update(sql).digest('hex'));
  assert.equal(insert?.['db.query.text'], sql.slice(0, 256 * 1024));
  assert.equal(insert?.['audit.affected_rows'], 1);
  assert.deepEqual(insert?.['audit.marks'], ['truncated']);
});

test('direct path load: table, columns and bytes', async () => {
  const records = await observe({ fieldVersion: 24 }, async (c, server) => {
    const column = (name: string, kind: number): Uint8Array =>
      t.bytes(
        t.bytes(kind, 0, 0, 0, t.ub(30), t.ub(0), t.ub(0), t.ub(0), t.ub(0), t.ub(873), kind === 1 ? 1 : 0, t.ub(30)),
        t.bytes(t.ub(0), 1, name.length, t.dlc(name), t.ub(0), t.ub(0), t.ub(1), t.ub(0)),
        t.bytes(t.ub(0), t.ub(0), t.ub(0), t.ub(0), 0, 0),
      );
    server.replies.push((seq) =>
      t.bytes(
        t.bytes(8, t.ub(2), column('ID', 2), column('NAME', 1), t.ub(0)),
        t.bytes(t.ub(4), t.ub(0), t.ub(0), t.ub(0), t.ub(6)),
        server.oer(seq),
      ),
    );
    server.replies.push((seq) => t.bytes(8, t.ub(0), server.oer(seq, { rows: 2 })));
    server.replies.push((seq) => t.bytes(8, t.ub(0), server.oer(seq)));
    await c.directPathLoad(
      'SHOP',
      'ORDERS',
      ['ID', 'NAME'],
      [
        [1, 'first'],
        [2, 'second'],
      ],
    );
  });
  const seen = statements(records);
  assert.deepEqual(facts(seen, 'db.operation.name', 'audit.call', 'db.query.parameters', 'audit.marks'), [
    ['DIRECT PATH PREPARE', 'bulk', ['SHOP.ORDERS', 'ID', 'NAME'], undefined],
    ['DIRECT PATH LOAD', 'bulk', ['SHOP.ORDERS'], undefined],
    ['DIRECT PATH FINISH', 'bulk', ['SHOP.ORDERS'], undefined],
  ]);
  for (const record of seen) assert.deepEqual(record['db.collection.names'], ['SHOP.ORDERS']);
  assert.ok(Number(seen[1]?.['audit.bulk_bytes']) > 'firstsecond'.length);
});

test('a pipeline of 23ai: each statement with its own outcome', async () => {
  const records = await observe({ fieldVersion: 24 }, async (c, server) => {
    const pipeline = new (oracledb['Pipeline'] as new () => Pipeline)();
    for (let i = 1; i <= 20; i++) {
      pipeline.addExecute(`update t set n = n + ${i} where id = :1`, [i]);
      if (i % 7 === 0) {
        server.replies.push((seq) =>
          server.oer(seq, { error: 1, text: 'ORA-00001: unique constraint violated\n', cursor: 30 + i }),
        );
      } else done(server, { rows: i, cursor: 30 + i });
    }
    pipeline.addCommit();
    server.replies.push((seq) => t.bytes(9, t.ub(1), t.ub(seq)));
    await c.runPipeline(pipeline, true);
  });
  const expected = Array.from({ length: 20 }, (_, i) => [
    `update t set n = n + ${i + 1} where id = :1`,
    [i + 1],
    (i + 1) % 7 === 0 ? 'ORA-00001' : undefined,
    (i + 1) % 7 === 0 ? undefined : i + 1,
    undefined,
  ]);
  const seen = statements(records);
  assert.deepEqual(
    facts(
      seen.slice(0, -1),
      'db.query.text',
      'db.query.parameters',
      'db.response.status_code',
      'audit.affected_rows',
      'audit.marks',
    ),
    expected,
  );
  assert.equal(seen.at(-1)?.['db.operation.name'], 'COMMIT');
});

test('a proxy user: who logged in, and who acts', async () => {
  const records = await observe(
    { fieldVersion: 12 },
    (c, server) => {
      done(server, { rows: 1, cursor: 3 });
      return c.execute('delete from t').then(() => undefined);
    },
    { user: 'app[bob]' },
  );
  for (const record of records) {
    assert.equal(record['user.name'], 'app');
    assert.equal(record['audit.effective_user'], 'bob');
  }
});

for (const privilege of ['SYSDBA', 'SYSOPER', 'SYSASM', 'SYSBACKUP', 'SYSDG', 'SYSKM', 'SYSRAC']) {
  test(`a login as ${privilege}`, async () => {
    const records = await observe({ fieldVersion: 12 }, () => Promise.resolve(), { privilege: type(privilege) });
    assert.equal(records[0]?.['audit.auth_method'], `o5logon as ${privilege.toLowerCase()}`);
    assert.notEqual(records[0]?.['audit.effective_user'], undefined);
  });
}

test('array DML with errors: how many rows, which failed and why', async () => {
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    const text = 'ORA-24381: error(s) in array DML\n';
    done(server, { rows: 3, cursor: 3, error: 24381, text, failedRows: [1, 4] });
    await c.executeMany('insert into t values (:1)', [[1], [1], [2], [3], [3]], { batchErrors: true });
  });
  const [insert] = statements(records);
  assert.deepEqual(insert?.['db.query.parameters'], [1, 1, 2, 3, 3]);
  assert.equal(insert?.['audit.affected_rows'], 3);
  assert.equal(insert?.['db.response.status_code'], 'ORA-24381');
  assert.equal(
    insert?.['error.message'],
    'ORA-24381: error(s) in array DML; row 1: ORA-00001: duplicate; row 4: ORA-00001: duplicate',
  );
});
