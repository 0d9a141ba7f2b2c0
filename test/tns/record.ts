/**
 * Records the captures under `pcaps/tns`: the thin driver against the scripted server, and what the builders write in
 * place of native clients. `node dist/test/tns/record.js [NAME]…`
 *
 * The bytes differ from run to run (session keys), the records do not.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as t from '#src/protocols/tns/testing.js';
import { type Heard, writeConversation } from '../support/recorder.ts';
import { heard, NATIVE_SESSIONS } from './native.ts';
import { type Connection, type Cursor, done, ORACLE_PORT, oracledb, type Pipeline } from './observe.ts';
import { ScriptedServer, type ServerOptions } from './server.ts';

const FOLDER = resolve(import.meta.dirname, '../../../pcaps/tns');
const PASSWORD = 'tiger-secret';
/** What would otherwise be taken from the machine that records. */
const CLIENT = { program: 'till', machine: 'desk7', osUser: 'ann', terminal: 'unknown' };

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

/** What only newer servers and rarer programs show. */
async function rarities(c: Connection, server: ScriptedServer): Promise<void> {
  const columns = [['NAME', 1]] as const;
  const vector = t.bytes(11, 0, t.ub(1), t.ub(0), t.ub(0), t.ub(0), t.ub(0), t.ub(0), 16);
  const row = t.bytes(7, 1, t.description(FIELD_VERSION_23AI, columns), t.ub(17), t.ub(0));
  server.replies.push((seq) => t.bytes(vector, row, t.PARAMETERS, server.oer(seq, { rows: 1, cursor: 8 })));
  server.replies.push((seq) =>
    t.bytes(
      t.rows([[t.clr('ann')]]),
      server.oer(seq, { rows: 1, cursor: 17, error: 1403, text: 'ORA-01403: no data found\n' }),
    ),
  );
  const block = 'begin open_people(:rc); end;';
  const result = await c.execute(block, { rc: { type: oracledb['CURSOR'], dir: oracledb['BIND_OUT'] } });
  const { rc } = result.outBinds as { rc: Cursor };
  await rc.getRows(10);
  await rc.close();
  done(server, { rows: 1, cursor: 9 });
  await c.execute('insert into documents values (:1, :2, :3)', [
    { val: { name: 'größe', list: [1, null, true] }, type: oracledb['DB_TYPE_JSON'] },
    { val: new Float32Array([1.5, -2]), type: oracledb['DB_TYPE_VECTOR'] },
    { val: true, type: oracledb['DB_TYPE_BOOLEAN'] },
  ]);
  const pipeline = new (oracledb['Pipeline'] as new () => Pipeline)();
  for (let i = 1; i <= 3; i++) {
    pipeline.addExecute(`update stock set n = n - ${i} where id = :1`, [i]);
    done(server, { rows: i, cursor: 30 + i });
  }
  pipeline.addCommit();
  server.replies.push((seq) => t.bytes(9, t.ub(1), t.ub(seq)));
  await c.runPipeline(pipeline);
  const text = 'ORA-24381: error(s) in array DML\n';
  done(server, { rows: 2, cursor: 3, error: 24381, text, failedRows: [1] });
  await c.executeMany('insert into t values (:1)', [[1], [1], [2]], { batchErrors: true });
}

const FIELD_VERSION_23AI = 24;
const refuseLogin = [1017, 'ORA-01017: invalid username/password; logon denied\n'] as const;

interface Scenario extends Omit<ServerOptions, 'password'> {
  readonly program?: (connection: Connection, server: ScriptedServer) => Promise<void>;
  /** Of the login. */
  readonly login?: Readonly<Record<string, unknown>>;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'thin-12c': { fieldVersion: 7 },
  'thin-19c': { fieldVersion: 12 },
  'thin-23ai': { fieldVersion: 24 },
  'thin-23ai-pipeline': { fieldVersion: FIELD_VERSION_23AI, program: rarities },
  'thin-sysdba': { fieldVersion: 12, login: { privilege: oracledb['SYSDBA'] } },
  'thin-proxy-user': { fieldVersion: 12, login: { user: 'app[bob]' } },
  'login-failure': { fieldVersion: 12, refuseLogin },
  'service-unknown': { fieldVersion: 12, refuse: '(DESCRIPTION=(TMP=)(ERR=12514)(ERROR_STACK=(ERROR=(CODE=12514))))' },
};

async function record(scenario: Scenario): Promise<readonly Heard[]> {
  const server = new ScriptedServer({ ...scenario, password: PASSWORD });
  await server.listen();
  try {
    const connectString = `127.0.0.1:${server.port}/shop`;
    const login = { user: 'scott', password: PASSWORD, connectString, ...CLIENT, ...scenario.login };
    const connection = await oracledb.getConnection(login);
    await (scenario.program ?? shop)(connection, server);
    await connection.close();
  } catch (error) {
    if (scenario.refuse === undefined && scenario.refuseLogin === undefined) throw error;
  } finally {
    server.close();
  }
  return server.heard;
}

function write(name: string, conversation: readonly Heard[], about: string): void {
  const folder = join(FOLDER, name);
  mkdirSync(folder, { recursive: true });
  writeConversation(join(folder, 'capture.pcap'), ORACLE_PORT, conversation);
  const text = `# tns: ${name}\n\n${about}\nRecorded by \`node dist/test/tns/record.js\`.\n`;
  writeFileSync(join(folder, 'README.md'), text);
}

const wanted = process.argv.slice(2);
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const refused = scenario.refuse !== undefined || scenario.refuseLogin !== undefined ? ', refused' : '';
  write(
    name,
    await record(scenario),
    `Oracle's thin driver (oracledb for Node, 26) against the scripted server of \`test/tns\`: field version ` +
      `${scenario.fieldVersion}${refused}.\nSynthetic on the server's side; TCP and IP headers are made up.`,
  );
}
for (const [name, about, turns] of NATIVE_SESSIONS) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  write(
    name,
    heard(turns),
    `${about}.\nSynthetic on both sides, written from the layouts that \`src/protocols/tns\` describes.`,
  );
}
