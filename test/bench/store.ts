/**
 * The audit store under load, as the product opens it: sustained ingest with index and hash chain, bytes a record,
 * `verify`, the last hundred records of a key with warm and with cold page cache (`store-lookups.ts`), totals as the
 * console asks for them, and retention with its longest pause. Beside it, in the same run, one SQLite file with four
 * indexes, and LevelDB with four keys a record. The records are those of `store-workload.ts`. Every count is checked.
 *
 * Run: `npm run bench -- store [records] [records for SQLite and LevelDB]`; 2,000,000 and 200,000 by default. A hundred
 * million records take some 10 GB of the folder for temporary files (`TMPDIR`). For the cold page cache run it as root.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { ClassicLevel } from 'classic-level';
import { AuditRecord } from '#src/contracts/record.js';
import { parseFilter } from '#src/query/language.js';
import { verifyStore } from '#src/store/proof/verify.js';
import { StoreReader } from '#src/store/reader.js';
import { type AuditStore, openStore } from '#src/store/store.js';
import { benchColdLookups, benchLookups } from './store-lookups.ts';
import { Workload } from './store-workload.ts';

const TENTHS = 10;
/** N is a quarter of them, k a tenth of that. */
const RETENTION_RECORDS_MAX = 20_000_000;
const MINUTE_US = 60e6;
const LEVEL_BATCH = 10_000;

/** The generator on its own, to take off the figures. */
function benchGenerator(records: number): void {
  const cpuBefore = process.cpuUsage();
  const workload = new Workload();
  const record = new AuditRecord();
  for (let n = 0; n < records; n++) workload.fill(record, n);
  print('generator alone', `${cpuOf(cpuBefore, records)} a record`);
}

function print(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(32)} ${text}\n`);
}

function rate(count: number, ms: number): string {
  return `${Math.round(count / (ms / 1000)).toLocaleString('en')}/s`;
}

function expect(what: string, actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`${what}: ${actual}, expected ${expected}`);
}

/** Writes `count` records from record `first` on; gives the milliseconds of each tenth, up to the disk. */
async function ingest(store: AuditStore, workload: Workload, first: number, count: number): Promise<number[]> {
  const writer = store.writer('wait');
  const record = new AuditRecord();
  const tenths: number[] = [];
  let startMs = performance.now();
  for (let n = 0; n < count; n++) {
    if (!writer.write(workload.fill(record, first + n))) throw new Error(`record ${n} was dropped`);
    if ((n + 1) % (count / TENTHS) !== 0) continue;
    await writer.flush();
    const nowMs = performance.now();
    tenths.push(nowMs - startMs);
    startMs = nowMs;
  }
  await writer.close();
  return tenths;
}

function bytesIn(directory: string): number {
  return readdirSync(directory, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(directory, entry.name);
    return sum + (entry.isDirectory() ? bytesIn(path) : statSync(path).size);
  }, 0);
}

async function benchIngest(directory: string, records: number): Promise<void> {
  const cpuBefore = process.cpuUsage();
  const store = await openStore(directory);
  const tenths = await ingest(store, new Workload(), 0, records);
  const startMs = performance.now();
  await store.close();
  const closeMs = performance.now() - startMs;
  const total = tenths.reduce((sum, ms) => sum + ms, 0);
  const { commits, commitMs, commitMsMax, indexesBuilt } = store.counters();
  expect('records stored', store.counters().records, records);
  print('ingest', `${rate(records, total)} (index and chain included)`);
  print('  processor time', `${cpuOf(cpuBefore, records)} a record, all threads, the generator's included`);
  print('  speed, last : first tenth', ((tenths[0] ?? 0) / (tenths.at(-1) ?? 1)).toFixed(2));
  print('  with the last index', `${rate(records, total + closeMs)} (${indexesBuilt} indexes)`);
  print('  commits', `${commits}, mean ${(commitMs / commits).toFixed(1)} ms, longest ${commitMsMax.toFixed(0)} ms`);
  print('bytes a record', (bytesIn(directory) / records).toFixed(1));
}

function cpuOf(before: NodeJS.CpuUsage, count: number): string {
  const { user, system } = process.cpuUsage(before);
  return `${((user + system) / count).toFixed(2)} µs`;
}

function benchVerify(directory: string, records: number): void {
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  const report = verifyStore(directory);
  if (report.faults.length > 0) throw new Error(report.faults[0]);
  expect('records verified', report.records, records);
  print(
    'verify',
    `${rate(records, performance.now() - startMs)}, ${cpuOf(cpuBefore, records)} of processor time a record`,
  );
}

/** What a page of the console asks for, with a reader kept open; processor time, best of several. */
function benchTotals(directory: string, records: number): void {
  const reader = new StoreReader(directory);
  const filter = parseFilter('user:user17', 0);
  const questions = {
    'count of a user': () => reader.count({ filter }),
    'totals by user': () => reader.aggregate({}, ['user'], 10),
    'totals by object': () => reader.aggregate({}, ['object'], 10),
    "clients of a user's records": () => reader.aggregate({ filter }, ['client'], 10),
    'histogram by operation': () => reader.groups({}, { fields: ['op'], bucketUs: MINUTE_US }),
    'histogram of a user': () => reader.groups({ filter }, { fields: [], bucketUs: MINUTE_US }),
  };
  expect('records counted', reader.count({}), records);
  for (const [name, ask] of Object.entries(questions)) {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 5; i++) {
      const before = process.cpuUsage();
      ask();
      const { user, system } = process.cpuUsage(before);
      best = Math.min(best, (user + system) / 1000);
    }
    print(name, `${best.toFixed(1)} ms of processor time`);
  }
  reader.close();
}

/** N newest kept, at most N + k: looked at after every batch of a tenth of k. */
async function benchRetention(directory: string, records: number): Promise<void> {
  const kept = Math.floor(records / 4);
  const spare = Math.floor(kept / 10);
  const store = await openStore(directory, { segmentRowsMax: spare, retention: { recordsMin: kept } });
  const writer = store.writer('wait');
  const workload = new Workload();
  const record = new AuditRecord();
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let n = 0; n < records; n++) {
    writer.write(workload.fill(record, n));
    if ((n + 1) % Math.floor(spare / 10) !== 0) continue;
    await writer.flush();
    const { records: written, recordsExpired } = store.counters();
    most = Math.max(most, written - recordsExpired);
    if (written >= kept) least = Math.min(least, written - recordsExpired);
  }
  await writer.close();
  await store.close();
  const { segmentsExpired, rolloverMsMax } = store.counters();
  if (least < kept || most > kept + spare) throw new Error(`kept ${least} to ${most}, promised ${kept} + ${spare}`);
  print('retention', `N ${kept}, k ${spare}: ${least} to ${most} kept, ${segmentsExpired} segments dropped`);
  print('  longest pause of ingest', `${rolloverMsMax.toFixed(0)} ms (sealing and expiry)`);
}

function benchSqlite(directory: string, records: number): void {
  const path = join(directory, 'rows.db');
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec(`CREATE TABLE record (seq INTEGER PRIMARY KEY, time_us INTEGER, id TEXT, session TEXT, user TEXT, client TEXT,
    port INTEGER, server TEXT, program TEXT, object TEXT, fingerprint TEXT, duration INTEGER, rows INTEGER, text TEXT)`);
  for (const column of ['user', 'client', 'object', 'fingerprint']) {
    db.exec(`CREATE INDEX by_${column} ON record (${column}, seq)`);
  }
  const insert = db.prepare(`INSERT INTO record VALUES (${Array.from({ length: 14 }, () => '?').join(', ')})`);
  const workload = new Workload();
  const record = new AuditRecord();
  const startMs = performance.now();
  for (let n = 0; n < records; ) {
    db.exec('BEGIN');
    for (const end = Math.min(records, n + 65_536); n < end; n++) {
      const r = workload.fill(record, n);
      const who = [r.session, r.user, r.clientAddress, r.clientPort, r.serverAddress, r.program];
      insert.run(n, r.timeUs, r.id, ...who, r.objects?.[0], r.fingerprint, r.durationUs, r.returnedRows, r.text);
    }
    db.exec('COMMIT');
  }
  const tookMs = performance.now() - startMs;
  expect('rows', db.prepare<[], number>('SELECT count(*) FROM record').pluck().get() ?? 0, records);
  db.close();
  const size = (bytesIn(directory) / records).toFixed(1);
  print('SQLite, four indexes', `${rate(records, tookMs)} over ${records} records, ${size} bytes each, no chain`);
}

/** A row and four keys a record, as a store on LevelDB would have them. */
async function benchLevel(directory: string, records: number): Promise<void> {
  const db = new ClassicLevel<string, string>(join(directory, 'level'));
  await db.open();
  const workload = new Workload();
  const record = new AuditRecord();
  const startMs = performance.now();
  for (let n = 0; n < records; ) {
    const batch: { type: 'put'; key: string; value: string }[] = [];
    for (const end = Math.min(records, n + LEVEL_BATCH); n < end; n++) {
      const r = workload.fill(record, n);
      const seq = String(n).padStart(12, '0');
      const row = [
        r.timeUs,
        r.id,
        r.session,
        r.user,
        r.clientAddress,
        r.fingerprint,
        r.durationUs,
        r.returnedRows,
        r.text,
      ];
      batch.push({ type: 'put', key: `r!${seq}`, value: row.join('\t') });
      const keys = { u: r.user, c: r.clientAddress, o: r.objects?.[0], f: r.fingerprint };
      for (const [field, value] of Object.entries(keys))
        batch.push({ type: 'put', key: `${field}!${value}!${seq}`, value: '' });
    }
    await db.batch(batch, { sync: true });
  }
  const tookMs = performance.now() - startMs;
  let rows = 0;
  for await (const _ of db.keys({ gte: 'r!', lt: 'r"' })) rows++;
  expect('rows', rows, records);
  await db.close();
  const size = (bytesIn(directory) / records).toFixed(1);
  print('classic-level, four keys', `${rate(records, tookMs)} over ${records} records, ${size} bytes each, no chain`);
}

async function inDirectory(use: (directory: string) => Promise<void> | void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'wiretrail-bench-'));
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function load(): string {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(' ');
}

/** `size`: records of the store. `besideSize`: of what is measured beside it. */
export async function benchStore(size: number, besideSize: number): Promise<void> {
  const records = Math.ceil(size / TENTHS) * TENTHS;
  print('records, load average', `${records}, ${load()}`);
  benchGenerator(Math.min(records, 500_000));
  await inDirectory(async (directory) => {
    await benchIngest(directory, records);
    benchVerify(directory, records);
    benchLookups(directory);
    benchColdLookups(directory);
    benchTotals(directory, records);
  });
  await inDirectory((directory) => benchRetention(directory, Math.min(records, RETENTION_RECORDS_MAX)));
  await inDirectory((directory) => benchSqlite(directory, besideSize));
  await inDirectory((directory) => benchLevel(directory, besideSize));
  print('load average at the end', load());
}
