/** Workloads of the `postgres` client, which prepares on its own, and pipelines. */
import postgres from 'postgres';
import { mustFail, PASSWORDS, runNamed, type Target } from './target.ts';

async function withSql(target: Target, max: number, work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const { host, port, database } = target;
  const connection = { application_name: 'lab-postgresjs' };
  const sql = postgres({
    host,
    port,
    database,
    user: 'alice',
    password: PASSWORDS.alice,
    ssl: target.tls ? 'prefer' : false,
    max,
    connection,
    onnotice: () => undefined,
  });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}

/** Many requests in flight on few connections. */
const pipelined = (target: Target): Promise<void> =>
  withSql(target, 2, async (sql) => {
    const work: Promise<unknown>[] = [];
    for (let i = 0; i < target.count; i++) {
      work.push(sql`select ${i}::int as n, ${`text ${i}`}::text as s, ${i % 2 === 0}::bool as even`);
      work.push(sql`select ${new Date(i * 1e9)}::timestamptz as t, ${null}::text as nothing`);
    }
    await Promise.all(work);
  });

const transactions = (target: Target): Promise<void> =>
  withSql(target, 1, async (sql) => {
    await sql`create temp table ledger (id int primary key, amount numeric)`;
    await sql.begin(async (tx) => {
      await tx`insert into ledger ${tx([
        { id: 1, amount: '10.50' },
        { id: 2, amount: '0.10' },
      ])}`;
      await tx.savepoint((point) => point`update ledger set amount = amount + 1`);
    });
    await mustFail(sql.begin(async (tx) => await tx`insert into ledger values (1, 0)`));
    await sql.unsafe('select 1 as one; select 2 as two');
    await sql`select * from ledger`.cursor(1);
  });

await runNamed({ pipelined, transactions });
