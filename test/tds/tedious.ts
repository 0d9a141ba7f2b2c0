/** What the tests have tedious do, and what must be recorded of it. */
import { createHash } from 'node:crypto';
import { Connection, type ConnectionConfiguration, Request, TYPES } from 'tedious';
import type { ScriptedServer } from './server.ts';
import { type Credentials, SERVER_NAME } from './transport.ts';

/** What a client asked for. */
export interface Asked {
  readonly text: string | undefined;
  readonly procedure?: string;
  readonly parameters?: readonly unknown[];
  readonly call: string;
}

type Authentication = NonNullable<ConnectionConfiguration['authentication']>;

/** `ann`, by NTLM: the server knows her as SHOP\ann. */
export const NTLM: Authentication = {
  type: 'ntlm',
  options: { userName: 'ann', password: 'secret', domain: 'shop' },
};

/** With credentials of the server the client wants TLS: inside TDS, or (`strict`) TDS inside it. */
export interface Encrypted {
  readonly encrypt: true | 'strict';
  readonly credentials: Credentials;
}

/** Connects as a user with a password, or as `authentication` says. */
export async function connect(port: number, who: string | Authentication, security?: Encrypted): Promise<Connection> {
  const byPassword = (userName: string): Authentication => {
    return { type: 'default', options: { userName, password: 'secret' } };
  };
  const tls =
    security === undefined
      ? { encrypt: false }
      : {
          encrypt: security.encrypt,
          serverName: SERVER_NAME,
          cryptoCredentialsDetails: { ca: security.credentials.cert },
        };
  const config: ConnectionConfiguration = {
    server: '127.0.0.1',
    authentication: typeof who === 'string' ? byPassword(who) : who,
    options: { port, database: 'shop', appName: 'tedious tests', connectTimeout: 5000, ...tls },
  };
  const connection = new Connection(config);
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
  return connection;
}

/** The server never answers it. */
export const WAITING = "waitfor delay '01:00'";

/** Runs one request; a refusal by the server is an answer like any other. */
function run(execute: (request: Request) => void, sql: string): Promise<Request> {
  return new Promise((resolve) => {
    const request = new Request(sql, () => resolve(request));
    execute(request);
  });
}

type Step = (connection: Connection) => Promise<void>;

function batch(sql: string): [Step, Asked] {
  return [
    async (connection) => {
      await run((request) => connection.execSqlBatch(request), sql);
    },
    { text: sql, call: 'simple' },
  ];
}

type Parameter = readonly [name: string, type: (typeof TYPES)[keyof typeof TYPES], value: unknown, options?: object];

function withParameters(sql: string, parameters: readonly Parameter[], recorded: readonly unknown[]): [Step, Asked] {
  const step: Step = async (connection) => {
    await run((request) => {
      for (const [name, type, value, options] of parameters) request.addParameter(name, type, value, options);
      connection.execSql(request);
    }, sql);
  };
  return [step, { text: sql, procedure: 'sp_executesql', parameters: recorded, call: 'rpc' }];
}

const NUMBERS: [Step, Asked] = withParameters(
  'select * from numbers where a=@a and b=@b and c=@c and d=@d and e=@e and f=@f and g=@g and h=@h and i=@i',
  [
    ['a', TYPES.Int, -42],
    ['b', TYPES.BigInt, '9007199254740993'],
    ['c', TYPES.Decimal, -12.345, { precision: 18, scale: 3 }],
    ['d', TYPES.Money, 99.95],
    ['e', TYPES.Bit, true],
    ['f', TYPES.Float, 0.5],
    ['g', TYPES.Real, 1.5],
    ['h', TYPES.TinyInt, 255],
    ['i', TYPES.SmallInt, null],
  ],
  [-42, '9007199254740993', '-12.345', '99.9500', true, 0.5, 1.5, 255, null],
);

/** Over the cap for values: its beginning is recorded, its length and its hash as sent. */
const LONG_TEXT = 'ż'.repeat(5000);
const LONG_VALUE = {
  type: 'nvarchar',
  text: LONG_TEXT.slice(0, 2048),
  length: 10_000,
  sha256: createHash('sha256').update(Buffer.from(LONG_TEXT, 'utf16le')).digest('hex'),
};
const TEXTS: [Step, Asked] = withParameters(
  'select * from texts where a=@a and b=@b and c=@c and d=@d and e=@e and f=@f',
  [
    ['a', TYPES.NVarChar, "O'Brien zażółć 日本"],
    ['b', TYPES.VarChar, 'plain'],
    ['c', TYPES.VarBinary, Buffer.from('00ff10', 'hex')],
    ['d', TYPES.UniqueIdentifier, '00112233-4455-6677-8899-AABBCCDDEEFF'],
    ['e', TYPES.NVarChar, null],
    ['f', TYPES.NVarChar, ''],
  ],
  [
    "O'Brien zażółć 日本",
    'plain',
    { type: 'varbinary', hex: '00ff10' },
    '00112233-4455-6677-8899-AABBCCDDEEFF',
    null,
    '',
  ],
);

const MOMENT = new Date(Date.UTC(2024, 1, 29, 13, 14, 15, 123));
const TIMES: [Step, Asked] = withParameters(
  'select * from times where a=@a and b=@b and c=@c and d=@d and e=@e and f=@f',
  [
    ['a', TYPES.Date, MOMENT],
    ['b', TYPES.DateTime, MOMENT],
    ['c', TYPES.SmallDateTime, MOMENT],
    ['d', TYPES.DateTime2, MOMENT, { scale: 7 }],
    ['e', TYPES.DateTimeOffset, MOMENT, { scale: 3 }],
    ['f', TYPES.Time, MOMENT, { scale: 3 }],
  ],
  [
    '2024-02-29',
    '2024-02-29 13:14:15.123',
    '2024-02-29 13:14:00',
    '2024-02-29 13:14:15.1230000',
    '2024-02-29 13:14:15.123 +00:00',
    '13:14:15.123',
  ],
);

/** Prepares, executes twice, and frees. */
const PREPARED_TEXT = 'update stock set n = @n where id = @id';
const prepared: Step = (connection) =>
  new Promise((resolve) => {
    const values = [
      { n: 1, id: 10 },
      { n: 2, id: 20 },
    ];
    let freed = false;
    const request = new Request(PREPARED_TEXT, () => {
      // The connection takes the next request only when it is done with this one.
      setImmediate(() => {
        const next = values.shift();
        if (next !== undefined) connection.execute(request, next);
        else if (freed) resolve();
        else connection.unprepare(request);
        freed ||= next === undefined;
      });
    });
    request.addParameter('n', TYPES.Int, undefined);
    request.addParameter('id', TYPES.Int, undefined);
    request.on('prepared', () => connection.execute(request, values.shift()));
    connection.prepare(request);
  });

/** Everything, in order; each step with the records it must give. */
const STEPS: readonly (readonly [Step, ...Asked[]])[] = [
  batch('select name, id from customers'),
  batch(`select '${'a long batch of many packets '.repeat(2000)}'`),
  batch('select * from no_such'),
  NUMBERS,
  TEXTS,
  TIMES,
  withParameters('select @long', [['long', TYPES.NVarChar, LONG_TEXT]], [LONG_VALUE]),
  withParameters(
    'insert into ids select id from @ids',
    [
      [
        'ids',
        TYPES.TVP,
        { schema: 'dbo', name: 'id_list', columns: [{ name: 'id', type: TYPES.Int }], rows: [[1], [2]] },
      ],
    ],
    [{ type: 'dbo.id_list(2 rows)', hex: '010401000000010402000000' }],
  ),
  [
    async (connection) => {
      await run((request) => {
        request.addParameter('limit', TYPES.Int, 5);
        connection.callProcedure(request);
      }, 'dbo.p_report');
    },
    { text: undefined, procedure: 'dbo.p_report', parameters: [5], call: 'rpc' },
  ],
];

/** The statement is prepared once and executed twice. */
const PREPARED: readonly [Step, ...Asked[]] = [
  prepared,
  { text: PREPARED_TEXT, procedure: 'sp_execute', parameters: [1, 10], call: 'prepared' },
  { text: PREPARED_TEXT, procedure: 'sp_execute', parameters: [2, 20], call: 'prepared' },
];

/** All that these ask for, in order. */
export const EVERYTHING: readonly Asked[] = [...STEPS, PREPARED].flatMap(([, ...asked]) => asked);

export async function askAll(connection: Connection): Promise<void> {
  for (const [step] of [...STEPS, PREPARED]) await step(connection);
}

/** Loads three rows and returns how many the server says there were. */
export function load(connection: Connection): Promise<number> {
  return new Promise((resolve, reject) => {
    const bulk = connection.newBulkLoad('stock', (error, rows) => (error ? reject(error) : resolve(rows ?? 0)));
    bulk.addColumn('id', TYPES.Int, { nullable: false });
    bulk.addColumn('name', TYPES.NVarChar, { length: 50, nullable: true });
    connection.execBulkLoad(bulk, [
      { id: 1, name: 'one' },
      { id: 2, name: 'two' },
      { id: 3, name: null },
    ]);
  });
}

/** A batch that the server does not answer, and the attention by which the client takes it back. */
export function cancelled(connection: Connection, server: ScriptedServer): Promise<string> {
  return new Promise((resolve) => {
    const request = new Request(WAITING, (error) => resolve(error?.message ?? 'not cancelled'));
    connection.execSqlBatch(request);
    server.onWaiting = () => connection.cancel();
  });
}

/** A transaction around one batch. */
export async function transact(connection: Connection, sql: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    connection.beginTransaction((error) => (error ? reject(error) : resolve()), 'work');
  });
  await run((request) => connection.execSqlBatch(request), sql);
  await new Promise<void>((resolve, reject) => {
    connection.rollbackTransaction((error) => (error ? reject(error) : resolve()), 'work');
  });
}

export async function close(connection: Connection): Promise<void> {
  const closed = new Promise((resolve) => connection.once('end', resolve));
  connection.close();
  await closed;
}
