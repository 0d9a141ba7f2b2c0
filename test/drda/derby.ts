/** Apache Derby's network server on the loopback, its client workload, the capture between them, and its statement log. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LoggedEntry } from '../lab/log.ts';
import { type DerbyClient, readDerbyLog } from './log.ts';

const JARS_DIRECTORY = '/usr/share/java';
const JARS: readonly string[] = ['derby.jar', 'derbynet.jar', 'derbyclient.jar', 'derbytools.jar'];
const CLASS_PATH: string = JARS.map((jar) => join(JARS_DIRECTORY, jar)).join(':');
/** This file runs as `dist/test/drda/derby.js`. */
const WORKLOAD: string = resolve(import.meta.dirname, '../../../test/drda/Workload.java');
const START_TIMEOUT_MS = 30_000;
const WORKLOAD_TIMEOUT_MS = 60_000;
const SETTLE_MS = 1500;

/** Why Derby cannot be run here; `undefined` when it can. */
export function derbyObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'capturing needs root';
  for (const tool of ['java', 'javac', 'tcpdump']) {
    if (spawnSync(tool, ['--version']).error) return `no ${tool}`;
  }
  const missing = JARS.find((jar) => !existsSync(join(JARS_DIRECTORY, jar)));
  return missing === undefined ? undefined : `no ${missing} (Debian: libderby-java, libderbyclient-java, derby-tools)`;
}

export interface DerbyRun {
  /** Path of the capture; gone after `dispose`. */
  readonly capture: string;
  /** What the server and the workload say was done. */
  readonly truth: readonly LoggedEntry[];
  dispose(): void;
}

/** Derby believes anybody unless told who may log in. */
const AUTHENTICATION: readonly string[] = [
  '-Dderby.connection.requireAuthentication=true',
  '-Dderby.authentication.provider=BUILTIN',
  '-Dderby.user.alice=s3cret-alice',
];

/** Runs the workload against a fresh server and records both. */
export async function runDerby(scenario: string, rounds: number): Promise<DerbyRun> {
  const home = mkdtempSync(join(tmpdir(), 'wiretrail-derby-'));
  const port = await freePort();
  const capture = join(home, 'capture.pcap');
  const server = spawn(
    'java',
    [
      `-Dderby.system.home=${home}`,
      '-Dderby.language.logStatementText=true',
      '-Dderby.stream.error.logSeverityLevel=0',
      ...(scenario === 'login-failure' ? AUTHENTICATION : []),
      '-cp',
      CLASS_PATH,
      'org.apache.derby.drda.NetworkServerControl',
      ...['start', '-h', '127.0.0.1', '-p', String(port), '-noSecurityManager'],
    ],
    { cwd: home, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const sniffer = spawn(
    'tcpdump',
    ['-i', 'lo', '-Z', 'root', '-U', '--immediate-mode', '-B', '65536', '-s', '0', '-w', capture, `tcp port ${port}`],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  try {
    await Promise.all([says(server, 'stdout', 'ready to accept'), says(sniffer, 'stderr', 'listening on')]);
    const client = spawn('java', ['-cp', CLASS_PATH, WORKLOAD, String(port), scenario, String(rounds)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: WORKLOAD_TIMEOUT_MS,
    });
    client.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const status = await ended(client);
    if (status !== 0) throw new Error(`the workload ended with ${status}`);
    await new Promise((settled) => setTimeout(settled, SETTLE_MS));
  } finally {
    sniffer.kill('SIGINT');
    server.kill('SIGKILL');
    await Promise.all([ended(sniffer), ended(server)]);
  }
  const truth = readDerbyLog(readFileSync(join(home, 'derby.log'), 'utf8'), clientsOf(capture, port, said));
  return { capture, truth, dispose: () => rmSync(home, { recursive: true, force: true }) };
}

/** The workload prints a line a connection: user, and SQLSTATE when it was refused. Their ports are the capture's. */
function clientsOf(capture: string, port: number, said: string): DerbyClient[] {
  const filter = `tcp[tcpflags] & (tcp-syn | tcp-ack) == tcp-syn and dst port ${port}`;
  const { stdout } = spawnSync('tcpdump', ['-nn', '-r', capture, filter], { encoding: 'utf8' });
  const clients = [...stdout.matchAll(/ IP (\S+)\.(\d+) > /g)].map(([, address, from]) => `${address}:${from}`);
  const connections = said.split('\n').filter((line) => line !== '');
  if (clients.length !== connections.length) {
    throw new Error(`${connections.length} connections made, ${clients.length} captured`);
  }
  return connections.map((line, index) => {
    const [user = '', errorCode] = line.split(' ');
    return { user, client: clients[index] ?? '', errorCode };
  });
}

function says(process: ChildProcess, stream: 'stdout' | 'stderr', word: string): Promise<void> {
  return new Promise((done, fail) => {
    let said = '';
    const timer = setTimeout(() => fail(new Error(`'${word}' was not said in time: ${said}`)), START_TIMEOUT_MS);
    process[stream]?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (!said.includes(word)) return;
      clearTimeout(timer);
      done();
    });
  });
}

function ended(process: ChildProcess): Promise<number | null> {
  if (process.exitCode !== null || process.signalCode !== null) return Promise.resolve(process.exitCode);
  return new Promise((done) => process.once('exit', done));
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (address && typeof address === 'object' ? done(address.port) : fail(new Error('no port'))));
    });
  });
}
