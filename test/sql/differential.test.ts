/**
 * Against other parsers (node-sql-parser for MySQL, MariaDB, T-SQL and DB2, sql-parser-cst for MySQL): what they
 * take, the analysis must read the same way. PostgreSQL's own parser is asked in `src/sql/differential.test.ts`; there
 * is no parser for Oracle to ask.
 *
 * Where the two differ for a reason, the reason is a rule here, with who is right. All else counts against the 99 %.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SqlDialect } from '#src/contracts/sql.js';
import { createAnalyzer } from '#src/sql/analyzer.js';
import { astOracle, cstOracle, type Oracle } from './oracles.ts';
import { ALIAS_PREFIX, CTE_PREFIX, type Family, statementsOf } from './statements.ts';

const COMPARED_MIN = 2000;
const AGREEMENT_MIN = 0.99;
/** Drawn; some are equal, some the other parser does not take. */
const SAMPLES = 2500;

const DIALECTS: Readonly<Record<Family, SqlDialect>> = { mysql: 'mysql', mariadb: 'mysql', tsql: 'tsql', db2: 'db2' };

const analyzer = createAnalyzer();

interface Disagreement {
  readonly sql: string;
  readonly mine: string;
  readonly theirs: string;
}

/** Names in order, without those that are no tables; case and quotes aside. */
function tablesOf(names: readonly string[]): string {
  const tables = names.map((name) => name.toLowerCase().replace(/["`[\]]/g, ''));
  const isTable = (name: string): boolean => !name.startsWith(ALIAS_PREFIX) && !name.startsWith(CTE_PREFIX);
  return [...new Set(tables.filter(isTable))].sort().join(' ');
}

function compare(
  family: Family,
  oracle: Oracle,
  statements: number,
): { compared: number; differences: Disagreement[] } {
  const differences: Disagreement[] = [];
  let compared = 0;
  const seen = new Set<string>();
  for (const sql of fc.sample(statementsOf(family), { seed: 1_234, numRuns: statements })) {
    if (seen.has(sql)) continue;
    seen.add(sql);
    const opinion = oracle(sql);
    if (opinion === undefined) continue;
    compared++;
    const [mine, ...more] = analyzer.analyze(sql, DIALECTS[family]);
    const verb = mine?.operation?.split(' ')[0];
    const theirVerb = opinion.operation ?? verb;
    const said = `${more.length} ${verb} ${tablesOf(mine?.objects ?? [])}`;
    const heard = `0 ${theirVerb} ${tablesOf(opinion.tables)}`;
    if (said !== heard) differences.push({ sql, mine: said, theirs: heard });
  }
  return { compared, differences };
}

/** Differences with a reason; in each of these the analysis is right. */
const EXPLAINED: readonly (readonly [why: string, holds: (difference: Disagreement) => boolean])[] = [
  ['the other parser names no table of an index', ({ sql }) => sql.startsWith('create unique index')],
  ['EXEC is EXECUTE', ({ mine, theirs }) => mine.replace('EXECUTE', 'EXEC') === theirs],
  ['the other parser loses the table of INSERT … OUTPUT', ({ sql }) => /^insert into \S+ \(i\) output /.test(sql)],
  [
    'the other parser takes a table of a subquery that has the alias of what is updated for that, without its schema',
    ({ sql, mine, theirs }) =>
      /^update .* al_[12]\b.* set al_/s.test(sql) && tablesWithoutSchema(mine) === tablesWithoutSchema(theirs),
  ],
];

function tablesWithoutSchema(said: string): string {
  return [...new Set(said.split(' ').map((name) => name.slice(name.indexOf('.') + 1)))].sort().join(' ');
}

const ORACLES: readonly (readonly [name: string, family: Family, oracle: () => Oracle])[] = [
  ['node-sql-parser', 'mysql', () => astOracle('mysql')],
  ['node-sql-parser', 'mariadb', () => astOracle('mariadb')],
  ['node-sql-parser', 'tsql', () => astOracle('tsql')],
  ['node-sql-parser', 'db2', () => astOracle('db2')],
  ['sql-parser-cst', 'mysql', () => cstOracle()],
];

for (const [name, family, oracle] of ORACLES) {
  test(`${family}: operation and tables as ${name} reads them`, (t) => {
    const { compared, differences } = compare(family, oracle(), SAMPLES);
    const open = differences.filter((difference) => !EXPLAINED.some(([, holds]) => holds(difference)));
    const share = (count: number): string => `${(100 * (1 - count / compared)).toFixed(2)} %`;
    t.diagnostic(`${compared} statements: ${share(differences.length)} agree, ${share(open.length)} with reasons`);
    for (const { sql, mine, theirs } of open) t.diagnostic(`${sql}: ${mine}, not ${theirs}`);
    for (const [why, holds] of EXPLAINED) {
      const count = differences.filter(holds).length;
      if (count > 0) t.diagnostic(`${count}: ${why}`);
    }
    assert.ok(compared >= COMPARED_MIN, `${compared} statements compared`);
    assert.ok(open.length <= compared * (1 - AGREEMENT_MIN), JSON.stringify(open.slice(0, 10), undefined, 1));
  });
}
