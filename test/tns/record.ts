/**
 * Records the captures under `pcaps/tns`: the thin driver against the scripted server. `node dist/test/tns/record.js`
 *
 * The bytes differ from run to run (session keys), the records do not.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import * as t from '#src/protocols/tns/testing.js';
import { writeConversation } from './pcap.ts';
import { ScriptedServer, type ServerOptions } from './server.ts';

interface Connection {
  execute(sql: string, binds?: unknown, options?: Record<string, unknown>): Promise<unknown>;
  executeMany(sql: string, rows: unknown): Promise<unknown>;
  commit(): Promise<void>;
  close(): Promise<void>;
  clientId: string;
  module: string;
}
interface Driver {
  getConnection(options: Record<string, unknown>): Promise<Connection>;
}

const FOLDER = resolve(import.meta.dirname, '../../../pcaps/tns');
const oracledb = createRequire(import.meta.url)('oracledb') as Driver;
const PASSWORD = 'tiger-secret';
/** What would otherwise be taken from the machine that records. */
const CLIENT = { program: 'till', machine: 'desk7', osUser: 'ann', terminal: 'unknown' };

const done = (server: ScriptedServer, options: t.OerOptions): void => {
  server.replies.push((seq) => t.bytes(t.PARAMETERS, server.oer(seq, options)));
};

async function shop(c: Connection, server: ScriptedServer): Promise<void> {
  const row = (text: string): Uint8Array[] => [t.clr(text)];
  c.clientId = 'web-user-7';
  c.module = 'orders';
  const insert = 'insert into orders values (:1, :2, :3)';
  done(server, { rows: 1, cursor: 3, callStatus: 3 });
  await c.execute(insert, [42, 'blue ✓', null]);
  done(server, { rows: 1, cursor: 3, callStatus: 3 });
  await c.execute(insert, [43, 'red', -123.45]);
  done(server, { rows: 3, cursor: 4, callStatus: 3 });
  await c.executeMany('insert into lines values (:1, :2)', [
    [1, 'a'],
    [2, null],
    [3, 'c'],
  ]);
  server.replies.push((seq) => t.bytes(9, t.ub(1), t.ub(seq)));
  await c.commit();
  server.replies.push((seq) => server.query(seq, [['NAME', 1]], [row('ann'), row('bob')], 5));
  await c.execute('select name from people where age > :1', [30]);
  server.replies.push((seq) =>
    server.oer(seq, { error: 942, text: 'ORA-00942: table or view does not exist\n', cursor: 6 }),
  );
  await c.execute('delete from missing').catch(() => undefined);
}

const refuseLogin = [1017, 'ORA-01017: invalid username/password; logon denied\n'] as const;
const SCENARIOS: Readonly<Record<string, Omit<ServerOptions, 'password'>>> = {
  'thin-12c': { fieldVersion: 7 },
  'thin-19c': { fieldVersion: 12 },
  'thin-23ai': { fieldVersion: 24 },
  'login-failure': { fieldVersion: 12, refuseLogin },
  'service-unknown': { fieldVersion: 12, refuse: '(DESCRIPTION=(TMP=)(ERR=12514)(ERROR_STACK=(ERROR=(CODE=12514))))' },
};

for (const [name, options] of Object.entries(SCENARIOS)) {
  const server = new ScriptedServer({ ...options, password: PASSWORD });
  await server.listen();
  try {
    const connectString = `127.0.0.1:${server.port}/shop`;
    const connection = await oracledb.getConnection({ user: 'scott', password: PASSWORD, connectString, ...CLIENT });
    await shop(connection, server);
    await connection.close();
  } catch (error) {
    if (options.refuse === undefined && options.refuseLogin === undefined) throw error;
  } finally {
    server.close();
  }
  const folder = join(FOLDER, name);
  mkdirSync(folder, { recursive: true });
  writeConversation(join(folder, 'capture.pcap'), server.heard);
  const text = `# tns: ${name}

Oracle's thin driver (oracledb for Node, 26) against the scripted server of \`test/tns\`: field version ${options.fieldVersion}${
    options.refuse === undefined && refuseLogin !== options.refuseLogin ? '' : ', refused'
  }. Synthetic on
the server's side; TCP and IP headers are made up. Recorded by \`node dist/test/tns/record.js\`.
`;
  writeFileSync(join(folder, 'README.md'), text);
}
