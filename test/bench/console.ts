/**
 * The console over a big store: the calls that each page makes, asked one after the other as a browser does, the first
 * time, then their median and 99th percentile. Users, sessions and statements are drawn with a skew; a thousandth of the records raise alerts.
 * The store is made once and kept when a folder is given.
 *
 * Run: `node dist/test/bench/console.js [records] [folder]` (the built file); 1,000,000 by default.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConsoleServer, createConsole } from '#src/console/server.js';
import { AuditRecord, type PolicyMatch } from '#src/contracts/record.js';
import { openStore } from '#src/store/store.js';
import { randomFrom } from '../support/random.js';

const START_US = 1_795_168_800_000_000;
const STEP_US = 50_000;
const SESSIONS = 5000;
const USERS = 300;
const SHAPES = 2000;
const OBJECTS = 500;
/** Rows of a segment at most: the product's own limit, or less, so that most of the store is sealed. */
const SEGMENT_ROWS_MAX = 1_000_000;
const SEGMENTS_MIN = 10;
const ROUNDS = 20;
const ALERT: readonly PolicyMatch[] = [{ rule: 'bench/cards', severity: 'high', action: 'alert' }];
const ORIGIN = 'http://localhost';
const PASSWORD = 'seven tall pines by a lake';

/** Facts that a pipeline builds once a session and once a shape. */
function facts(): { readonly sessions: Partial<AuditRecord>[]; readonly shapes: Partial<AuditRecord>[] } {
  const operations = ['SELECT', 'SELECT', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'];
  return {
    sessions: Array.from({ length: SESSIONS }, (_, i) => ({
      session: sessionName(i),
      user: `user${i % USERS}`,
      program: `app${i % 37}`,
      namespace: `db${i % 7}`,
      system: 'postgresql',
      clientAddress: `10.${i >> 8}.${i & 255}.${(i * 7) % 250}`,
      clientPort: 32_768 + i,
      serverAddress: `10.200.0.${i % 20}`,
      serverPort: 5432,
      sensor: 'bench',
    })),
    shapes: Array.from({ length: SHAPES }, (_, i) => ({
      call: 'simple',
      operation: operations[i % operations.length],
      operations: [operations[i % operations.length] as string],
      objects: [`shop.orders_${i % OBJECTS}`],
      summary: `SELECT n${i} FROM shop.orders_${i % OBJECTS} WHERE customer = ?`,
      fingerprint: (i + 1).toString(16).padStart(16, '0'),
    })),
  };
}

/** As sensors name them: bits of a hash. */
function sessionName(i: number): string {
  return createHash('sha256').update(`session ${i}`).digest('hex').slice(0, 24);
}

function recordName(n: number): string {
  return sessionName(n % SESSIONS) + n.toString(16).padStart(8, '0');
}

async function fill(directory: string, count: number): Promise<void> {
  const { sessions, shapes } = facts();
  // Made once: hashing a name for every record would be most of the work.
  const names = sessions.map(({ session = '' }) => session);
  const random = randomFrom(42);
  const skewed = (size: number): number => Math.floor(size * random() ** 3);
  const segmentRowsMax = Math.min(SEGMENT_ROWS_MAX, Math.ceil(count / SEGMENTS_MIN));
  const store = await openStore(directory, { segmentRowsMax, durability: 'fast' });
  const writer = store.writer('wait');
  const record = new AuditRecord();
  for (let n = 0; n < count; n++) {
    const shape = skewed(SHAPES);
    Object.assign(record, sessions[skewed(SESSIONS)], shapes[shape]);
    record.id = (names[n % SESSIONS] ?? '') + n.toString(16).padStart(8, '0');
    record.timeUs = START_US + n * STEP_US;
    record.durationUs = 50 + Math.floor(random() * 5000);
    record.returnedRows = Math.floor(random() * 20);
    record.errorCode = n % 200 === 0 ? '42P01' : undefined;
    record.policy = n % 1000 === 0 ? ALERT : undefined;
    record.text = `SELECT n${shape} FROM shop.orders_${shape % OBJECTS} WHERE customer = ${n}`;
    writer.write(record);
  }
  await writer.close();
  await store.close();
}

/** The calls of each page, as the browser makes them when a page is opened or a filter is chosen. */
function pages(count: number): Readonly<Record<string, readonly string[]>> {
  const day = new Date((START_US + count * STEP_US) / 1000 - 86_400_000).toISOString();
  const range = `t=${encodeURIComponent(`${day.slice(0, 19)}Z/P1D`)}`;
  const user = 'q=user:user7';
  return {
    'overview, all': ['/overview'],
    'overview, a day': [`/overview?${range}`],
    'overview, one user': [`/overview?${user}`],
    'search, all': ['/count', '/histogram?by=op', '/facets?field=user,op,object,db&limit=10', '/records?limit=100'],
    'search, one user': [
      `/count?${user}`,
      `/histogram?by=op&${user}`,
      `/facets?field=user,op,object,db&limit=10&${user}`,
      `/records?limit=100&${user}`,
    ],
    'scroll to the middle, all': [`/records/at?position=${Math.floor(count / 2)}&limit=100`],
    'scroll, one user': [`/records/at?position=500&limit=100&${user}`],
    completion: ['/complete?text=user:user1&pos=10'],
    statement: [`/records/${recordName(Math.floor(count / 2))}`],
    session: [`/sessions/${sessionName(4095)}`],
    sessions: ['/sessions?limit=100'],
    'user page': ['/users/user7'],
    alerts: ['/alerts'],
    coverage: ['/coverage'],
  };
}

async function signIn({ app, setupPath }: ConsoleServer): Promise<string> {
  const payload = { token: setupPath?.split('#')[1], name: 'bench', password: PASSWORD };
  const headers = { origin: ORIGIN, host: 'localhost' };
  const response = await app.inject({ method: 'POST', url: '/api/v1/setup', payload, headers });
  const [cookie] = response.cookies;
  return `${cookie?.name}=${cookie?.value}`;
}

/** Milliseconds that rounds of calls took, the calls of a page made together; later rounds find kept answers. */
async function time(
  { app }: ConsoleServer,
  cookie: string,
  calls: readonly string[],
): Promise<{ readonly firstMs: number; readonly took: readonly number[] }> {
  const took: number[] = [];
  let firstMs = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    const startMs = performance.now();
    const answers = await Promise.all(
      calls.map((url) => app.inject({ method: 'GET', url: `/api/v1${url}`, headers: { cookie } })),
    );
    for (const { statusCode, body } of answers) if (statusCode !== 200) throw new Error(`${calls.join()}: ${body}`);
    if (round > 0) took.push(performance.now() - startMs);
    else firstMs = performance.now() - startMs;
  }
  return { firstMs, took: took.sort((a, b) => a - b) };
}

const count = Number(process.argv[2] ?? 1_000_000);
const folder = process.argv[3] ?? mkdtempSync(join(tmpdir(), 'wiretrail-bench-console-'));
const write = (line: string): boolean => process.stdout.write(`${line}\n`);
try {
  if (!existsSync(join(folder, 'catalog.db'))) await fill(folder, count);
  const server = await createConsole({
    store: folder,
    state: ':memory:',
    socket: undefined,
    evidence: undefined,
    version: 'bench',
    tls: undefined,
    web: folder,
    onError: (_id, error) => write(error.stack ?? error.message),
  });
  const cookie = await signIn(server);
  const summary = await server.app.inject({ method: 'GET', url: '/api/v1/count', headers: { cookie } });
  const { total } = summary.json() as { total: number };
  if (total !== count) throw new Error(`${folder} holds ${total} records, not ${count}: remove it`);
  write(`${count} records, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}; ${ROUNDS} rounds a page`);
  write(
    `${'page'.padEnd(28)} ${'calls'.padStart(5)} ${'first ms'.padStart(8)} ${'p50 ms'.padStart(8)} ${'p99 ms'.padStart(8)}`,
  );
  for (const [page, calls] of Object.entries(pages(count))) {
    const { firstMs, took } = await time(server, cookie, calls);
    const at = (part: number): string =>
      (took[Math.min(ROUNDS - 1, Math.floor(ROUNDS * part))] ?? 0).toFixed(1).padStart(8);
    write(
      `${page.padEnd(28)} ${String(calls.length).padStart(5)} ${firstMs.toFixed(1).padStart(8)} ${at(0.5)} ${at(0.99)}`,
    );
  }
  await server.close();
} finally {
  if (process.argv[3] === undefined) rmSync(folder, { recursive: true, force: true });
}
