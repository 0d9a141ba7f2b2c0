/**
 * Statements of the dialects' common core and of each dialect's own, for the comparison with other parsers. Tables, aliases
 * and common table expressions have names of their own, so that a list of names tells which is which.
 */
import fc from 'fast-check';

export type Family = 'mysql' | 'mariadb' | 'tsql' | 'db2';

type Text = fc.Arbitrary<string>;

interface Rules {
  query: string;
  expression: string;
  source: string;
}
type Tie = fc.LetrecTypedTie<Rules>;

/** Names that are not tables begin with one of these. */
export const ALIAS_PREFIX = 'al_';
export const CTE_PREFIX = 'cte_';

function join(...parts: (Text | string)[]): Text {
  return fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((all) => all.join(''));
}

function list(item: Text, maxLength: number): Text {
  return fc.array(item, { minLength: 1, maxLength }).map((items) => items.join(', '));
}

function maybe(item: Text | string): Text {
  return fc.option(typeof item === 'string' ? fc.constant(item) : item, { nil: '' });
}

function isMysql(family: Family): boolean {
  return family === 'mysql' || family === 'mariadb';
}

/** Tables as each family quotes them. */
function tableOf(family: Family): Text {
  const quoted =
    family === 'tsql'
      ? ['[order lines]', '[dbo].[items]', '"T2"']
      : family === 'db2'
        ? ['"T2"']
        : ['`order lines`', '`sh`.`items`'];
  return fc.constantFrom('customers', 'sh.orders', 'items', 'Users', 'log_2024', ...quoted);
}

const LEAVES = ['1', '2.5', "'from z; '", "''''", 'i', 'al_1.j', 'null', "'-- x'", '-3', "'/*'", '0'];
const CALLS = ['f(', 'coalesce(1, ', 'count(distinct ', 'upper(', 'abs('];

/** What looks as if a clause began, and is an argument; and what only one family says. */
const OWN_EXPRESSIONS: Readonly<Record<Family, readonly string[]>> = {
  mysql: [
    'extract(year from j)',
    'date_add(j, interval 1 day)',
    '"from \\" z"',
    "'it\\'s from z'",
    '@v',
    'if(i = 1, 2, 3)',
    '0x1F',
    "doc -> '$.a'",
    'row_number() over (partition by i order by j)',
    '`from`',
  ],
  mariadb: ['extract(year from j)', '"from \\" z"', '@v', '`select`', 'i div 2'],
  tsql: [
    "N'from z'",
    '[from]',
    '@v',
    'cast(j as varchar(20))',
    "convert(int, '1')",
    'isnull(k, 2)',
    'row_number() over (partition by i order by j desc)',
    "dateadd(day, 1, '2020-01-01')",
    'getdate()',
  ],
  db2: ['cast(j as int)', "'a' || 'from z'", 'count(*)', 'row_number() over (partition by i order by j)', '"from"'],
};

function expressions(tie: Tie, family: Family): Text {
  const expression = tie('expression');
  return fc.oneof(
    { depthSize: 'xsmall', withCrossShrink: true },
    fc.constantFrom(...LEAVES),
    fc.constantFrom(...OWN_EXPRESSIONS[family]),
    join(expression, fc.constantFrom(' + ', ' * ', ' - '), expression),
    join(fc.constantFrom(...CALLS), expression, ')'),
    join('case when i = ', expression, ' then 1 else ', expression, ' end'),
    join('(select max(k) from ', tie('source'), ')'),
  );
}

function conditions(tie: Tie): Text {
  const expression = tie('expression');
  return fc.oneof(
    join('i = ', expression),
    join('i > ', expression, ' and j < ', expression),
    join('(i = ', expression, ' or k is not null)'),
    join('i in (', list(expression, 3), ')'),
    join('i in (', tie('query'), ')'),
    join('exists (', tie('query'), ')'),
    join('i between ', expression, ' and ', expression),
    join("k like '%from t%' and not i = ", expression),
  );
}

/** Hints and forms of tables that one family has. */
const HINTS: Readonly<Record<Family, readonly string[]>> = {
  mysql: [''],
  mariadb: [''],
  tsql: [' with (nolock)', ' with (updlock, rowlock)'],
  db2: [''],
};

const JOINS: Readonly<Record<Family, readonly string[]>> = {
  mysql: [' right outer join ', ' cross join '],
  mariadb: [' right join ', ' cross join '],
  tsql: [' full join ', ' right join '],
  db2: [' full outer join ', ' right outer join '],
};

function sources(tie: Tie, table: Text, family: Family): Text {
  const alias = fc.constantFrom('', ' al_1', ' as al_2', ' al_3');
  return fc.oneof(
    { depthSize: 'xsmall', withCrossShrink: true },
    join(table, alias),
    join('(', tie('query'), ') al_4'),
    join(tie('source'), fc.constantFrom(' join ', ' left join ', ' inner join '), table, ' al_5 on i = al_5.i'),
    join(table, ', ', table, ' al_6'),
    join(table, ' al_7', fc.constantFrom(...HINTS[family])),
    join(tie('source'), fc.constantFrom(...JOINS[family]), '(', tie('query'), ') al_8 on i = ', tie('expression')),
    join(table, fc.constantFrom(...JOINS[family]), table, ' al_5 on al_5.i = ', tie('expression')),
  );
}

function queries(tie: Tie, family: Family): Text {
  const expression = tie('expression');
  const where = maybe(join(' where ', conditions(tie)));
  const items = list(join(expression, fc.constantFrom('', ' as c1', ' c2')), 3);
  const gap = fc.constantFrom(' ', '\n', ' /* from z */ ', '\t');
  const tail = isMysql(family)
    ? fc.constantFrom('', ' limit 5', ' order by 1 desc limit 2, 3', ' group by i having max(j) > 2')
    : family === 'db2'
      ? fc.constantFrom('', ' order by 1', ' fetch first 3 rows only', ' group by i having max(j) > 2')
      : fc.constantFrom('', ' order by 1', ' group by i having max(j) > 2');
  const lock = isMysql(family)
    ? fc.constantFrom('', ' for update')
    : fc.constantFrom('', family === 'db2' ? ' with ur' : '');
  const head =
    family === 'tsql'
      ? fc.constantFrom('select ', 'select top 5 ', 'select distinct ')
      : fc.constantFrom('select ', 'select distinct ');
  return fc.oneof(
    { depthSize: 'xsmall', withCrossShrink: true },
    join(head, items, gap, 'from ', tie('source'), where, tail),
    join('select * from ', tie('source'), where),
    join('select i from ', tie('source'), fc.constantFrom(' union ', ' union all '), 'select j from ', tie('source')),
    join('select al_1.*, ', expression, ' from ', tie('source'), where, lock),
  );
}

/** INSERT, UPDATE, DELETE and what else a family has of that kind. */
function changes(tie: Tie, family: Family, table: Text): Text {
  const expression = tie('expression');
  const query = tie('query');
  const where = maybe(join(' where ', conditions(tie)));
  const row = join('(', expression, ', ', expression, ')');
  const common = [
    join('insert into ', table, ' (i, j) values ', list(row, 3)),
    join('insert into ', table, ' (i, j) ', query),
    join('update ', table, ' set i = ', expression, ', j = ', expression, where),
    join('delete from ', table, where),
  ];
  if (isMysql(family)) {
    common.push(
      join('insert into ', table, ' values ', row, ' on duplicate key update i = ', expression),
      join('insert ignore into ', table, ' set i = ', expression),
      join('replace into ', table, ' (i, j) values ', row),
      join('insert into ', table, ' (i, j) ', query, ' on duplicate key update i = values(i)'),
      join('update ', table, ', ', table, ' al_2 set al_2.i = ', expression, where),
      join('delete from ', table, where, ' order by i limit 2'),
      join('delete al_1, al_2 from ', table, ' al_1 join ', table, ' al_2 on al_1.i = al_2.i', where),
      join('update ', table, ' al_1 join ', table, ' al_2 on al_1.i = al_2.i set al_1.j = ', expression, where),
      join('delete al_1 from ', table, ' al_1 join ', table, ' al_2 on al_1.i = al_2.i', where),
    );
  } else if (family === 'tsql') {
    common.push(
      join(
        'update al_1 set j = ',
        expression,
        ' from ',
        table,
        ' al_1 join ',
        table,
        ' al_2 on al_1.i = al_2.i',
        where,
      ),
      join('insert into ', table, ' values ', row),
      join('insert ', table, ' (i, j) values ', row),
      join('insert into ', table, ' (i) output inserted.i values (', expression, ')'),
      join('delete al_1 from ', table, ' al_1 join ', table, ' al_2 on al_1.i = al_2.i', where),
      join('delete from ', table, ' with (rowlock)', where),
      join('select i into al_new from ', tie('source'), where),
    );
  }
  return fc.oneof(...common);
}

function definitions(tie: Tie, family: Family, table: Text): Text {
  const common = [
    join('create table ', table, ' (i int, j varchar(20))'),
    join('drop table ', table),
    join('truncate table ', table),
    join('alter table ', table, ' add column k int'),
  ];
  if (family === 'tsql')
    common.push(
      join('exec ', fc.constantFrom('sp_who', 'dbo.pay'), maybe(" @a = 'x'")),
      join('drop table if exists ', list(table, 2)),
    );
  if (isMysql(family)) {
    common.push(
      join('drop table if exists ', list(table, 3)),
      join('create table if not exists ', table, ' (id int primary key auto_increment, j text not null)'),
      join('create view al_v as ', tie('query')),
      join('create unique index al_k on ', table, ' (i, j)'),
      join('rename table ', table, ' to al_t'),
      join('call al_p(', tie('expression'), ')'),
      join('explain ', tie('query')),
      fc.constantFrom('use sh', 'begin', 'commit', 'set @x = 1', 'rollback'),
      join('lock tables ', table, ' read'),
    );
  }
  return fc.oneof(...common);
}

/** One statement; sizes are small, for parsers that backtrack take long over deep nesting. */
export function statementsOf(family: Family): Text {
  const table = tableOf(family);
  const rules = fc.letrec<Rules>((tie) => ({
    expression: expressions(tie, family),
    source: sources(tie, table, family),
    query: queries(tie, family),
  }));
  const tie = ((key: keyof Rules) => rules[key]) as Tie;
  const cte = fc.oneof(
    join('with cte_a as (', rules.query, ') select i from cte_a join ', table, ' al_9 on i = al_9.i'),
    join('with cte_a as (', rules.query, '), cte_b as (select * from cte_a) select * from cte_b, ', table),
    join('with cte_a (i, j) as (', rules.query, ') select * from cte_a where i in (select i from ', table, ')'),
  );
  return fc.oneof(
    { weight: 5, arbitrary: rules.query },
    { weight: 5, arbitrary: changes(tie, family, table) },
    { weight: 1, arbitrary: cte },
    { weight: 2, arbitrary: definitions(tie, family, table) },
  );
}
