/** Workloads of the `mysql2` client: text and prepared protocol, several statements, compression, users. */
import mysql from 'mysql2/promise';
import { mustFail, PASSWORDS, preferTls, runNamed, type Target } from './target.ts';

async function withConnection(
  target: Target,
  options: mysql.ConnectionOptions,
  work: (connection: mysql.Connection) => Promise<void>,
): Promise<void> {
  const { host, port, database } = target;
  const login = { host, port, database, user: 'alice', password: PASSWORDS.alice, ...options };
  const connection = await preferTls(target, /does not support secure connection/, (tls) =>
    mysql.createConnection(tls ? { ...login, ssl: { rejectUnauthorized: false } } : login),
  );
  try {
    await work(connection);
  } finally {
    await connection.end();
  }
}

/** One value of each type in the binary protocol, NULLs, and an array of new types for a known statement. */
const types = (target: Target): Promise<void> =>
  withConnection(target, {}, async (connection) => {
    await connection.query(
      'create temporary table kinds (a bigint, b double, c varchar(100), d blob, e datetime(6), f date, g time(3), h decimal(30,6), i json, j tinyint)',
    );
    const insert = 'insert into kinds values (?,?,?,?,?,?,?,?,?,?)';
    const day = new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789));
    const bytes = Buffer.from([0, 1, 39, 92, 255]);
    await connection.execute(insert, [
      -42,
      -2.5e-7,
      "it's \\ ü € 😀",
      bytes,
      day,
      '2024-02-29',
      '-12:34:56.789',
      '12345678901234567890.000123',
      { a: [1, null] },
      true,
    ]);
    await connection.execute(insert, new Array<null>(10).fill(null));
    await connection.execute(insert, [
      '9223372036854775807',
      0,
      '',
      Buffer.alloc(0),
      day,
      '0000-00-00',
      '00:00:00',
      '0',
      '[]',
      false,
    ]);
    await connection.execute('select * from kinds where a = ? or c = ?', [-42, '']);
    await connection.execute('select ? as long_text', ['x'.repeat(5_000)]);
    await connection.execute("select 'what?' as quoted, ? as value /* ? */", ['?']);
  });

const mixed =
  (options: mysql.ConnectionOptions) =>
  (target: Target): Promise<void> =>
    withConnection(target, options, async (connection) => {
      await connection.query('create temporary table items (id int primary key, name varchar(50))');
      for (let id = 0; id < target.count; id++) {
        await connection.execute('insert into items values (?, ?)', [id, `item ${id}`]);
        await connection.execute('select name from items where id = ?', [id]);
        await connection.query('update items set name = upper(name) where id = ?', [id]);
        if (id % 11 === 0) await connection.query(`select ${id} as plain, 'semi;colon' as text`);
      }
      await connection.query(
        `select count(*), repeat("long ", 2000), '${'and a long request too '.repeat(400)}' as words from items`,
      );
    });

const multi = (target: Target): Promise<void> =>
  withConnection(target, { multipleStatements: true }, async (connection) => {
    await connection.query("select 1 as one; select 'a;b' as two; select `three` from (select 3 as three) as t");
    await connection.query(
      'create temporary table m (n int); insert into m values (1), (2); update m set n = n + 1; select * from m;',
    );
    await mustFail(connection.query("select 1; select * from no_such_table; select 'never run'"));
    await connection.query('select "after"');
  });

const errors = (target: Target): Promise<void> =>
  withConnection(target, {}, async (connection) => {
    await mustFail(connection.query('selec 1'));
    await mustFail(connection.query('select * from no_such_table'));
    await mustFail(connection.execute('select * from no_such_table where id = ?', [1]));
    await connection.query('create temporary table once (id int primary key)');
    await connection.beginTransaction();
    await connection.execute('insert into once values (?)', [1]);
    await mustFail(connection.execute('insert into once values (?)', [1]));
    await connection.rollback();
    await connection.query('start transaction read only');
    await connection.commit();
  });

const changeUser = (target: Target): Promise<void> =>
  withConnection(target, {}, async (connection) => {
    await connection.query('select current_user() as before_the_change');
    await connection.changeUser({ user: 'bob', password: PASSWORDS.bob, database: target.database });
    await connection.query('select current_user() as after_the_change');
    await connection.execute('select ? as prepared_after', [1]);
    await connection.ping();
  });

/** Result sets in a row from one CALL, as text and prepared, and a procedure that fails midway. */
const procedures = (target: Target): Promise<void> =>
  withConnection(target, {}, async (connection) => {
    await connection.query('drop procedure if exists several');
    await connection.query('create procedure several(in n int) begin select n as first; select n + 1 as second; end');
    await connection.query('drop procedure if exists breaks');
    await connection.query('create procedure breaks() begin select 1 as fine; select * from no_such_table; end');
    await connection.query('call several(5)');
    await connection.execute('call several(?)', [7]);
    await mustFail(connection.query('call breaks()'));
    await connection.query("select 'after'");
  });

/** A prepared statement in SQL, user variables, and a database change by command and by statement. */
const sqlPrepare = (target: Target): Promise<void> =>
  withConnection(target, {}, async (connection) => {
    await connection.query("prepare plus from 'select ? + 1 as n'");
    await connection.query('set @a = 41');
    await connection.query('execute plus using @a');
    await connection.query('deallocate prepare plus');
    await connection.query('use information_schema');
    await connection.query('select count(*) > 0 as some from tables');
  });

await runNamed({
  types,
  multi,
  errors,
  procedures,
  mixed: mixed({}),
  compressed: mixed({ compress: true }),
  'change-user': changeUser,
  'sql-prepare': sqlPrepare,
});
