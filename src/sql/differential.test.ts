/**
 * Against PostgreSQL's own lexer and parser (libpg-query): what it accepts, the analysis must read the same way.
 *
 * Lexer: the literals of hostile texts. Parser: number of statements, their operation and the tables each one names, over
 * statements generated from a grammar of queries and changes that nest in one another.
 */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { loadModule, parseSync, type ScanToken, scanSync } from 'libpg-query';
import type { TextSpan } from '../contracts/sql.ts';
import { createAnalyzer } from './analyzer.ts';

const analyzer = createAnalyzer();

before(loadModule);

/** `undefined` when PostgreSQL does not accept the text. */
function accepted<T>(read: (text: string) => T, text: string): T | undefined {
  try {
    return read(text);
  } catch {
    return undefined;
  }
}

const LITERAL_TOKENS: ReadonlySet<string> = new Set(['SCONST', 'ICONST', 'FCONST', 'BCONST', 'XCONST']);

/** The scanner has no name for `U&'…'`, `B'…'` and `X'…'`. */
function isLiteral(token: ScanToken): boolean {
  return LITERAL_TOKENS.has(token.tokenName) || /^(u&|b|x)'/i.test(token.text);
}

const PIECES =
  `' " '' "" \\ \\' E' e'\\\\ N' B'01 X'1f U&' U&" $ $$ $a$ $a $$; -- /* */ /* // * ; ( ) [ ] , . .. : :: := ? $1 a b.c "d" select 1 12 1.5 .5 1. 1e5 1e 0x1F 1_000 + - <> @> #>> ~ | &`.split(
    ' ',
  );

test('lexer: literals and separators stand where PostgreSQL sees them', () => {
  let compared = 0;
  const text = fc
    .array(fc.tuple(fc.constantFrom(...PIECES), fc.constantFrom('', '', ' ', '\n')), { maxLength: 14 })
    .map((parts) => parts.map(([piece, space]) => piece + space).join(''));
  fc.assert(
    fc.property(text, (sql) => {
      const scanned = accepted(scanSync, sql);
      // Three dots and a digit (a range and a fraction there) are in no statement.
      if (scanned === undefined || scanned.tokens.length === 0 || sql.includes('...')) return;
      const statements = analyzer.analyze(sql, 'postgresql');
      const mine = joined(
        sql,
        statements.flatMap((statement) => statement.literals.map((span) => withoutPrefix(sql, span))),
      );
      const theirs = scanned.tokens.filter(isLiteral).map(({ start, end }) => ({ start, end }));
      assert.deepEqual(mine, joined(sql, theirs), JSON.stringify(sql));
      compared++;
    }),
    { seed: 42, numRuns: 6000 },
  );
  assert.ok(compared > 1500, `${compared} texts compared`);
});

/** The scanner takes the `N` of `N'…'` for a word. */
function withoutPrefix(text: string, span: TextSpan): TextSpan {
  return /^n'/i.test(text.slice(span.start, span.end)) ? { start: span.start + 1, end: span.end } : span;
}

/** Strings that continue on the next line are one token there and two here. */
function joined(text: string, spans: readonly TextSpan[]): TextSpan[] {
  const out: TextSpan[] = [];
  for (const span of spans) {
    const last = out.at(-1);
    const between = last === undefined ? 'x' : text.slice(last.end, span.start);
    const isContinued = text[span.start] === "'" && /^(\s|--[^\n]*\n|\/\*.*\*\/)*\n(\s|--[^\n]*\n)*$/.test(between);
    if (last !== undefined && isContinued && text[last.end - 1] === "'")
      out[out.length - 1] = { start: last.start, end: span.end };
    else out.push(span);
  }
  return out;
}

type Node = { readonly [key: string]: unknown };

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}

/** Tables of a parse tree: every RangeVar that is not a common table expression in scope. */
function tablesOf(node: unknown, ctes: ReadonlySet<string>, out: Set<string>): void {
  if (Array.isArray(node)) {
    for (const item of node) tablesOf(item, ctes, out);
    return;
  }
  if (!isNode(node)) return;
  const name = node['relname'];
  if (typeof name === 'string') {
    const schema = node['schemaname'];
    if (typeof schema === 'string') out.add(`${schema}.${name}`);
    else if (!ctes.has(name)) out.add(name);
    return;
  }
  const scope = new Set(ctes);
  const clause = node['withClause'];
  if (isNode(clause) && Array.isArray(clause['ctes'])) {
    const list = clause['ctes'].map((item: Node) => item['CommonTableExpr'] as Node);
    if (clause['recursive'] === true) for (const cte of list) scope.add(String(cte['ctename']));
    for (const cte of list) {
      tablesOf(cte['ctequery'], scope, out);
      scope.add(String(cte['ctename']));
    }
  }
  for (const [key, value] of Object.entries(node)) if (key !== 'withClause') tablesOf(value, scope, out);
}

type Text = fc.Arbitrary<string>;

/** The grammar's recursive parts. */
interface Rules {
  query: string;
  expression: string;
  source: string;
  change: string;
  statement: string;
}
type Tie = fc.LetrecTypedTie<Rules>;

// Names repeat, so that aliases, common table expressions and tables meet.
const table = fc.constantFrom('a', 'b', 'c', 's.a', '"D e"', 's."x.y"', 'users', 'data', 'name');
const alias = fc.constantFrom('', ' a', ' as b', ' x', ' as "Y"', ' t');
const gap = fc.constantFrom(' ', '\n', ' /* ; from z */ ', ' -- from z;\n');

/** Concatenation; plain strings stand for themselves. */
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

const LEAVES = [
  '1',
  "'from z; '",
  'i',
  'x.j',
  'null',
  "e'\\' from z'",
  '$$ from z $$',
  'current_date',
  '-2.5e3',
  'u&"i"',
  "date '2020-01-01'",
];
const OPERATORS = [' = ', ' is distinct from ', ' and ', ' || ', ' not in (1, 2) or '];
const CALLS = [
  'f(',
  'extract(year from ',
  'substring(i from 1 for ',
  'trim(both from ',
  'cast(null as int) + (',
  'count(*) filter (where true) + (',
];

function expressions(tie: Tie): Text {
  const expression = tie('expression');
  const query = tie('query');
  return fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...LEAVES),
    join(expression, fc.constantFrom(...OPERATORS), expression),
    join(fc.constantFrom(...CALLS), expression, ')'),
    join('i in (', query, ')'),
    join('exists (', query, ')'),
    join('(', query, ')::numeric(10, 2)'),
    join('case when ', expression, ' then 1 else ', expression, ' end'),
    join('sum(i) over (partition by ', expression, ' order by i rows between 1 preceding and current row)'),
    join('array[', expression, '][1]'),
  );
}

function sources(tie: Tie): Text {
  const expression = tie('expression');
  const query = tie('query');
  const source = tie('source');
  return fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    join(table, alias),
    join('only ', table),
    join('(', query, ') as z'),
    join('lateral (', query, ') z'),
    join('generate_series(1, ', expression, ') g(n)'),
    join('rows from (f(', expression, '), g(1)) r'),
    join('(', source, fc.constantFrom(' cross join ', ' natural left join '), source, ')'),
    join(source, fc.constantFrom(' join ', ' left outer join ', ' full join '), source, ' on ', expression),
    join(source, ' join ', table, ' using (i)'),
    join(table, ' tablesample system (1)'),
    fc.constant('(values (1, 2), (3, 4)) v (i, j)'),
  );
}

function withClause(tie: Tie): Text {
  const body = fc.oneof(tie('query'), tie('change'));
  const name = join(fc.constantFrom('a', 'x', 'q'), maybe('(i)'), fc.constantFrom(' as (', ' as not materialized ('));
  return maybe(join(fc.constantFrom('with ', 'with recursive '), name, body, ')', gap));
}

function queries(tie: Tie): Text {
  const expression = tie('expression');
  const query = tie('query');
  const source = tie('source');
  const items = list(join(expression, fc.constantFrom('', ' as k', ' l')), 2);
  const where = maybe(join(' where ', expression));
  return fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    join('table ', table),
    join('select ', expression),
    join(withClause(tie), 'select', gap, items, gap, 'from ', list(source, 2), where, maybe(' for update')),
    join(
      'select distinct on (i) i.* from ',
      source,
      ' group by 1, ',
      expression,
      ' having true order by 1 desc nulls last limit 1',
    ),
    join(query, fc.constantFrom(' union all ', ' except ', ' intersect '), '(', query, ')'),
    join('values (', list(expression, 3), ')'),
  );
}

function changes(tie: Tie): Text {
  const expression = tie('expression');
  const query = tie('query');
  const source = tie('source');
  const where = maybe(join(' where ', expression));
  const conflict = maybe(' on conflict (i) do update set i = excluded.i');
  const columns = maybe(' (i, "J")');
  return fc.oneof(
    join(withClause(tie), 'insert into ', table, maybe(' as n'), columns, ' ', query, conflict, ' returning *'),
    join(
      withClause(tie),
      'update ',
      table,
      maybe(' as m'),
      ' set i = ',
      expression,
      ', (j, k) = (1, 2)',
      maybe(join(' from ', source)),
      where,
      ' returning i',
    ),
    join(withClause(tie), 'delete from ', table, maybe(join(' using ', source)), where, ' returning *'),
  );
}

const MERGE_END =
  ' when matched and i = 1 then update set i = 2 when matched then delete when not matched then insert (i) values (1)';

function statements(tie: Tie): Text {
  const query = tie('query');
  return fc.oneof(
    query,
    tie('change'),
    join('merge into ', table, ' as m using ', tie('source'), ' on ', tie('expression'), MERGE_END),
    join('create table if not exists ', table, ' as ', query),
    join('create or replace view ', table, ' as ', query),
    join(
      'create table ',
      table,
      ' (i int primary key default 1, j int references ',
      table,
      ' (i) on delete set null, like ',
      table,
      ')',
    ),
    join('create unique index on ', table, ' (i, lower(j)) where i > 1'),
    join(
      fc.constantFrom('explain ', 'explain (analyze, verbose) ', 'prepare p (int) as ', 'declare k cursor for '),
      query,
    ),
    join('copy (', query, ') to stdout'),
    join('truncate ', list(table, 3)),
    join('grant select, update on ', list(table, 2), ' to u'),
    join('lock table ', list(table, 2), ' in share mode'),
  );
}

const { statement } = fc.letrec<Rules>((tie) => ({
  expression: expressions(tie),
  source: sources(tie),
  query: queries(tie),
  change: changes(tie),
  statement: statements(tie),
}));

/** The parser's node of a statement, in the analysis' words; a verb with its object where the node says one. */
const OPERATIONS: Readonly<Record<string, string>> = {
  SelectStmt: 'SELECT',
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
  CreateTableAsStmt: 'CREATE TABLE',
  CreateStmt: 'CREATE TABLE',
  ViewStmt: 'CREATE VIEW',
  IndexStmt: 'CREATE INDEX',
  ExplainStmt: 'EXPLAIN',
  PrepareStmt: 'PREPARE',
  DeclareCursorStmt: 'DECLARE',
  CopyStmt: 'COPY',
  TruncateStmt: 'TRUNCATE',
  GrantStmt: 'GRANT',
  LockStmt: 'LOCK TABLE',
};

/** A VALUES list is a SELECT to the parser. */
function operationOf(node: unknown, found: string | undefined): string | undefined {
  const [kind = ''] = Object.keys(isNode(node) ? node : {});
  return kind === 'SelectStmt' && found === 'VALUES' ? found : OPERATIONS[kind];
}

test('parser: statements, their operation and their tables', (t) => {
  let compared = 0;
  fc.assert(
    fc.property(fc.array(statement, { minLength: 1, maxLength: 3 }), (parts) => {
      const sql = parts.join(' ;\n');
      const parsed = accepted(parseSync, sql);
      if (parsed?.stmts === undefined) return;
      const found = analyzer.analyze(sql, 'postgresql');
      assert.equal(found.length, parsed.stmts.length, sql);
      for (const [i, raw] of parsed.stmts.entries()) {
        const tables = new Set<string>();
        tablesOf(raw.stmt, new Set(), tables);
        assert.deepEqual([...(found[i]?.objects ?? [])].sort(), [...tables].sort(), parts[i]);
        assert.equal(found[i]?.operation, operationOf(raw.stmt, found[i]?.operation), parts[i]);
        compared++;
      }
    }),
    { seed: 42, numRuns: 2600 },
  );
  t.diagnostic(`${compared} statements, all agree`);
  assert.ok(compared > 2000, `${compared} statements compared`);
});
