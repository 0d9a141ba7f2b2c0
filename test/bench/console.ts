/**
 * The console over a big store: the calls that each page makes, asked one after the other as a browser does, the first
 * time, then their median and 99th percentile; and what a click costs: pages with filters that nobody asked before.
 * Users, sessions and statements are drawn with a skew; a thousandth of the records raise alerts. The store is made once
 * and kept when a folder is given. Counts that are wrong end it with an error.
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
const FAILED_EVERY = 200;
const ALERT_EVERY = 1000;
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
    record.errorCode = n % FAILED_EVERY === 0 ? '42P01' : undefined;
    record.policy = n % ALERT_EVERY === 0 ? ALERT : undefined;
    record.text = `SELECT n${shape} FROM shop.orders_${shape % OBJECTS} WHERE customer = ${n}`;
    writer.write(record);
  }
  await writer.close();
  await store.close();
}

/** The calls of a page, as the browser makes them: those of a step together, when the step before is answered. */
type Page = readonly (readonly string[])[];

const FACETS = '/facets?field=user,op,object,db,program,client,rule,error,kind&limit=6';

/** `scope`: the query or the range of time, of all calls. */
function overviewOf(scope: string): Page {
  return [[`/overview/figures?${scope}`, `/overview?${scope}`]];
}

/** The table first; what stands beside it is asked when it is there. */
function searchOf(scope: string): Page {
  return [
    [`/records/at?position=0&limit=100&${scope}`],
    [`/histogram?by=outcome&buckets=120&${scope}`, `${FACETS}&${scope}`],
  ];
}

function pages(count: number): Readonly<Record<string, Page>> {
  const day = new Date((START_US + count * STEP_US) / 1000 - 86_400_000).toISOString();
  const range = `t=${encodeURIComponent(`${day.slice(0, 19)}Z/P1D`)}`;
  const user = 'q=user:user7';
  return {
    'overview, all': overviewOf(''),
    'overview, a day': overviewOf(range),
    'overview, one user': overviewOf(user),
    'the day before it': [[`/overview/before?${range}`]],
    'search, all': searchOf(''),
    'search, one user': searchOf(user),
    'scroll to the middle, all': [[`/records/at?position=${Math.floor(count / 2)}&limit=100`]],
    'scroll, one user': [[`/records/at?position=500&limit=100&${user}`]],
    completion: [['/complete?text=user:user1&pos=10']],
    statement: [[`/records/${recordName(Math.floor(count / 2))}`]],
    session: [[`/sessions/${sessionName(4095)}`]],
    sessions: [['/sessions?limit=100']],
    'user page': [['/users/user7']],
    alerts: [['/alerts']],
    coverage: [['/coverage']],
  };
}

/** Filters by kind, none of which a page before has asked: what people click. */
function clicks(): Readonly<Record<string, readonly string[]>> {
  const each = (of: number, filter: (i: number) => string): string[] => Array.from({ length: of }, (_, i) => filter(i));
  return {
    'one value': [
      ...each(8, (i) => `user:user${11 * i + 9}`),
      ...each(8, (i) => `object:shop.orders_${37 * i + 3}`),
      ...each(8, (i) => `session:${sessionName(211 * i + 40)}`),
    ],
    'two together': [
      ...each(8, (i) => `user:user${13 * i + 10} op:INSERT`),
      ...each(8, (i) => `object:shop.orders_${41 * i + 5} failed:yes`),
      ...each(8, (i) => `user:user${17 * i + 12} rows>${i + 9}`),
    ],
    'much of all': [
      ...each(4, (i) => `op:${['SELECT', 'INSERT', 'UPDATE', 'DELETE'][i]}`),
      ...each(5, (i) => `client:10.${2 * i + 1}.0.0/16`),
      ...each(5, (i) => `rows>${3 * i + 4}`),
      ...each(5, (i) => `db:db${i + 1}`),
      ...each(5, (i) => `program:app${5 * i + 2}`),
    ],
  };
}

/** The calls that a filter makes on overview and search; then their sums are compared. */
async function click(server: ConsoleServer, cookie: string, filter: string): Promise<Click> {
  const overview = await visit(server, cookie, overviewOf(`q=${encodeURIComponent(filter)}`));
  // With a database none of the records is without: another question to the store.
  const search = await visit(server, cookie, searchOf(`q=${encodeURIComponent(`${filter} db:db*`)}`));
  const [first, all] = overview.answers as { total: number; series: { lines: { total: number }[] } }[];
  const [rows, histogram, facets] = search.answers as { total: number }[];
  const charted = first?.series.lines.reduce((sum, { total }) => sum + total, 0);
  const totals = [first?.total, charted, rows?.total, histogram?.total, facets?.total];
  if (all === undefined || !totals.every((total) => total === all.total))
    throw new Error(`${filter}: overview ${all?.total}, other answers ${totals.join(', ')}: not the same`);
  const [chartMs = 0] = overview.eachMs;
  const [rowsMs = 0] = search.eachMs;
  return { chart: chartMs, overview: overview.tookMs, rows: rowsMs, search: search.tookMs };
}

/** When something is there to be seen, and when all of it is: milliseconds after the click. */
interface Click {
  readonly chart: number;
  readonly overview: number;
  readonly rows: number;
  readonly search: number;
}

const CLICK_TITLES: Readonly<Record<keyof Click, string>> = {
  chart: 'chart',
  overview: 'whole overview',
  rows: 'rows',
  search: 'whole search',
};

/** What is known of the records from how they were made. */
async function checkTotals(server: ConsoleServer, cookie: string): Promise<void> {
  const { answers } = await ask(server, cookie, [
    '/count',
    '/overview',
    '/count?q=failed:yes',
    '/count?q=action:alert',
  ]);
  const [all, overview, failed, alerts] = answers as { total: number; errors: number; alerts: number }[];
  const failing = Math.ceil(count / FAILED_EVERY);
  const raised = Math.ceil(count / ALERT_EVERY);
  const found = [all?.total, overview?.total, failed?.total, overview?.errors, alerts?.total, overview?.alerts];
  const wanted = [count, count, failing, failing, raised, raised];
  if (wanted.some((total, i) => total !== found[i]))
    throw new Error(
      `${folder}: counted ${found.join(', ')}, not ${wanted.join(', ')}: remove it when it is of an older run`,
    );
}

async function signIn({ app, setupPath }: ConsoleServer): Promise<string> {
  const payload = { token: setupPath?.split('#')[1], name: 'bench', password: PASSWORD };
  const headers = { origin: ORIGIN, host: 'localhost' };
  const response = await app.inject({ method: 'POST', url: '/api/v1/setup', payload, headers });
  const [cookie] = response.cookies;
  return `${cookie?.name}=${cookie?.value}`;
}

/** Somebody who may see two of the seven databases. */
async function signInLimited({ app }: ConsoleServer, administrator: string): Promise<string> {
  const headers = { origin: ORIGIN, host: 'localhost', cookie: administrator };
  const person = { name: 'limited', role: 'auditor', databases: ['db1', 'db2'] };
  const made = await app.inject({ method: 'POST', url: '/api/v1/people', payload: person, headers });
  const token = (made.json() as { link: string }).link.split('#')[1];
  const payload = { token, password: PASSWORD };
  const response = await app.inject({ method: 'POST', url: '/api/v1/invitation', payload, headers });
  const [cookie] = response.cookies;
  return `${cookie?.name}=${cookie?.value}`;
}

/** Pages of somebody limited to some databases, asked once and again. */
async function timeLimited(server: ConsoleServer, administrator: string): Promise<void> {
  const cookie = await signInLimited(server, administrator);
  const all = pages(count);
  for (const page of [
    'overview, all',
    'overview, one user',
    'search, all',
    'search, one user',
    'user page',
    'alerts',
  ]) {
    const { firstMs, againMs } = await time(server, cookie, all[page] ?? [], false);
    const figures = [percentile([firstMs], 0), percentile(againMs, 0.5), percentile(againMs, 0.99)];
    write(`${`limited: ${page}`.padEnd(28)} ${String(all[page]?.flat().length).padStart(5)}${figures.join('')}`);
  }
}

interface Times {
  readonly firstMs: number;
  /** Rising. */
  readonly againMs: readonly number[];
  /** Each round as if a record had arrived: nothing but what is kept of sealed segments can be used. Empty: not asked. */
  readonly arrivedMs: readonly number[];
}

let asked = 0;

/** Another one now and then: of each, only so many requests a minute are answered. */
function nextAddress(): string {
  return `10.9.0.${Math.floor(asked++ / 100) % 250}`;
}

/** Makes calls together; the answers in their order. Rejects when one is refused. */
async function ask(
  { app }: ConsoleServer,
  cookie: string,
  urls: readonly string[],
): Promise<{
  readonly tookMs: number;
  readonly eachMs: readonly number[];
  readonly answers: readonly unknown[];
}> {
  const eachMs = urls.map(() => 0);
  const startMs = performance.now();
  const remoteAddress = nextAddress();
  const responses = await Promise.all(
    urls.map(async (url, i) => {
      const response = await app.inject({ method: 'GET', url: `/api/v1${url}`, headers: { cookie }, remoteAddress });
      eachMs[i] = performance.now() - startMs;
      return response;
    }),
  );
  const tookMs = performance.now() - startMs;
  const refused = responses.find(({ statusCode }) => statusCode !== 200);
  if (refused !== undefined) throw new Error(`${urls.join()}: ${refused.body}`);
  return { tookMs, eachMs, answers: responses.map((response): unknown => response.json()) };
}

/** Makes the calls of a page; times from its beginning on. */
async function visit(server: ConsoleServer, cookie: string, page: Page): ReturnType<typeof ask> {
  const eachMs: number[] = [];
  const answers: unknown[] = [];
  let tookMs = 0;
  for (const step of page) {
    const made = await ask(server, cookie, step);
    for (const ms of made.eachMs) eachMs.push(tookMs + ms);
    answers.push(...made.answers);
    tookMs += made.tookMs;
  }
  return { tookMs, eachMs, answers };
}

/** A page once, then again and again. */
async function time(
  server: ConsoleServer,
  cookie: string,
  page: Page,
  arriving = takesWatermark(page),
): Promise<Times> {
  const againMs: number[] = [];
  const arrivedMs: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) againMs.push((await visit(server, cookie, page)).tookMs);
  for (let round = 1; round <= ROUNDS && arriving; round++) {
    const at = page.map((step) => step.map((url) => withWatermark(url, count - round)));
    arrivedMs.push((await visit(server, cookie, at)).tookMs);
  }
  const [firstMs = 0] = againMs.splice(0, 1);
  return { firstMs, againMs: againMs.sort(rising), arrivedMs: arrivedMs.sort(rising) };
}

const rising = (a: number, b: number): number => a - b;

/** Pages about one thing have none. */
function takesWatermark(page: Page): boolean {
  return !page.flat().some((url) => /^\/(complete|records\/(?!at)|sessions\/)/.test(url));
}

function withWatermark(url: string, watermark: number): string {
  return `${url}${url.includes('?') ? '&' : '?'}w=${watermark}`;
}

function percentile(rising: readonly number[], part: number): string {
  const ms = rising[Math.min(rising.length - 1, Math.floor(rising.length * part))];
  return (ms?.toFixed(1) ?? '-').padStart(9);
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
    twoToPush: false,
    version: 'bench',
    tls: undefined,
    web: folder,
    onError: (_id, error) => write(error.stack ?? error.message),
  });
  const cookie = await signIn(server);
  await checkTotals(server, cookie);
  write(`${count} records, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}; ${ROUNDS} rounds a page`);
  const startMs = performance.now();
  await server.warm();
  write(`opening, as the console does at its start: ${(performance.now() - startMs).toFixed(0)} ms`);
  const titles = ['first ms', 'p50 ms', 'p99 ms', 'arr. p50', 'arr. p99'].map((title) => title.padStart(9));
  write(`${'page'.padEnd(28)} calls${titles.join('')}`);
  for (const [page, calls] of Object.entries(pages(count))) {
    const { firstMs, againMs, arrivedMs } = await time(server, cookie, calls);
    const figures = [
      percentile([firstMs], 0),
      ...[againMs, arrivedMs].flatMap((took) => [percentile(took, 0.5), percentile(took, 0.99)]),
    ];
    write(`${page.padEnd(28)} ${String(calls.flat().length).padStart(5)}${figures.join('')}`);
  }
  await timeLimited(server, cookie);
  write(`\n${'a filter not asked before'.padEnd(34)}${titles.slice(1, 3).join('')}${'most ms'.padStart(9)}`);
  for (const [kind, filters] of Object.entries(clicks())) {
    const clicked: Click[] = [];
    for (const filter of filters) clicked.push(await click(server, cookie, filter));
    for (const part of ['chart', 'overview', 'rows', 'search'] as const) {
      const ms = clicked.map((times) => times[part]).sort(rising);
      const figures = [0.5, 0.99, 1].map((share) => percentile(ms, share));
      write(`${`${CLICK_TITLES[part]}, ${kind} (${filters.length})`.padEnd(34)}${figures.join('')}`);
    }
  }
  await server.close();
} finally {
  if (process.argv[3] === undefined) rmSync(folder, { recursive: true, force: true });
}
