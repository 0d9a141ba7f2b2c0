import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestNet } from '../capture/live/net-test-support.ts';
import { openRing } from '../capture/live/ring.ts';
import { Conversation } from '../capture/synthetic.ts';
import { DROPS_UNKNOWN, type LossAccount, LossLedger, lossAccounts, unknownDrops } from './loss-ledger.ts';

const NOTHING_CUT = { cutPackets: 0, clockJumps: 0 };

interface Entry {
  readonly reason: string;
  readonly timeUs: number;
  readonly lostBytes: number | undefined;
  readonly detail: string;
}

function ledger(): { ledger: LossLedger; entries: Entry[] } {
  const entries: Entry[] = [];
  const write = (reason: string, timeUs: number, lostBytes: number | undefined, detail: string): number =>
    entries.push({ reason, timeUs, lostBytes, detail });
  return { ledger: new LossLedger(write), entries };
}

const MINUTE = 60_000_000;
const drops = (total: number): LossAccount => ({ reason: 'kernel-drops', where: 'eth1', unit: 'packets', total });

test('one entry a minute, for what was lost in it', () => {
  const { ledger: book, entries } = ledger();
  book.observe(5 * MINUTE, () => [drops(0)]);
  book.observe(5 * MINUTE + 1, () => assert.fail('within the minute nothing is looked at'));
  book.observe(6 * MINUTE, () => [drops(7)]);
  book.observe(7 * MINUTE, () => [drops(7)]);
  book.observe(8 * MINUTE, () => [drops(9)]);
  book.close(8 * MINUTE + 3, [drops(10)]);
  assert.deepEqual(
    entries.map(({ timeUs, detail }) => [timeUs, detail]),
    [
      [6 * MINUTE, 'eth1: 7 packets since the last entry'],
      [8 * MINUTE, 'eth1: 2 packets since the last entry'],
      [8 * MINUTE + 3, 'eth1: 1 packets since the last entry'],
    ],
  );
});

test('accounts of interfaces and stages are kept apart; bytes are told as such', () => {
  const { ledger: book, entries } = ledger();
  const links = ['eth1', 'eth2'].map((name, i) => ({ name, drops: i, freezes: 0, reopens: 0 }));
  const counters = {
    reassembly: { endedEvicted: 3 },
    protocols: { gapBytes: 1460, memoryReliefs: 2 },
    audit: { dropped: 0 },
  };
  book.close(1, lossAccounts(links, NOTHING_CUT, counters));
  assert.deepEqual(
    entries.map(({ reason, lostBytes, detail }) => [reason, lostBytes, detail.split(':')[0]]),
    [
      ['kernel-drops', undefined, 'eth2'],
      ['flows-evicted', undefined, 'flow table'],
      ['gaps', 1460, 'connections of databases'],
      ['memory-short', undefined, 'connections of databases'],
    ],
  );
});

test('where nobody counts drops, every minute says so', () => {
  const { ledger: book, entries } = ledger();
  for (const seconds of [0, 59, 60, 119, 130]) book.observe(seconds * 1e6, () => [unknownDrops('eth1', seconds)]);
  assert.deepEqual(
    entries.map(({ reason, detail }) => [reason, detail]),
    [
      [DROPS_UNKNOWN, 'eth1: 60 seconds without a count of dropped packets since the last entry'],
      [DROPS_UNKNOWN, 'eth1: 70 seconds without a count of dropped packets since the last entry'],
    ],
  );
});

test('a reader that pauses loses packets: what came and what the ledger says are what was sent', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  const source = openRing({ interfaces: ['in0'], blockBytes: 16 * 1024, blockCount: 2, retireMs: 2 });
  t.after(() => source.close());
  const { packets } = new Conversation({ mssBytes: 1400 })
    .open()
    .toServer('select 1')
    .toClient(new Uint8Array(1_000_000))
    .close();
  const sent = net.send('out0', packets);
  let seen = 0;
  for (let quiet = 0; quiet < 5; quiet++) {
    for (let batch = source.poll(20); batch !== undefined; batch = source.poll(20)) {
      seen += batch.count;
      source.release(batch);
      quiet = 0;
    }
  }
  source.close();
  const { ledger: book, entries } = ledger();
  const nothing = { reassembly: {}, protocols: {}, audit: {} };
  book.close(1, lossAccounts(source.links(), NOTHING_CUT, nothing));
  const lost = entries.filter(({ reason }) => reason === 'kernel-drops');
  assert.equal(lost.length, 1);
  assert.equal(seen + Number(/\d+(?= packets)/.exec(lost[0]?.detail ?? '')?.[0]), sent);
  assert.ok(entries.some(({ reason }) => reason === 'ring-freezes'));
});
