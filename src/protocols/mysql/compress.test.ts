/** The compressed protocol: stored, zlib and Zstandard payloads, packets across them, damage and bombs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { MARK_GAP, MARK_MIDSTREAM, type StatementEvent } from '../../contracts/event.ts';
import * as c from './constants.ts';
import { LIMITS } from './limits.ts';
import * as t from './testing.ts';

function stored(sequence: number, plain: Uint8Array): Uint8Array {
  return t.bytes(t.u24(plain.length), sequence, t.u24(0), plain);
}

function zlib(sequence: number, plain: Uint8Array, claimed = plain.length): Uint8Array {
  const small = deflateSync(plain);
  return t.bytes(t.u24(small.length), sequence, t.u24(claimed), small);
}

/** A Zstandard frame (RFC 8878): single segment, 4-byte content size, one run-length block. */
function zstdRun(sequence: number, byte: number, count: number, prefix: Uint8Array): Uint8Array {
  const raw = t.bytes(t.u24((prefix.length << 3) | 0), prefix);
  const run = t.bytes(t.u24((count << 3) | (1 << 1) | 1), byte);
  const frame = t.bytes([0x28, 0xb5, 0x2f, 0xfd], 0xa0, t.u32(prefix.length + count), raw, run);
  return t.bytes(t.u24(frame.length), sequence, t.u24(prefix.length + count), frame);
}

function session(...turns: t.Turns): StatementEvent[] {
  return t.statements(t.run([...t.opening(t.CLASSIC | c.CLIENT_COMPRESS), ...turns]));
}

const ROWS = Array.from({ length: 200 }, (_, i) => `row ${i} of a result that compresses`);

test('stored and zlib payloads', () => {
  const [one, two] = session(
    t.client(stored(0, t.query('SELECT 1'))),
    t.server(zlib(1, t.result(ROWS))),
    t.client(zlib(0, t.query(`SELECT '${'x'.repeat(500)}'`))),
    t.server(stored(1, t.result(['1']))),
  );
  assert.equal(one?.text, 'SELECT 1');
  assert.equal(one?.outcomes[0]?.returnedRows, ROWS.length);
  assert.equal(two?.text?.length, 509);
  assert.equal(two?.outcomes[0]?.returnedRows, 1);
});

test('compression starts behind the login, for a client that did not wait for it too', () => {
  const capabilities = t.CLASSIC | c.CLIENT_COMPRESS;
  const events = t.run([
    t.server(t.greeting(capabilities)),
    t.client(t.login(capabilities), stored(0, t.query('SELECT 1'))),
    t.server(t.ok(2), stored(1, t.result(['1']))),
  ]);
  assert.equal(t.statements(events)[0]?.outcomes[0]?.returnedRows, 1);
});

test('packets cross payloads', () => {
  const reply = t.result(ROWS);
  const pieces = [reply.subarray(0, 3), reply.subarray(3, 1000), reply.subarray(1000, 1007), reply.subarray(1007)];
  const [statement] = session(
    t.client(stored(0, t.query('SELECT 1'))),
    t.server(...pieces.map((piece, i) => (i % 2 === 0 ? stored(i + 1, piece) : zlib(i + 1, piece)))),
  );
  assert.equal(statement?.outcomes[0]?.returnedRows, ROWS.length);
});

test('Zstandard payloads, whichever flag was agreed', () => {
  for (const flag of [c.CLIENT_ZSTD_COMPRESSION, c.CLIENT_COMPRESS | c.CLIENT_ZSTD_COMPRESSION]) {
    const text = `SELECT '${'x'.repeat(300)}`;
    const prefix = t.bytes(t.u24(text.length + 1), 0, c.COM_QUERY, "SELECT '");
    const events = t.run([
      ...t.opening(t.CLASSIC | flag),
      t.client(zstdRun(0, 0x78, 300, prefix)),
      t.server(stored(1, t.result(['1']))),
    ]);
    const [statement] = t.statements(events);
    assert.equal(statement?.text, text);
    assert.equal(statement?.outcomes[0]?.returnedRows, 1);
  }
});

test('both flags agreed and zlib used', () => {
  const events = t.run([
    ...t.opening(t.CLASSIC | c.CLIENT_COMPRESS | c.CLIENT_ZSTD_COMPRESSION),
    t.client(zlib(0, t.query(`SELECT '${'x'.repeat(500)}'`))),
    t.server(stored(1, t.result(['1']))),
  ]);
  assert.equal(t.statements(events)[0]?.outcomes[0]?.returnedRows, 1);
});

test('a payload that inflates to more than it says is not inflated; the session goes on', () => {
  const bomb = zlib(1, new Uint8Array(8_000_000), 20_000);
  const [one, two] = session(
    t.client(stored(0, t.query('SELECT 1'))),
    t.server(bomb),
    t.client(stored(0, t.query('SELECT 2'))),
    t.server(stored(1, t.result(['1']))),
  );
  assert.equal((one?.marks ?? 0) & MARK_GAP, MARK_GAP);
  assert.equal(two?.text, 'SELECT 2');
  assert.equal(two?.outcomes[0]?.returnedRows, 1);
});

test('a Zstandard frame cannot claim more than its bytes could hold', () => {
  const frame = t.bytes([0x28, 0xb5, 0x2f, 0xfd], 0x20, 0, t.u24(1));
  const claim = t.bytes(t.u24(frame.length), 0, t.u24(0xffffff), frame);
  const statements = session(t.client(claim), t.client(stored(0, t.query('SELECT 2'))), t.server(stored(1, t.ok(1))));
  assert.deepEqual(
    statements.map((s) => s.text),
    ['SELECT 2'],
  );
});

test('a damaged payload is a gap of known size', () => {
  const damaged = zlib(0, t.query(`SELECT '${'x'.repeat(500)}'`));
  damaged.fill(0xee, 12);
  const statements = session(
    t.client(damaged),
    t.client(stored(0, t.query('SELECT 2'))),
    t.server(stored(1, t.result(['1']))),
  );
  assert.deepEqual(
    statements.map((s) => s.text),
    ['SELECT 2'],
  );
});

test('of a compressed packet over the frame cap the first part is read', () => {
  const noise = Buffer.alloc(3_000_000);
  for (let i = 0, x = 7; i < noise.length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) | 0;
    noise[i] = 0x40 + ((x >>> 16) % 60);
  }
  const text = `SELECT '${noise.toString('latin1')}'`;
  const request = zlib(0, t.query(text));
  assert.ok(request.length > LIMITS.frameBytesMax);
  const [one, two] = session(
    t.client(request),
    t.server(stored(1, t.ok(1))),
    t.client(stored(0, t.query('SELECT 2'))),
    t.server(stored(1, t.result(['1']))),
  );
  assert.equal(one?.text, text.slice(0, LIMITS.sqlBytesMax));
  assert.equal(one?.textLength, text.length);
  assert.equal(one?.textSha256, undefined);
  assert.equal(two?.outcomes[0]?.returnedRows, 1);
});

test('stored payloads over the frame cap are read to their end', () => {
  const text = `SELECT '${'x'.repeat(2_000_000)}'`;
  const [one] = session(t.client(stored(0, t.query(text))), t.server(stored(1, t.ok(1, { affectedRows: 2 }))));
  assert.equal(one?.textLength, text.length);
  assert.equal(one?.textSha256?.length, 64);
  assert.equal(one?.outcomes[0]?.affectedRows, 2);
});

test('a compressed session is recognised from its middle', () => {
  const events = t.run(
    [
      t.client(zlib(0, t.query(`SELECT '${'x'.repeat(500)}'`))),
      t.server(zlib(1, t.result(ROWS))),
      t.client(stored(0, t.query('SELECT 2'))),
      t.server(stored(1, t.result(['1']))),
    ],
    true,
  );
  assert.deepEqual(
    t.statements(events).map((s) => [s.text?.slice(0, 10), s.outcomes[0]?.returnedRows, s.marks]),
    [
      ["SELECT 'xx", ROWS.length, MARK_MIDSTREAM],
      ['SELECT 2', 1, MARK_MIDSTREAM],
    ],
  );
});

test('a command inside a compressed packet need not have sequence number 0', () => {
  const statements = t.statements(
    t.run([
      ...t.opening(t.CLASSIC | c.CLIENT_COMPRESS),
      t.client(stored(0, t.query('SELECT 1'))),
      t.server(stored(1, t.ok(1))),
      t.client(stored(0, t.packet(1, c.COM_QUERY, 'SELECT 2'))),
      t.server(stored(1, t.ok(2))),
      t.client(stored(0, t.packet(7, c.COM_QUERY, 'SELECT 3'))),
      t.server(stored(1, t.ok(1))),
    ]),
  );
  assert.deepEqual(
    statements.map(({ text, marks, outcomes }) => [text, marks, outcomes.length]),
    [
      ['SELECT 1', 0, 1],
      ['SELECT 2', 0, 1],
      ['SELECT 3', 0, 1],
    ],
  );
});

test('a payload that stands for too many packets is read as far as is in proportion, and the session goes on', () => {
  const pings = Buffer.alloc(4_000_000, t.command(c.COM_PING));
  const small = t.bytes(t.query('SELECT 1'), pings);
  const statements = session(
    t.client(zlib(0, small)),
    t.server(stored(1, t.ok(1))),
    t.client(stored(0, t.query('SELECT 2'))),
    t.server(stored(1, t.result(['1']))),
  );
  const [one, two] = statements;
  assert.equal(one?.text, 'SELECT 1');
  assert.equal(two?.text, 'SELECT 2');
  assert.equal((two?.marks ?? 0) & MARK_GAP, MARK_GAP);
});

test('a result of many rows is in proportion, however well it compresses', () => {
  const rows = Array.from({ length: 40_000 }, () => 'the same in every row');
  const [statement] = session(t.client(stored(0, t.query('SELECT 1'))), t.server(zlib(1, t.result(rows))));
  assert.equal(statement?.outcomes[0]?.returnedRows, 40_000);
  assert.equal(statement?.marks, 0);
});
