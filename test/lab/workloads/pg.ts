/** Workloads of the `pg` client: simple and parameterised queries, portals, bursts, binary values, errors. */
import pg from 'pg';
import { mustFail, PASSWORDS, preferTls, runNamed, type Target } from './target.ts';

async function connect(target: Target, user: keyof typeof PASSWORDS = 'alice'): Promise<pg.Client> {
  const { host, port, database } = target;
  const options = { host, port, database, user, password: PASSWORDS[user], application_name: 'lab-pg' };
  return await preferTls(target, /does not support SSL/, async (tls) => {
    const client = new pg.Client({ ...options, ssl: tls && { rejectUnauthorized: false } });
    await client.connect();
    return client;
  });
}

async function withClient(target: Target, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = await connect(target);
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** One value of each type, as text and (Buffers) as binary. */
const types = (target: Target): Promise<void> =>
  withClient(target, async (client) => {
    await client.query(
      'create temp table kinds (a int2, b int4, c int8, d float4, e float8, f numeric, g bool, h text, i bytea, j date, k timestamptz, l uuid, m jsonb, n int4[], o interval)',
    );
    const insert = 'insert into kinds values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)';
    const day = new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789));
    const uuid = '6f1c2a52-5a0e-4a39-9d6b-0d6cbb7bb6c4';
    const epoch = ['1970-01-01', '1970-01-01 00:00:00+00'];
    await client.query(insert, [
      -32768,
      2147483647,
      '9223372036854775807',
      1.5,
      -2.25e-7,
      '12345678901234567890.000123',
      true,
      "it's \\ ü € 😀",
      Buffer.from([0, 1, 39, 92, 255]),
      '2024-02-29',
      day,
      uuid,
      { a: [1, 'two', null] },
      [1, 2, 3],
      '1 day 02:03:04',
    ]);
    await client.query(insert, [...new Array<null>(15).fill(null)]);
    await client.query(insert, [0, 0, 0, 0, 0, '0', false, '', Buffer.alloc(0), ...epoch, uuid, '{}', [], '00:00:00']);
    const big = Buffer.alloc(4);
    big.writeInt32BE(-42);
    await client.query('select $1::int4 as n, $2::text as s', [big, Buffer.from('as bytes')]);
    await client.query({
      text: 'select * from kinds where b = $1',
      values: [2147483647],
      binary: true,
    } as pg.QueryConfig);
    await client.query('select $1::text', ['x'.repeat(5_000)]);
  });

/** Named statements used again and again, and one name for each of several texts. */
const prepared = (target: Target): Promise<void> =>
  withClient(target, async (client) => {
    await client.query('create temp table items (id int primary key, name text)');
    for (let id = 0; id < target.count; id++) {
      await client.query({ name: 'add-item', text: 'insert into items values ($1, $2)', values: [id, `item ${id}`] });
      await client.query({ name: 'get-item', text: 'select name from items where id = $1', values: [id] });
      if (id % 3 === 0) await client.query('update items set name = upper(name) where id = $1', [id]);
      if (id % 7 === 0) await client.query(`select ${id} as plain, 'semi;colon' as text`);
    }
    await client.query('deallocate "add-item"');
    await client.query('select count(*) from items');
  });

/** Queued without waiting: several requests in one segment, replies far behind. */
const burst = (target: Target): Promise<void> =>
  withClient(target, async (client) => {
    const work: Promise<unknown>[] = [];
    for (let i = 0; i < target.count; i++) {
      work.push(client.query('select $1::int + $2::int as sum', [i, i * 2]));
      work.push(client.query(`select ${i} as simple`));
    }
    await Promise.all(work);
  });

/** Portals that are suspended and continued. */
const portals = (target: Target): Promise<void> =>
  withClient(target, async (client) => {
    const config = { text: 'select n from generate_series(1, $1::int) as n', values: [10], rows: 4 };
    await client.query(config as pg.QueryConfig);
    await client.query('select 1 as after_the_portal');
  });

/** Failures in each stage: grammar, names, binding, execution, constraint. */
const errors = (target: Target): Promise<void> =>
  withClient(target, async (client) => {
    await mustFail(client.query('selec 1'));
    await mustFail(client.query('select * from no_such_table'));
    await mustFail(client.query('select * from no_such_table where id = $1', [1]));
    await mustFail(client.query('select $1::int', ['not a number']));
    await mustFail(client.query('select 1 / $1::int', [0]));
    await mustFail(client.query("select 1; select 2 / 0; select 'never run'"));
    await client.query('create temp table once (id int primary key)');
    await client.query('insert into once values ($1)', [1]);
    await mustFail(client.query('insert into once values ($1)', [1]));
    await client.query('begin');
    await mustFail(client.query('select wrong'));
    await mustFail(client.query('select $1::text', ['in a failed transaction']));
    await client.query('rollback');
  });

/** Roles whose passwords are checked by SCRAM, MD5 and in the clear. */
const roles = async (target: Target): Promise<void> => {
  for (const user of ['alice', 'carol', 'dave'] as const) {
    const client = await connect(target, user);
    await client.query('select current_user, session_user');
    await client.end();
  }
};

await runNamed({ types, prepared, burst, portals, errors, roles });
