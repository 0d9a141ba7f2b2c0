import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { addHold, removeHold } from '../expiry/hold.ts';
import { expireStore, listSegments } from '../expiry/maintain.ts';
import type { Retention } from '../expiry/retention.ts';
import { statement, withDirectory } from '../fixture.ts';
import { openStore } from '../store.ts';
import { readVerifyKey } from './sign.ts';
import { anchorOf, verifyStore } from './verify.ts';

const SEGMENT_ROWS = 100;

interface Paths {
  readonly store: string;
  readonly keyFile: string;
  readonly key: KeyObject;
}

/** A directory with an empty place for a store, and a key beside it. */
async function withKey(use: (paths: Paths) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const keyFile = join(directory, 'key.pem');
    writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await use({ store: join(directory, 'store'), keyFile, key: readVerifyKey(keyFile) });
  });
}

async function write(directory: string, count: number, signKeyFile?: string, retention: Retention = {}): Promise<void> {
  const store = await openStore(directory, { segmentRowsMax: SEGMENT_ROWS, signKeyFile, retention });
  const writer = store.writer('wait');
  for (let n = 0; n < count; n++) writer.write(statement(n, { user: n === 5 ? 'mallory' : 'alice' }));
  await writer.close();
  await store.close();
}

function alter(directory: string, sql: string): void {
  const db = new Database(join(directory, 'catalog.db'));
  db.exec(sql);
  db.close();
}

describe('signatures', () => {
  test('of a store as it was written hold, expired segments included', async () => {
    await withKey(async ({ store, keyFile, key }) => {
      await write(store, 950, keyFile, { recordsMin: 300 });
      const report = verifyStore(store, undefined, key);
      assert.deepEqual(report.faults, []);
      assert.equal(report.records + report.expired, 950);
      assert.ok(report.expired >= 500);
      assert.equal(report.signedSeq, 900);
    });
  });

  test('are missed where a segment was sealed without the key, and refused from another key', async () => {
    await withKey(async ({ store, key }) => {
      await write(store, 250);
      assert.deepEqual(verifyStore(store).faults, []);
      assert.match(verifyStore(store, undefined, key).faults[0] ?? '', /000001\.db: .* not signed by this key/);
    });
    await withKey(async ({ store, keyFile }) => {
      await write(store, 250, keyFile);
      const other = generateKeyPairSync('ed25519').publicKey;
      assert.equal(verifyStore(store, undefined, other).faults.length, 2);
    });
  });

  test('show that a removal was not an expiry', async () => {
    await withKey(async ({ store, keyFile, key }) => {
      await write(store, 350, keyFile);
      rmSync(join(store, 'segments/000002.db'));
      alter(store, "UPDATE segment SET state = 'dropped' WHERE number = 2");
      assert.deepEqual(verifyStore(store).faults, []);
      assert.match(
        verifyStore(store, undefined, key).faults[0] ?? '',
        /000002\.db: removed, but its expiry is not signed/,
      );
    });
  });

  test('the key may not lie in the store, and must be Ed25519', async () => {
    await withKey(async ({ store, keyFile }) => {
      await write(store, 10, keyFile);
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const inside = join(store, 'key.pem');
      writeFileSync(inside, privateKey.export({ type: 'pkcs8', format: 'pem' }));
      await assert.rejects(openStore(store, { signKeyFile: inside }), /must not lie in the store/);
      assert.throws(() => readVerifyKey(inside), /Ed25519 key is needed/);
      assert.throws(() => readVerifyKey(join(store, 'none')), /no such key file/);
      assert.throws(() => readVerifyKey(join(store, 'catalog.db')), /not a key in PEM/);
    });
  });
});

describe('legal hold', () => {
  test('keeps the segment that has a matching record, until it is taken away', async () => {
    await withKey(async ({ store }) => {
      await write(store, 450);
      addHold(store, { name: 'case', expression: 'user:mallory', sinceUs: 0 });
      const states = (): string[] => listSegments(store).map((segment) => segment.state);
      assert.deepEqual(expireStore(store, { recordsMin: 100 }, undefined), { segments: 2, records: 200, held: 1 });
      assert.deepEqual(states(), ['sealed', 'dropped', 'dropped', 'sealed', 'open']);
      assert.deepEqual(verifyStore(store).faults, []);
      removeHold(store, 'case');
      assert.equal(expireStore(store, { recordsMin: 100 }, undefined).records, 100);
      assert.deepEqual(states(), ['dropped', 'dropped', 'dropped', 'sealed', 'open']);
      assert.throws(() => removeHold(store, 'case'), /no hold named case/);
      assert.throws(() => addHold(store, { name: 'x', expression: 'nofield:1', sinceUs: 0 }), /nofield/);
    });
  });

  test('set while the store is being written is honoured', async () => {
    await withKey(async ({ store: directory }) => {
      const store = await openStore(directory, { segmentRowsMax: SEGMENT_ROWS, retention: { recordsMin: 100 } });
      const writer = store.writer('wait');
      for (let n = 0; n < 110; n++) writer.write(statement(n, { user: n === 5 ? 'mallory' : 'alice' }));
      await writer.flush();
      addHold(directory, { name: 'case', expression: 'user:mallory', sinceUs: 0 });
      for (let n = 110; n < 620; n++) writer.write(statement(n));
      await writer.close();
      await store.close();
      const states = listSegments(directory).map((segment) => segment.state);
      assert.deepEqual(states, ['sealed', 'dropped', 'dropped', 'dropped', 'dropped', 'sealed', 'open']);
    });
  });
});

describe('anchor', () => {
  test('is the one that verify gives, and an expired one is no fault', async () => {
    await withKey(async ({ store }) => {
      await write(store, 150);
      const first = anchorOf(store);
      assert.ok(first !== undefined);
      assert.equal(first, verifyStore(store).anchor);
      await write(store, 900, undefined, { recordsMin: 100 });
      assert.deepEqual(verifyStore(store, first).faults, []);
      assert.equal(anchorOf(store), verifyStore(store).anchor);
    });
  });
});
