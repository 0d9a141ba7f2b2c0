/** Workloads of the `mariadb` connector: pipelining, bulk execution, compression, streamed local files. */
import { type Connection, type ConnectionConfig, createConnection } from 'mariadb';
import { mustFail, PASSWORDS, preferTls, runNamed, type Target } from './target.ts';

async function withConnection(
  target: Target,
  options: ConnectionConfig,
  work: (connection: Connection) => Promise<void>,
): Promise<void> {
  const { host, port, database } = target;
  const login = { host, port, database, user: 'alice', password: PASSWORDS.alice, ...options };
  const connection = await preferTls(target, /ssl not enabled/i, (tls) =>
    createConnection({ ...login, ssl: tls && { rejectUnauthorized: false } }),
  );
  try {
    await work(connection);
  } finally {
    await connection.end();
  }
}

/** Commands are sent before the replies of earlier ones: prepare and execute in one flight. */
const pipelined =
  (options: ConnectionConfig) =>
  (target: Target): Promise<void> =>
    withConnection(target, { pipelining: true, ...options }, async (connection) => {
      await connection.query('create temporary table items (id int primary key, name varchar(50))');
      const flight = 50;
      for (let first = 0; first < target.count; first += flight) {
        const work: Promise<unknown>[] = [];
        for (let id = first; id < Math.min(target.count, first + flight); id++) {
          work.push(connection.execute('insert into items values (?, ?)', [id, `item ${id}`]));
          work.push(connection.query('select name from items where id = ?', [id]));
          work.push(connection.execute('select ? as a, ? as b', [BigInt(id) * 1_000_000_007n, id / 8]));
        }
        await Promise.all(work);
      }
      await mustFail(connection.execute('select * from no_such_table where id = ?', [1]));
      await connection.query(`select 'after', '${'a request long enough to be deflated '.repeat(300)}' as words`);
    });

const bulk = (target: Target): Promise<void> =>
  withConnection(target, { bulk: true }, async (connection) => {
    await connection.query('create temporary table rows_in (id int, name varchar(50), amount double)');
    const rows = Array.from({ length: 20 }, (_, id) => [id, id % 5 === 0 ? null : `name ${id}`, id / 4]);
    for (let round = 0; round < target.count; round++) {
      await connection.batch('insert into rows_in values (?, ?, ?)', rows);
      await connection.batch('update rows_in set name = ? where id = ?', [
        ['a', 1],
        ['b', 2],
      ]);
      await connection.query('select count(*) from rows_in');
    }
  });

await runNamed({ bulk, pipelined: pipelined({}), compressed: pipelined({ compress: true }) });
