import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AuditRecord } from '../contracts/record.ts';
import { openStore } from '../store/store.ts';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const RECORDS = 250;
const START_US = 1_795_168_800_000_000;

function record(n: number): AuditRecord {
  return Object.assign(new AuditRecord(), {
    id: n.toString(16).padStart(32, '0'),
    timeUs: START_US + n * 1000,
    user: n % 2 === 0 ? 'alice' : 'bob',
    session: String(n % 2),
    text: `SELECT ${n}`,
    operation: 'SELECT',
  });
}

/** Runs the command line on the store of this test. */
function wiretrail(...args: string[]): { code: number | null; out: string; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  return { code: status, out: stdout, said: stderr };
}

let folder = '';
let keyFile = '';
let store: string[] = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wiretrail-cli-'));
  keyFile = join(folder, 'key.pem');
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  store = ['--store', join(folder, 'data')];
  const opened = await openStore(join(folder, 'data'), { segmentRowsMax: 100, signKeyFile: keyFile });
  const writer = opened.writer('wait');
  for (let n = 0; n < RECORDS; n++) writer.write(record(n));
  await writer.close();
  await opened.close();
});

after(() => rmSync(folder, { recursive: true, force: true }));

describe('commands on a store', () => {
  test('verify says that all hold, against an anchor and a key too', () => {
    const anchor = wiretrail('anchor', ...store).out;
    assert.match(anchor, /^wiretrail-anchor-1 250 [0-9a-f]{64}\n$/);
    const { code, out } = wiretrail('verify', ...store, '--anchor', anchor, '--key', keyFile);
    assert.equal(code, 0);
    assert.match(out, /^all 250 records hold, from 2026-11-20T10:00:00\.000000Z to .* in 3 segments/);
    assert.match(out, /signed up to record 200; the anchor is met$/m);
  });

  test('verify exits 1 when an anchor is not met', () => {
    const { code, out, said } = wiretrail('verify', ...store, '--anchor', `wiretrail-anchor-1 250 ${'0'.repeat(64)}`);
    assert.equal(code, 1);
    assert.match(out, /does NOT hold: 1 fault/);
    assert.match(said, /record 250 of the anchor is not there, or not as it was/);
    assert.equal(wiretrail('verify', ...store, '--anchor', 'x').code, 2);
  });

  test('store list shows segments, query --explain how they are read', () => {
    const { out, said } = wiretrail('store', 'list', ...store);
    assert.match(out, /^1 +sealed +100 .*yes$/m);
    assert.match(said, /^3 segments, 250 records/);
    const plan = wiretrail('query', 'user:nobody', '--explain', ...store);
    assert.equal(
      plan.out.split('\n').filter((line) => /not read: filter$|columns finds 0 by user:nobody$/.test(line)).length,
      3,
    );
    assert.match(plan.said, /0 records looked at/);
  });

  test('query says which times it understood, wherever they stand', () => {
    const { said } = wiretrail('query', 'user:bob (time:2026/11/20.10 or not since:2026-11-21)', ...store);
    assert.match(said, /^time: 2026-11-20T10:00:00.000000Z to 2026-11-20T11:00:00.000000Z$/m);
    assert.match(said, /^time: from 2026-11-21T00:00:00.000000Z on$/m);
  });

  test('query --sql and CSV print lines without gaps', () => {
    const sql = "SELECT user, count(*) AS n FROM records('user:bob') GROUP BY user";
    assert.equal(wiretrail('query', '--sql', sql, '--format', 'csv', ...store).out, 'user,n\r\nbob,125\r\n');
    const csv = wiretrail('query', 'user:bob', '--format', 'csv', ...store).out;
    assert.equal(csv.split('\r\n').length, 1 + 125 + 1);
    assert.equal(csv.includes('\n\n') || csv.includes('\r\n\n'), false);
    assert.equal(wiretrail('query', '--sql', 'DELETE FROM records', ...store).code, 2);
  });

  test('a hold keeps, expiry drops and stays signed', () => {
    assert.match(wiretrail('store', 'hold', 'add', 'case', 'user:bob', ...store).said, /125 records held so far/);
    const expire = ['store', 'expire', '--retain-count', '60', '--sign-key', keyFile, ...store];
    assert.match(wiretrail(...expire).said, /^0 segments with 0 records dropped; 1 segment kept by legal holds/);
    assert.equal(wiretrail('store', 'hold', 'remove', 'case', ...store).code, 0);
    assert.match(wiretrail(...expire).said, /^1 segment with 100 records dropped/);
    assert.match(wiretrail('verify', ...store, '--key', keyFile).out, /^all 150 records hold.*100 records expired/);
    assert.equal(wiretrail('store', 'expire', ...store).code, 2);
  });
});

describe('people and a store', () => {
  test('query counts by fields that the expression names', () => {
    const { code, out } = wiretrail('query', 'text:SELECT count by user, outcome', ...store, '--format', 'csv');
    assert.equal(code, 0);
    const lines = out.trimEnd().split('\r\n');
    assert.equal(lines[0], 'user,outcome,records,failed,rows');
    assert.deepEqual(
      lines.slice(1).map((line) => line.split(',').slice(0, 2)),
      [
        ['alice', 'ok'],
        ['bob', 'ok'],
      ],
    );
    assert.equal(wiretrail('query', 'count by nonsense', ...store).code, 2);
  });

  test('query --neighbours shows who spoke to whom, query refuses what makes no sense', () => {
    const { code, out, said } = wiretrail(
      'query',
      '--neighbours',
      'user:alice',
      '--order',
      '2',
      ...store,
      '--format',
      'csv',
    );
    assert.equal(code, 0);
    assert.equal(out.split('\n')[0], 'order,kind,value,via,records,first,last\r');
    assert.match(said, /^0 neighbours of user:alice$/m);
    for (const wrong of [
      ['--neighbours', 'alice'],
      ['--neighbours', 'rule:x'],
      ['--order', '2'],
      ['--neighbours', 'user:a', '--order', 'newest'],
    ]) {
      const refused = wiretrail('query', ...wrong, ...store);
      assert.equal(refused.code, 2);
      assert.equal(refused.said.trimEnd().split('\n').length, 1);
    }
  });

  test('who looked at what is recorded, found again and verified', () => {
    const before = wiretrail('query', '--reads', ...store, '--format', 'jsonl')
      .out.trimEnd()
      .split('\n').length;
    assert.equal(wiretrail('query', 'user:alice', '--limit', '3', ...store).code, 0);
    const found = wiretrail('query', '--reads', 'text:user:alice', ...store, '--format', 'jsonl').out;
    const lines = found
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const [own, looked] = lines;
    assert.match(String(own?.['db.query.text']), /^text:user:alice .*--reads true/);
    assert.equal(looked?.['db.query.text'], 'user:alice --limit 3');
    assert.equal(looked?.['db.operation.name'], 'READ');
    assert.ok(String(looked?.['user.name']).length > 0);
    const { code, out } = wiretrail('verify', ...store);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^all ${before + 3} recorded accesses to it hold$`, 'm'));
  });

  test('so is who took packets out of a capture', () => {
    const capture = fileURLToPath(new URL('../../pcaps/mysql/prepared-types/capture.pcap', import.meta.url));
    const out = join(folder, 'session.pcapng');
    const session = 'f'.repeat(24);
    assert.notEqual(wiretrail('extract', session, '--from', capture, '-o', out, ...store).code, 0);
    const found = wiretrail('query', '--reads', `text:${session}`, ...store, '--format', 'jsonl').out;
    assert.match(found, new RegExp(`"${session} --from [^"]*capture.pcap --output`));
  });
});
