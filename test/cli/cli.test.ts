/** The command line as its users meet it: exit codes, one clear line for what is wrong, data and text kept apart. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { type JsonRecord, wiretrail } from '../support/replay.ts';

const PCAPS = resolve(import.meta.dirname, '../../../pcaps');
const CAPTURE = join(PCAPS, 'postgres/errors-and-transactions/capture.pcap');
const directory = mkdtempSync(join(tmpdir(), 'wiretrail-cli-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const path = (name: string): string => join(directory, name);
const isRoot = process.getuid?.() === 0;

/** Standard error must be one line for people: no stack trace. */
function assertOneLine(stderr: string, pattern: RegExp): void {
  const lines = stderr.trim().split('\n');
  assert.equal(lines.length, 1, stderr);
  assert.match(stderr, pattern);
}

interface SarifResult {
  readonly locations: readonly {
    readonly physicalLocation?: { readonly artifactLocation: { readonly uri: string } };
  }[];
}

interface Wrong {
  readonly name: string;
  readonly args: readonly string[];
  readonly message: RegExp;
  readonly prepare?: () => void;
}

const wrongs: readonly Wrong[] = [
  { name: 'a file that is not there', args: ['replay', path('nope.pcap')], message: /nope\.pcap: no such file/ },
  {
    name: 'a text file called .pcap',
    args: ['replay', path('text.pcap')],
    message: /text\.pcap is not a pcap or pcapng file/,
    prepare: () => writeFileSync(path('text.pcap'), 'this is no capture, it only says so\n'),
  },
  {
    name: 'a policy with an error',
    args: ['replay', CAPTURE, '--policies', path('bad.yaml')],
    message: /bad\.yaml:4:\d+: .*titel/,
    prepare: () => writeFileSync(path('bad.yaml'), 'version: 1\nrules:\n  - id: x\n    titel: y\n'),
  },
  {
    name: 'a store below a file',
    args: ['replay', CAPTURE, '--quiet', '--store', '/dev/null/store'],
    message: /\/dev\/null\/store: a part of this path is a file, not a folder/,
  },
  { name: 'no policies', args: ['replay', CAPTURE, '--policies', path('none')], message: /none: no such policy/ },
  {
    name: 'a folder without policies',
    args: ['replay', CAPTURE, '--policies', PCAPS],
    message: /no policy file \(\*\.yaml, \*\.yml\) in this folder/,
  },
  {
    name: 'evidence in a place that cannot be written',
    args: ['replay', CAPTURE, '--evidence', '/proc/wiretrail'],
    message: /\/proc\/wiretrail: cannot be used for evidence/,
  },
  { name: 'a control socket without a path', args: ['status', '--socket', ''], message: /path of .* is empty/ },
  { name: 'coverage of no store', args: ['coverage', '--store', path('nostore')], message: /no audit store here/ },
  {
    name: 'policies of no store',
    args: ['policy', 'versions', '--store', path('nostore')],
    message: /no audit store here/,
  },
  {
    name: 'a time that nobody can write',
    args: ['coverage', '--store', path('s'), '--from', '-999999999w'],
    message: /out of range/,
    prepare: makeStore,
  },
  {
    name: 'a protocol hint of an unknown protocol',
    args: ['replay', CAPTURE, '--port', '1=foo'],
    message: /called 'foo'/,
  },
  { name: 'a store that is none', args: ['query', '--store', path('nostore')], message: /no audit store here/ },
  { name: 'a query that is none', args: ['query', 'op:', '--store', path('s')], message: /column/, prepare: makeStore },
  {
    name: 'a store in a place that cannot be written',
    args: ['replay', CAPTURE, '--store', '/proc/wiretrail'],
    message: /\/proc\/wiretrail/,
  },
  { name: 'a sensor that would keep nothing', args: ['sensor', '-i', 'lo'], message: /nothing would be kept/ },
];

function makeStore(): void {
  assert.equal(wiretrail(['replay', CAPTURE, '--store', path('s')]).status, 0);
}

for (const { name, args, message, prepare } of wrongs) {
  test(`one clear line and exit code 2: ${name}`, () => {
    prepare?.();
    const { status, stdout, stderr } = wiretrail(args);
    assert.equal(status, 2, stderr);
    assert.equal(stdout, '');
    assertOneLine(stderr, message);
  });
}

test('one clear line and exit code 2: a missing interface', (t) => {
  if (!isRoot) return t.skip('needs root to open a ring');
  const { status, stderr } = wiretrail(['sensor', '-i', 'nosuchif0', '--store', path('unused')]);
  assert.equal(status, 2);
  assertOneLine(stderr, /nosuchif0: no such interface/);
});

test('one clear line and exit code 2: no privilege to capture', (t) => {
  if (!isRoot || !existsSync('/usr/sbin/runuser')) return t.skip('needs root and runuser to become someone else');
  const main = resolve(import.meta.dirname, '../../main.js');
  const command = ['-u', 'nobody', '--', process.execPath, main, 'sensor', '-i', 'lo', '--jsonl', '-'];
  try {
    execFileSync('runuser', command, { encoding: 'utf8', stdio: 'pipe', timeout: 20_000 });
    assert.fail('a user without rights captured');
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: string };
    if (/EACCES|Cannot find module|permission denied/i.test(stderr)) return t.skip('nobody cannot read this checkout');
    assert.equal(status, 2);
    assertOneLine(stderr, /CAP_NET_RAW/);
  }
});

test('a cut-off capture is read to its last whole packet, and that is said', () => {
  const whole = readFileSync(CAPTURE);
  writeFileSync(path('cut.pcap'), whole.subarray(0, whole.length - 7));
  const { status, stderr } = wiretrail(['replay', path('cut.pcap')]);
  assert.equal(status, 0);
  assert.match(stderr, /1 file cut off/);
});

for (const workers of ['1', '2']) {
  test(`what was read before a corrupt capture is kept, with ${workers} workers`, () => {
    const whole = wiretrail(['replay', CAPTURE, '--jsonl', '-', '--quiet']).stdout;
    // A packet of 2 GiB.
    writeFileSync(path('corrupt.pcap'), Buffer.concat([readFileSync(CAPTURE).subarray(0, 24), Buffer.alloc(64, 0x7f)]));
    const [store, jsonl] = [path(`kept-${workers}`), path(`kept-${workers}.jsonl`)];
    const keep = ['--store', store, '--jsonl', jsonl, '--workers', workers, '--quiet'];
    const { status, stderr } = wiretrail(['replay', CAPTURE, path('corrupt.pcap'), ...keep]);
    assert.equal(status, 2, stderr);
    assertOneLine(stderr, /corrupt\.pcap: corrupt at byte 24/);
    assert.equal(readFileSync(jsonl, 'utf8'), whole);
    const stored = wiretrail(['query', '--store', store, '--format', 'jsonl']).stdout;
    assert.equal(stored.split('\n').length, whole.split('\n').length);
    assert.match(wiretrail(['flows', 'list', '--store', store]).stderr, /^3 records$/m);
  });
}

test('a report names the capture that each finding is from', () => {
  copyFileSync(CAPTURE, path('a.pcap'));
  copyFileSync(join(PCAPS, 'mysql/prepared-types/capture.pcap'), path('b.pcap'));
  const rule =
    'id: t/any\n    title: Any\n    reason: t\n    severity: low\n    action: alert\n    when: { kind: statement }';
  writeFileSync(path('statements.yaml'), `version: 1\nrules:\n  - ${rule}\n`);
  const report = [
    '--report',
    'sarif',
    '--report-file',
    path('r.sarif'),
    '--policies',
    path('statements.yaml'),
    '--quiet',
  ];
  assert.equal(wiretrail(['replay', path('a.pcap'), path('b.pcap'), ...report]).status, 0);
  const { results } = JSON.parse(readFileSync(path('r.sarif'), 'utf8')).runs[0];
  const places = results.map((result: SarifResult) => result.locations[0]?.physicalLocation?.artifactLocation.uri);
  assert.deepEqual([...new Set(places)], [path('a.pcap'), path('b.pcap')]);
});

test('wrong usage is exit code 2 and names what is possible', () => {
  for (const args of [
    ['replay'],
    ['repla', CAPTURE],
    ['replay', CAPTURE, '--fail-on', 'huge'],
    ['replay', CAPTURE, '--workers', '100000'],
    ['replay', CAPTURE, '--flows', '1000000000000'],
    ['replay', CAPTURE, '--session-memory', '1M'],
    ['replay', CAPTURE, '--session-memory', 'plenty'],
    ['replay', CAPTURE, '--sensor-name', ''],
    ['query', '--nope'],
  ]) {
    const { status, stderr } = wiretrail(args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, /error: .*\n\(--help shows what is possible\)/s);
  }
});

test('a console over no store says so and leaves nothing behind', () => {
  const { status, stderr } = wiretrail(['console', '--store', path('no-store')]);
  assert.equal(status, 2);
  assertOneLine(stderr, /no-store: no audit store here/);
  assert.equal(existsSync(path('no-store')), false);
});

test('a port that is taken is named, and what is wrong with it', async () => {
  const store = path('listened');
  assert.equal(wiretrail(['replay', CAPTURE, '--quiet', '--store', store]).status, 0);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const { status, stderr } = wiretrail(['console', '--store', store, '--no-tls', '--listen', `127.0.0.1:${port}`]);
  other.close();
  assert.equal(status, 2);
  assertOneLine(stderr, /cannot listen at 127\.0\.0\.1:\d+: another program does; choose another port/);
});

test('a segment that cannot be read is listed as such', () => {
  const store = path('torn');
  assert.equal(wiretrail(['replay', CAPTURE, '--quiet', '--store', store]).status, 0);
  writeFileSync(join(store, 'segments/000001.db'), 'no database');
  assert.match(wiretrail(['store', 'list', '--store', store]).stdout, /^1 +UNREADABLE +0/m);
});

test('every command explains itself with examples', () => {
  const { stdout: all } = wiretrail(['--help']);
  const names = [...all.matchAll(/^ {2}(\w+) (?:\[|<| )/gm)].map(([, name]) => name as string);
  const commands = names.filter((name) => name !== 'help');
  assert.ok(commands.length >= 13, commands.join(' '));
  for (const command of [[], ...commands.map((name) => [name])]) {
    const { status, stdout } = wiretrail([...command, '--help']);
    assert.equal(status, 0);
    assert.match(stdout, /Usage: wiretrail/);
    assert.match(stdout, /Examples:\n {2}wiretrail /);
  }
});

test('records go to standard output, the summary to standard error', () => {
  const { status, stdout, stderr } = wiretrail(['replay', CAPTURE, '--jsonl', '-']);
  assert.equal(status, 0);
  for (const line of stdout.trim().split('\n')) assert.equal(typeof JSON.parse(line), 'object');
  assert.match(stderr, /^statements {2}\d+/m);
});

test('the same capture gives the same records, byte for byte, also from standard input', () => {
  const first = wiretrail(['replay', CAPTURE, '--jsonl', '-', '--quiet']);
  const second = wiretrail(['replay', CAPTURE, '--jsonl', '-', '--quiet']);
  const piped = wiretrail(['replay', '-', '--jsonl', '-', '--quiet'], readFileSync(CAPTURE));
  assert.ok(first.stdout.length > 0);
  assert.equal(second.stdout, first.stdout);
  assert.equal(piped.stdout, first.stdout);
});

test('--fail-on ends with 1 when a rule of that severity matched, with 0 when none did', () => {
  const rule =
    'id: test/any\n    title: Any\n    reason: test\n    severity: medium\n    action: alert\n    when: { kind: statement }';
  writeFileSync(path('any.yaml'), `version: 1\nrules:\n  - ${rule}\n`);
  const args = ['replay', CAPTURE, '--quiet', '--policies', path('any.yaml')];
  assert.equal(wiretrail([...args, '--fail-on', 'medium']).status, 1);
  assert.equal(wiretrail([...args, '--fail-on', 'high']).status, 0);
  assert.equal(wiretrail(args).status, 0);
});

test('exit code 3 says that the sensor itself lost something; a rule that matched goes before it', () => {
  const capture = join(PCAPS, 'postgres/pipelined/capture.pcap');
  assert.equal(wiretrail(['replay', capture]).status, 0);
  for (const workers of ['1', '2']) {
    const args = ['replay', capture, '--flows', '1', '--workers', workers];
    const short = wiretrail(args);
    assert.equal(short.status, 3, short.stderr);
    assert.match(short.stderr, /loss .* flows evicted/);
    const any = path('any.yaml');
    writeFileSync(
      any,
      'version: 1\nrules:\n  - { id: x/any, title: Any, reason: Any, severity: low, action: alert, when: { kind: statement } }\n',
    );
    assert.equal(wiretrail([...args, '--policies', any, '--fail-on', 'low']).status, 1);
  }
});

test('record: matched keeps only what a rule matched', () => {
  const rule =
    'id: test/delete\n    title: Delete\n    reason: test\n    severity: low\n    action: record\n    when: { operation: DELETE }';
  writeFileSync(path('matched.yaml'), `version: 1\nrecord: matched\nrules:\n  - ${rule}\n`);
  const everything = wiretrail(['replay', PCAPS, '--jsonl', '-', '--quiet']).stdout.trim().split('\n');
  const kept = wiretrail(['replay', PCAPS, '--jsonl', '-', '--quiet', '--policies', path('matched.yaml')]).stdout;
  const records = kept
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as JsonRecord);
  assert.ok(records.length > 0 && records.length < everything.length);
  for (const record of records) {
    const operations = record['audit.operations'] ?? [record['db.operation.name']];
    assert.ok(Array.isArray(operations) && operations.includes('DELETE'), JSON.stringify(operations));
  }
});

test('what was replayed into a store is found again, the same', () => {
  const store = path('round');
  const printed = wiretrail(['replay', CAPTURE, '--jsonl', '-', '--store', store, '--quiet']).stdout.trim().split('\n');
  const found = wiretrail(['query', '--store', store, '--format', 'jsonl', '--order', 'oldest'])
    .stdout.trim()
    .split('\n');
  assert.deepEqual(found.sort(), printed.sort());
  const users = wiretrail([
    'query',
    'kind:statement',
    '--store',
    store,
    '--count-by',
    'user',
    '--format',
    'csv',
  ]).stdout;
  assert.match(users, /^user,records,failed,rows\r?\nalice,\d+/);
});

test('a second replay of the same capture adds nothing', () => {
  const store = path('twice');
  for (let i = 0; i < 2; i++) assert.equal(wiretrail(['replay', CAPTURE, '--store', store]).status, 0);
  const once = path('once');
  assert.equal(wiretrail(['replay', CAPTURE, '--store', once]).status, 0);
  const query = (dir: string): string => wiretrail(['query', '--store', dir, '--format', 'jsonl']).stdout;
  assert.equal(query(store), query(once));
});

test('a full disk is one clear line; what was stored before is unharmed', (t) => {
  if (!isRoot) return t.skip('needs root to mount a small file system');
  const mount = path('small');
  mkdirSync(mount);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount]);
  try {
    const store = join(mount, 'store');
    copyFileSync(CAPTURE, path('first.pcap'));
    assert.equal(wiretrail(['replay', path('first.pcap'), '--store', store]).status, 0);
    const before = wiretrail(['query', '--store', store, '--format', 'jsonl']).stdout;
    writeFileSync(join(mount, 'ballast'), Buffer.alloc(8 << 20).subarray(0, freeBytes(mount)));
    const full = wiretrail(['replay', PCAPS, '--store', store, '--quiet']);
    assert.notEqual(full.status, 0);
    assertOneLine(full.stderr, /full|space|disk/i);
    rmSync(join(mount, 'ballast'));
    const lines = new Set(wiretrail(['query', '--store', store, '--format', 'jsonl']).stdout.split('\n'));
    for (const line of before.split('\n')) assert.ok(lines.has(line));
  } finally {
    execFileSync('umount', [mount]);
  }
});

/** Leaves a few pages, so that the store opens and fails later. */
function freeBytes(mount: string): number {
  const output = execFileSync('df', ['--output=avail', '-B1', mount], { encoding: 'utf8' });
  return Math.max(0, Number(output.trim().split('\n').at(-1)) - 300 * 1024);
}

test('a user that the system has no name for, as in a container, is known by number', (t) => {
  if (!isRoot || !existsSync('/usr/bin/setpriv')) return t.skip('needs root and setpriv to become a number');
  makeStore();
  execFileSync('chmod', ['-R', 'a+rwX', directory]);
  const main = resolve(import.meta.dirname, '../../main.js');
  const who = ['--reuid', '54321', '--regid', '54321', '--clear-groups', process.execPath, main];
  const run = (...args: string[]): string =>
    execFileSync('setpriv', [...who, ...args], { encoding: 'utf8', stdio: 'pipe', timeout: 20_000 });
  try {
    run('--version');
  } catch (error) {
    const { stderr } = error as { stderr: string };
    if (/EACCES|Cannot find module|permission denied/i.test(stderr)) return t.skip('nobody cannot read this checkout');
    throw error;
  }
  assert.match(run('query', '--format', 'jsonl', '--limit', '1', '--store', path('s')), /"audit\.id"/);
  assert.match(run('query', '--reads', '--format', 'jsonl', '--store', path('s')), /"audit\.os_user":"uid 54321"/);
});
