import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { statement, withDirectory } from './fixture.ts';
import { verifyStore } from './proof/verify.ts';
import { StoreReader } from './reader.ts';
import { openStore } from './store.ts';

const CHILD = fileURLToPath(new URL('./write/crash-writer.js', import.meta.url));
const RECORDS = 6000;
const ROUNDS = 6;

/**
 * Starts a writer and kills it `delayMs` after it has acknowledged `killAt` records. Gives the last acknowledgement
 * printed.
 */
function writeAndKill(
  directory: string,
  killAt: number,
  args: readonly number[] = [],
  delayMs: number = 0,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, directory, String(RECORDS), ...args.map(String)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    let killed = false;
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk: string) => {
      printed += chunk;
      if (lastNumber(printed) < killAt || killed) return;
      killed = true;
      setTimeout(() => child.kill('SIGKILL'), delayMs);
    });
    child.on('error', reject);
    child.on('close', () => resolve(lastNumber(printed)));
  });
}

/** The last whole line, as a number. */
function lastNumber(printed: string): number {
  return Number(printed.split('\n').at(-2) ?? '0');
}

function storedIds(directory: string): string[] {
  const reader = new StoreReader(directory);
  try {
    const ids = [...reader.query({ order: 'oldest' })].map((record) => record.id);
    assert.deepEqual(reader.problems, []);
    return ids;
  } finally {
    reader.close();
  }
}

describe('kill -9', () => {
  test('loses nothing acknowledged, doubles nothing, and the next run completes the store', async () => {
    const moments = fc.sample(fc.integer({ min: 97, max: 900 }), { seed: 42, numRuns: ROUNDS });
    await withDirectory(async (directory) => {
      let acknowledged = 0;
      for (const killAt of moments) {
        acknowledged = Math.max(acknowledged, await writeAndKill(directory, acknowledged + killAt));
        const ids = storedIds(directory);
        assert.deepEqual(verifyStore(directory).faults, []);
        assert.ok(ids.length >= acknowledged, `${ids.length} stored, ${acknowledged} acknowledged`);
        assert.deepEqual(
          ids,
          ids.map((_, n) => statement(n).id),
        );
      }
      execFileSync(process.execPath, [CHILD, directory, String(RECORDS)]);
      assert.deepEqual(verifyStore(directory).faults, []);
      assert.equal(storedIds(directory).length, RECORDS);
    });
  });
});

describe('kill -9 while segments are sealed and expire', () => {
  const segmentRows = 60;
  const retained = 500;

  test('at every moment the newest are there, none twice, and the chain holds', async () => {
    const moment = fc.record({ ahead: fc.integer({ min: 150, max: 900 }), delayMs: fc.integer({ min: 0, max: 12 }) });
    const moments = fc.sample(moment, { seed: 42, numRuns: ROUNDS });
    await withDirectory(async (directory) => {
      let total = 0;
      for (const { ahead, delayMs } of moments) {
        const args = [segmentRows, retained, total];
        const acknowledged = Math.max(total, await writeAndKill(directory, total + ahead, args, delayMs));
        const ids = storedIds(directory);
        const { faults, records, expired } = verifyStore(directory);
        assert.deepEqual(faults, []);
        assert.equal(records, ids.length);
        total = records + expired;
        assert.ok(total >= acknowledged, `${total} stored, ${acknowledged} acknowledged`);
        assert.ok(records >= Math.min(retained, acknowledged), `${records} kept of ${acknowledged}`);
        assert.ok(records <= retained + segmentRows, `${records} kept`);
        assert.deepEqual(
          ids,
          ids.map((_, n) => statement(expired + n).id),
        );
      }
    });
  });
});

describe('a catalog left in the middle of a change', () => {
  test('is rolled back by whoever opens it next, for reading too', async () => {
    await withDirectory((directory) => {
      execFileSync(process.execPath, [CHILD, directory, '1000']);
      // Pages spilled to the file before the commit, then the kill: a hot journal.
      const change = `import Database from 'better-sqlite3';
        const db = new Database(process.argv[1]);
        db.pragma('cache_spill = 1'); db.pragma('cache_size = 1');
        db.exec("BEGIN; UPDATE segment SET rows = 0; CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) SELECT i, hex(randomblob(50)) FROM n");
        process.kill(process.pid, 'SIGKILL');`;
      const path = join(directory, 'catalog.db');
      spawnSync(process.execPath, ['--input-type=module', '-e', change, path], { cwd: import.meta.dirname });
      assert.ok(existsSync(`${path}-journal`));
      assert.equal(storedIds(directory).length, 1000);
      assert.deepEqual(verifyStore(directory).faults, []);
    });
  });
});

describe('a file system of its own', () => {
  test('when it is full, that is said in one line, and what was stored is unharmed', (t) => onSmallDisk(t, fillDisk));

  test('when it is read-only, a store is read and verified but not opened for writing', (t) =>
    onSmallDisk(t, async (disk) => {
      const directory = join(disk, 'store');
      execFileSync(process.execPath, [CHILD, directory, '1000']);
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      assert.equal(storedIds(directory).length, 1000);
      assert.deepEqual(verifyStore(directory).faults, []);
      await assert.rejects(openStore(directory), { name: 'StoreError', code: 'read-only' });
      await assert.rejects(openStore(join(disk, 'other')), { name: 'StoreError', code: 'read-only' });
    }));
});

/** Runs `use` with a file system of 3 MiB; skips where it cannot be mounted. */
async function onSmallDisk(t: TestContext, use: (disk: string) => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) {
    t.skip('needs root to mount a small file system');
    return;
  }
  await withDirectory(async (directory) => {
    const disk = join(directory, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk], { stdio: 'pipe' });
    } catch {
      t.skip('this machine does not let us mount a tmpfs');
      return;
    }
    try {
      await use(disk);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
}

async function fillDisk(disk: string): Promise<void> {
  const directory = join(disk, 'store');
  const store = await openStore(directory);
  const writer = store.writer('wait');
  for (let n = 0; n < 100; n++) writer.write(statement(n));
  await writer.flush();
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(2_000_000));
  let accepted = 100;
  for (let n = 100; n < 100_000; n++) {
    if (writer.write(statement(n, { text: `SELECT '${'x'.repeat(200)}${n}'`, fingerprint: String(n) }))) accepted++;
  }
  await assert.rejects(writer.close(), { name: 'StoreError', code: 'disk-full', message: /no space left/ });
  await assert.rejects(store.close(), { name: 'StoreError', code: 'disk-full' });
  const { records, dropped } = store.counters();
  assert.equal(records + dropped, 100_000);
  assert.ok(records >= 100 && records < accepted);
  assert.deepEqual(
    storedIds(directory),
    Array.from({ length: records }, (_, n) => statement(n).id),
  );
}
