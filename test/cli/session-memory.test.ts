/** `--session-memory` from the command line to the records: who is cut, what is said of it, and the exit code. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pcapHeader, pcapRecord } from '#src/capture/files/pcap-writer.js';
import { Conversation } from '#src/capture/synthetic.js';
import { GREETING, LOGIN, mysqlPacket, OK } from '../bench/workload.ts';
import { type JsonRecord, wiretrail } from '../support/replay.ts';

const directory = mkdtempSync(join(tmpdir(), 'wiretrail-memory-'));
after(() => rmSync(directory, { recursive: true, force: true }));

/** Carried in a buffer of 64 KiB each: 37.5 MiB together. */
const CONNECTIONS = 600;
const TEXT = `DELETE FROM basket WHERE name IN (${"'x',".repeat(9000)}'y')`;
const QUERY = mysqlPacket(0, Buffer.from(`\x03${TEXT}`, 'latin1'));
const STEP_NS = 1000n;

/** All connections are in the middle of their statement before one ends it. */
function writeCapture(path: string): void {
  const fd = openSync(path, 'w');
  writeSync(fd, pcapHeader());
  let nowNs = 1_760_000_000_000_000_000n;
  const flush = (conversation: Conversation): void => {
    for (const { bytes } of conversation.packets) {
      nowNs += STEP_NS;
      writeSync(fd, pcapRecord({ bytes, tsNs: nowNs }));
    }
    conversation.packets.length = 0;
  };
  const conversations = Array.from({ length: CONNECTIONS }, (_, i) => {
    const client = { address: `10.1.${i >> 8}.${i & 255}`, port: 20_000 };
    return new Conversation({ client, server: { address: '10.2.0.1', port: 3306 } });
  });
  const half = QUERY.subarray(0, 35_000);
  for (const conversation of conversations) {
    flush(conversation.open().toClient(GREETING).toServer(LOGIN).toClient(OK(2)).toServer(half));
  }
  for (const conversation of conversations) {
    flush(conversation.toServer(QUERY.subarray(half.length)).toClient(OK(1)).close());
  }
  closeSync(fd);
}

test('beyond the session memory the largest messages are cut, and everything says so', () => {
  const capture = join(directory, 'capture.pcap');
  writeCapture(capture);
  const enough = wiretrail(['replay', capture, '--jsonl', '-']);
  assert.equal(enough.status, 0, enough.stderr);
  assert.match(enough.stderr, /^loss +none$/m);
  const short = wiretrail(['replay', capture, '--jsonl', '-', '--session-memory', '32M']);
  assert.equal(short.status, 3, short.stderr);
  assert.match(short.stderr, /^loss .*session memory short \d+ times$/m);
  const [whole, cut] = [enough, short].map(({ stdout }) =>
    stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as JsonRecord)
      .filter((record) => record['audit.kind'] === 'statement'),
  ) as [JsonRecord[], JsonRecord[]];
  assert.equal(whole.length, CONNECTIONS);
  assert.equal(cut.length, CONNECTIONS);
  assert.ok(whole.every((record) => record['db.query.text'] === TEXT && record['audit.marks'] === undefined));
  const marked = cut.filter((record) => record['audit.marks'] !== undefined);
  assert.ok(marked.length > 50 && marked.length < CONNECTIONS / 2, `${marked.length} were cut`);
  const sha256 = createHash('sha256').update(TEXT).digest('hex');
  for (const record of marked) {
    assert.deepEqual(record['audit.marks'], ['truncated']);
    assert.deepEqual([record['audit.query.length'], record['audit.query.sha256']], [TEXT.length, sha256]);
    assert.ok(TEXT.startsWith(String(record['db.query.text'])));
    assert.equal(record['audit.affected_rows'], 1);
  }
  const others = cut.filter((record) => record['audit.marks'] === undefined);
  assert.ok(others.every((record) => record['db.query.text'] === TEXT && record['audit.affected_rows'] === 1));
});
