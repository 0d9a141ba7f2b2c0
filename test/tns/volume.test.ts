/**
 * A long session of Oracle's thin driver at each field version: many kinds of statements in random order, from a seed.
 * The records are exactly the program's calls, each once and in order, with its values and outcome.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as t from '#src/protocols/tns/testing.js';
import { randomFrom } from '../support/random.ts';
import type { JsonRecord } from '../support/replay.ts';
import { type Connection, done, observe, oracledb, statements } from './observe.ts';
import type { ScriptedServer } from './server.ts';

const CALLS = 400;
/** More texts than the driver keeps cursors, so that it closes some. */
const TEXTS = 45;

interface Expected {
  readonly text: string;
  readonly values: readonly unknown[] | undefined;
  readonly rows: number | undefined;
  readonly error: string | undefined;
}

class Program {
  readonly expected: Expected[] = [];
  private readonly random: () => number;
  private readonly connection: Connection;
  private readonly server: ScriptedServer;
  private readonly fieldVersion: number;

  constructor(connection: Connection, server: ScriptedServer, fieldVersion: number) {
    this.connection = connection;
    this.server = server;
    this.fieldVersion = fieldVersion;
    this.random = randomFrom(fieldVersion);
  }

  private pick(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  async step(index: number): Promise<void> {
    const kinds = [this.insert, this.insert, this.query, this.query, this.fail, this.many, this.block, this.end];
    await (kinds[this.pick(kinds.length)] ?? this.insert).call(this, index);
  }

  private async insert(index: number): Promise<void> {
    const number = this.pick(TEXTS);
    const text = `insert into t${number} (a, b, c) values (:1, :2, :3)`;
    const values = [
      index,
      `row ${index}${'x'.repeat(this.pick(90))}`,
      this.pick(2) === 0 ? null : this.pick(1e6) / 100,
    ];
    done(this.server, { rows: 1, cursor: 100 + number, callStatus: 3 });
    await this.connection.execute(text, values);
    this.expected.push({ text, values, rows: 1, error: undefined });
  }

  private async query(index: number): Promise<void> {
    const number = this.pick(TEXTS);
    const text = `select name from people${number} where age > :1`;
    const { server, fieldVersion } = this;
    const rows = 1 + this.pick(60);
    const all = Array.from({ length: rows }, (_, i) => [t.clr(`name ${index}.${i}`)]);
    const cursor = 200 + number;
    const head = Math.min(rows, 5);
    const text1403 = 'ORA-01403: no data found\n';
    server.replies.push((seq) =>
      t.bytes(
        t.bytes(t.describe(fieldVersion, [['NAME', 1]]), t.rows(all.slice(0, head)), t.PARAMETERS),
        rows <= 5
          ? server.oer(seq, { rows, cursor, error: 1403, text: text1403, sqlType: 3 })
          : server.oer(seq, { rows: head, cursor, sqlType: 3 }),
      ),
    );
    if (rows > 5) {
      server.replies.push((seq) =>
        t.bytes(t.rows(all.slice(5)), server.oer(seq, { rows, cursor, error: 1403, text: text1403, sqlType: 3 })),
      );
    }
    const result = await this.connection.execute(text, [index], { prefetchRows: 5, fetchArraySize: 100 });
    assert.equal(result.rows?.length, rows);
    this.expected.push({ text, values: [index], rows, error: undefined });
  }

  private async fail(index: number): Promise<void> {
    const text = `delete from missing where id = ${index}`;
    const error = 900 + this.pick(90);
    const code = `ORA-${String(error).padStart(5, '0')}`;
    this.server.replies.push((seq) => this.server.oer(seq, { error, text: `${code}: it is not there\n`, cursor: 400 }));
    await assert.rejects(this.connection.execute(text));
    this.expected.push({ text, values: undefined, rows: undefined, error: code });
  }

  private async many(index: number): Promise<void> {
    const number = this.pick(5);
    const text = `insert into lines${number} values (:1, :2)`;
    const rows = Array.from({ length: 1 + this.pick(20) }, (_, i) => [index + i, `line ${i}`]);
    done(this.server, { rows: rows.length, cursor: 300 + number });
    await this.connection.executeMany(text, rows);
    this.expected.push({ text, values: rows.flat(), rows: rows.length, error: undefined });
  }

  private async block(index: number): Promise<void> {
    const number = this.pick(5);
    const text = `begin double_it${number}(:i, :o); end;`;
    const { server } = this;
    server.replies.push((seq) => {
      const vector = t.bytes(11, 0, t.ub(2), t.ub(0), t.ub(0), t.ub(0), t.ub(0), t.ub(0), 32, 16);
      const status = server.oer(seq, { rows: 1, cursor: 350 + number, sqlType: 47 });
      return t.bytes(vector, 7, t.clr([0xc1, 2 + this.pick(90)]), t.ub(0), t.PARAMETERS, status);
    });
    const out = { type: oracledb['NUMBER'], dir: oracledb['BIND_OUT'] };
    await this.connection.execute(text, { i: index, o: out });
    this.expected.push({ text, values: [index], rows: undefined, error: undefined });
  }

  private async end(): Promise<void> {
    const commit = this.pick(2) === 0;
    this.server.replies.push((seq) => t.bytes(9, t.ub(1), t.ub(seq)));
    await (commit ? this.connection.commit() : this.connection.rollback());
    this.expected.push({
      text: commit ? 'COMMIT' : 'ROLLBACK',
      values: undefined,
      rows: undefined,
      error: undefined,
    });
  }
}

function seen(record: JsonRecord): Expected {
  const values = record['db.query.parameters'] as readonly unknown[] | undefined;
  const text = record['db.query.text'] ?? String(record['db.operation.name']);
  return {
    text,
    // The place of an OUT bind is empty in a full call, and absent in a repeated one.
    values: text.startsWith('begin') ? values?.slice(0, 1) : values,
    rows: (record['db.response.returned_rows'] ?? record['audit.affected_rows']) as number | undefined,
    error: record['db.response.status_code'],
  };
}

for (const fieldVersion of [7, 8, 12, 24]) {
  test(`field version ${fieldVersion}: ${CALLS} calls, each recorded once with its values and outcome`, async () => {
    let expected: readonly Expected[] = [];
    const records = await observe({ fieldVersion }, async (connection, server) => {
      const program = new Program(connection, server, fieldVersion);
      for (let i = 0; i < CALLS; i++) await program.step(i);
      expected = program.expected;
    });
    const found = statements(records);
    assert.equal(found.length, CALLS);
    assert.deepEqual(found.map(seen), expected);
    for (const record of found) {
      assert.equal(record['audit.marks'], undefined);
      assert.equal(record['user.name'], 'scott');
    }
  });
}
